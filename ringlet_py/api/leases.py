"""A lease that knows how to report: what a claim hands to a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ringlet_py.api import values
from ringlet_py.entry import Address
from ringlet_py.errors import KeyNotFound, UsageError
from ringlet_py.lease import Request
from ringlet_py.lending.reports import INVALID, OK, QUOTA_SPENT, RATE_LIMITED
from ringlet_py.lending.turns import ENVIRONMENT

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from ringlet_py.broker import Broker
    from ringlet_py.lease import Lease
    from ringlet_py.secret import Secret


class ClaimedLease:
    """One key, lent: `secret.reveal()` is its value, and the reports say how it fared at its provider.

    It ends with its `with` block or with `end`: the secret is dropped, and every further use is a UsageError.  The use
    stays counted, also after an exception in the block; `release` is what gives it back.
    """

    def __init__(self, broker: Broker, lease: Lease) -> None:
        self._broker = broker
        self._lease: Lease | None = lease
        self.address = lease.address
        self._released = False

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Drops the secret; the use stays counted."""
        self._lease = None

    @property
    def secret(self) -> Secret:
        """The key's value, wrapped."""
        return self._open().secret

    def bound_secret(self, name: str) -> Secret:
        """A further value that travels with the key; KeyNotFound, and recorded as a claim of its own."""
        address = self._open().address
        if self.backend == ENVIRONMENT:  # its address may be a stored key's too, whose values are not this one's
            raise KeyNotFound(
                f"the environment's key of {address.provider} has no bound secrets",
                why="they are stored with a key",
                hint=f"ringlet keychain set {address.provider} ALIAS --secret NAME",
            )
        request = Request(Address(address.provider, address.alias, name), purpose=f"bound to {address}")
        return self._broker.claim(request).secret

    @property
    def base_url(self) -> str:
        """The only address the key is meant for; "" is the provider's own."""
        return self._open().base_url

    @property
    def backend(self) -> str:
        """Where the key came from: `system`, `file`, `sealed`, or `environment`."""
        return self._open().backend

    @property
    def expires_at(self) -> datetime | None:
        """When the key itself expires, if that is known."""
        return values.moment(self._open().expires_at)

    @property
    def remaining(self) -> int | None:
        """The least that is left, after this use, of any limit that counted it; None without a limit."""
        left = self._open().remaining
        return None if left < 0 else left

    @property
    def reason(self) -> str:
        """Why this key."""
        return self._open().reason

    @property
    def ready_at(self) -> datetime | None:
        """When the key will be ready, if it is not: only for a claim with `soonest_ready`."""
        return values.moment(self._open().ready_at)

    def rate_limited(
        self, retry_after: float | str | None = None, *, until: datetime | None = None, whole_org: bool | None = None
    ) -> None:
        """The provider said 429: the key rests for that long, a minute if that is not known.

        `retry_after` is in seconds, or the header Retry-After as it came.  `whole_org` is whether all keys of its org
        rest with it (None: if its org is known); for this feature, and of an old and a new end the later one counts.
        """
        self._report(RATE_LIMITED, retry_after, until, whole_org=whole_org)

    def quota_spent(self, until: datetime | None = None, *, whole_org: bool | None = None) -> None:
        """Nothing is left of its quota, for any feature, until then (None: until midnight UTC)."""
        self._report(QUOTA_SPENT, None, until, whole_org=whole_org)

    def invalid(self) -> None:
        """The provider said 401 or 403: nobody gets the key until a person says otherwise (`ringlet pools wake`)."""
        self._report(INVALID)

    def ok(self) -> None:
        """It went well; this is for the audit alone."""
        self._report(OK)

    def release(self) -> None:
        """Gives the use back, as if nothing had been claimed, and ends the lease; once, however often it is called."""
        if self._released:
            return
        self._broker.release(self._open())
        self._released = True
        self.end()

    def _report(
        self,
        kind: str,
        retry_after: float | str | None = None,
        until: datetime | None = None,
        *,
        whole_org: bool | None = None,
    ) -> None:
        self._broker.report(self._open(), values.outcome(kind, retry_after, until, whole_org=whole_org))

    def _open(self) -> Lease:
        lease = self._lease
        if lease is None:
            hint = "use it inside its block, or claim another"
            raise UsageError(f"the lease of {self.address} has ended", hint=hint)
        return lease

    def __repr__(self) -> str:
        return f"ClaimedLease({self.address}{'' if self._lease else ', ended'})"
