"""The gate: `claim` is the only way a key leaves, and it is written down before the key is handed over."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.lease import Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import Any

    from ringlet_py.audit import Recorder
    from ringlet_py.backends import Backend
    from ringlet_py.entry import Address
    from ringlet_py.lease import Request
    from ringlet_py.ledger.sealed import SealedValue
    from ringlet_py.lending import Chosen, Lending
    from ringlet_py.lending.reports import Outcome
    from ringlet_py.secret import Secret


class Broker:
    """Lends keys out of one backend and records every attempt; `lending` chooses where something has to be counted."""

    __slots__ = ("_audit", "_backend", "_lending")

    def __init__(self, backend: Backend, audit: Recorder, lending: Callable[[], Lending]) -> None:
        self._backend = backend
        self._audit = audit
        self._lending = lending

    def claim(self, request: Request) -> Lease:
        """The lease for the request; every refusal is recorded too.

        Raises KeyNotFound, the KeychainError that fits, and AuditUnwritable: what cannot be recorded is
        not handed over.  Where it has to be counted also PoolNotFound, PoolEmpty, PoolExhausted (with `retry_at`),
        KeyUnusable.  A use that was counted is given back if the key cannot be handed over.
        """
        if request.address is not None and not request.limited:
            return self._lease(request, request.address)
        claiming = self.claiming(request)
        while True:
            try:
                pause = next(claiming)
            except StopIteration as done:
                lease: Lease = done.value
                return lease
            self._lending().sleep(pause)

    def claiming(self, request: Request) -> Generator[float, None, Lease]:
        """What `claim` does, for who must not sleep: yields the pauses to be made (seconds), and returns the lease."""
        lending = self._lending()
        deadline = lending.steady() + request.wait
        while True:
            try:
                chosen = yield from lending.choosing(request, deadline)
            except errors.RingletError as problem:
                self._record(request, problem.code, address=str(request.address or request.provider))
                raise
            lease = self._handed_over(request, chosen)
            if lease is not None:
                return lease

    def claim_all(self, requests: Sequence[Request]) -> list[Lease | errors.RingletError]:
        """Each as `claim`, without waiting and errors as answers: one transaction and one writing of the audit for all.

        Raises what concerns all of them, AuditUnwritable among it: then none is handed over, and what was counted is
        given back.
        """
        from ringlet_py.lending.together import choose_all

        found = choose_all(self._lending(), requests)
        try:
            with self._audit.together():
                return [self._answered(request, chosen) for request, chosen in zip(requests, found, strict=True)]
        except BaseException:
            for chosen in found:
                if not isinstance(chosen, errors.RingletError):
                    self._undo(chosen)
            raise

    def report(self, lease: Lease, outcome: Outcome, *, caller: str = "") -> None:
        """Says how the key fared at its provider, for all who claim it; see `lending.reports`."""
        try:
            self._lending().report(lease, outcome)
        except errors.RingletError as problem:
            self._audit.append("report", problem.code, address=str(lease.address), purpose=outcome.kind, caller=caller)
            raise
        self._audit.append("report", "ok", address=str(lease.address), purpose=outcome.kind, caller=caller)

    def release(self, lease: Lease) -> None:
        """Gives the use back, as if the key had not been claimed; once, however often it is asked to."""
        if lease.id:
            self._lending().give_back(lease.id)
        self._audit.append("release", "ok", address=str(lease.address))

    def _answered(self, request: Request, chosen: Chosen | errors.RingletError) -> Lease | errors.RingletError:
        try:
            if isinstance(chosen, Exception):
                self._record(request, chosen.code, address=str(request.address or request.provider))
                return chosen
            return self._handed_over(request, chosen) or self.claim(request)
        except errors.AuditError:
            raise
        except errors.RingletError as problem:
            return problem

    def _handed_over(self, request: Request, chosen: Chosen) -> Lease | None:
        """The lease, or None if the key is not where its entry says and another may be; what was counted goes back."""
        try:
            if chosen.secret is not None:
                self._record(request, "ok", chosen.secret, address=str(chosen.address), backend=chosen.backend)
                return Lease(chosen.address, backend=chosen.backend, secret=chosen.secret, **chosen.known)
            return self._lease(request, chosen.address, chosen.value, chosen.known)
        except BaseException as problem:
            self._undo(chosen)
            if not isinstance(problem, errors.KeyNotFound):
                raise
        if request.address is not None or chosen.known["ready_at"]:  # what comes soonest would come again and again
            raise self._lending().explained(request, chosen.address)
        self._lending().pass_over(chosen.address)
        return None

    def _undo(self, chosen: Chosen) -> None:
        try:
            self._lending().give_back(chosen.lease)
        except errors.RingletError:
            return  # what kept the key from being handed over matters more than a use too many

    def _lease(
        self, request: Request, address: Address, value: SealedValue | None = None, known: dict[str, Any] | None = None
    ) -> Lease:
        try:
            secret = self._secret(address, value)
        except errors.RingletError as problem:
            self._record(request, problem.code, address=str(address))
            raise
        self._record(request, "ok", secret, address=str(address))
        return Lease(address, backend=self._backend.name, secret=secret, **(known or {}))

    def _secret(self, address: Address, value: SealedValue | None) -> Secret:
        """The key's secret, out of the value that came with the claim where the backend can open it."""
        if value is None:
            return self._backend.get(address)
        unsealed: Callable[[SealedValue, Address], Secret] | None = getattr(self._backend, "unsealed", None)
        return unsealed(value, address) if unsealed else self._backend.get(address)

    def _record(self, request: Request, outcome: str, *secrets: Secret, address: str, backend: str = "") -> None:
        self._audit.append(
            "claim",
            outcome,
            address=address,
            backend=backend or self._backend.name,
            profile=request.profile,
            agent=request.agent,
            purpose=request.purpose,
            caller=_caller(request),
            feature=request.feature,
            pool=request.pool,
            secrets=secrets,
        )


def _caller(request: Request) -> str:
    """On whose behalf, in one line."""
    if request.caller or not (request.user or request.channel):
        return request.caller
    named = (("user", request.user), ("channel", request.channel))
    return " in ".join(f"{kind}:{name}" for kind, name in named if name)
