"""Leases that are remembered: each verb changes a lease as it is at that moment, so of two that end one, one wins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.errors import AuditError, LeaseEnded, LeaseNotFound, RingletError, StoreCorrupt, UsageError
from ringlet_py.leasing.callers import Ownership
from ringlet_py.leasing.grants import GRANTEE, Grants
from ringlet_py.leasing.rows import ID_LENGTH, lease_of, milliseconds, orphaned, stored_of
from ringlet_py.leasing.terms import DEFAULT, RELEASED, REVOKED, RUNNING, check_running, seconds_of, state_of, until
from ringlet_py.lending.reports import CALLERS_INVALID, INVALID, of_caller
from ringlet_py.lending.turns import ENVIRONMENT
from ringlet_py.usable import usable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.audit import Recorder
    from ringlet_py.broker import Broker
    from ringlet_py.entry import Entry
    from ringlet_py.lease import Lease, Request
    from ringlet_py.ledger.tokens import Callers, StoredLease
    from ringlet_py.lending.reports import Outcome
    from ringlet_py.tokens import Caller

    Leases = list[StoredLease]  # which `Leasing.list` hides
    Change = Callable[[StoredLease], StoredLease]

ATTEMPTS = 20  # how often others may change a lease between our reading it and our change
_KEPT = 30 * 24 * 3600.0  # seconds for which a lease that ended is remembered
_DAY = 24 * 3600.0


class Leasing:
    """Remembers leases, of profiles too (`grants`); `entry` tells what is known of a key, `clock` gives seconds.

    All verbs raise KeychainErrors, and AuditUnwritable where something is recorded.  Those for a `caller` raise
    LeaseNotFound for a lease that it does not see, as for one that is not there; those that change one LeaseEnded if
    it has expired, or was released or revoked.
    """

    def __init__(
        self,
        broker: Broker,
        store: Callers,
        audit: Recorder,
        clock: Callable[[], float],
        *,
        entry: Callable[[Address], Entry | None],
    ) -> None:
        self._broker = broker
        self._store = store
        self._audit = audit
        self._clock = clock
        self._entry = entry
        self._owners = Ownership(store)
        self.grants = Grants(store, audit, clock, entry=entry)
        self._looked = 0.0  # when it last looked for leases to be forgotten

    def remember(
        self, lease: Lease, request: Request, *, ttl: float = DEFAULT, token: str = "", token_ends: int | None = None
    ) -> StoredLease:
        """Notes what was claimed, for so many seconds, with that token's id; on disk when this returns.

        It ends with the key and with the token, if these end before; `token_ends` is for who has just looked when that
        is.  UsageError for a ttl that cannot be one.  If it cannot be noted, the use is given back.
        """
        try:
            now = self._clock()
            of_token = self._end_of_token(token) if token_ends is None else token_ends
            ends = milliseconds(lease.expires_at), of_token
            stored = stored_of(lease, request, token, now=now, expires_at=until(seconds_of(ttl), *ends, now=now))
            self._store.add_lease(stored)
        except BaseException:
            self._give_back(lease)
            raise
        self._forget_old()
        return stored

    def get(self, id: str, caller: Caller) -> StoredLease:  # noqa: A002 - it is called so everywhere
        """The lease of that id."""
        return self._as_it_is(self._found(id, caller), caller)

    def list(self, caller: Caller, *, ended: bool = False) -> Leases:
        """The leases that the caller sees, oldest first; those that have ended only with `ended`."""
        found = self._owners.seen(caller, self._store.leases())
        gone = self._owners.orphans(caller, *found)
        now = self._clock()
        each = (orphaned(lease) if lease.token in gone else lease for lease in found)
        return [lease for lease in each if ended or state_of(lease, now) == RUNNING]

    def renew(self, id: str, ttl: float, caller: Caller) -> StoredLease:  # noqa: A002 - as above
        """The lease runs for so many seconds from now, at most until its key or its token ends; on disk.

        Raises KeyExpired and KeyInactive if its key is not to be used any more, UsageError as `remember`.
        """
        length = seconds_of(ttl)

        def renewed(lease: StoredLease) -> StoredLease:
            ends = self._end_of_key(lease), self._end_of_token(lease.token)
            return replace(lease, expires_at=until(length, *ends, now=self._clock()))

        return self._change(id, caller, "lease-renew", renewed)[1]

    def release(self, id: str, caller: Caller) -> StoredLease:  # noqa: A002 - as above
        """Ends the lease; in the owner's name it also gives its use back, as if the key had not been claimed; once.

        In a caller's name the use stays counted: who has read a key could otherwise use it and have it count nothing.
        """
        old, new = self._change(id, caller, "release", self._ended(RELEASED))
        if not caller.is_admin:
            self._record("release", "ok", new, caller)
            return new
        try:
            self._broker.release(lease_of(new))
        except AuditError:
            raise
        except RingletError:  # nothing was given back, so it may be tried again
            self._undo(old, new)
            raise
        return new

    def report(self, id: str, outcome: Outcome, caller: Caller) -> StoredLease:  # noqa: A002 - as above
        """Says how the lease's key fared at its provider, for all who claim it.

        A caller's word holds for a while (`reports.of_caller`), and a key is `invalid` by it only as long as it got
        that key lately.  Raises LeaseEnded for an `invalid` that is of a value which was replaced since.
        """
        lease = self._found(id, caller)
        self._check(lease, caller, "report")
        if lease.pool and lease.caller.startswith(GRANTEE):
            hint = "ringlet pools report PROVIDER ALIAS OUTCOME"
            raise UsageError(f"the lease {id} is of no key, but of the pool {lease.pool}", hint=hint)
        if outcome.kind == INVALID:
            self._recorded(lease, caller, "report", lambda its: self._of_its_value(its, caller))
        believed = outcome if caller.is_admin else of_caller(outcome)
        self._broker.report(lease_of(lease), believed, caller=_said(caller))
        return lease

    def revoke(self, id: str, caller: Caller) -> StoredLease:  # noqa: A002 - as above
        """Ends the lease; what was counted stays counted, since the key may have been used."""
        return self._change(id, caller, "lease-revoke", self._ended(REVOKED))[1]

    def _change(self, id: str, caller: Caller, action: str, changed: Change) -> tuple[StoredLease, StoredLease]:  # noqa: A002 - as above
        """The lease before and after; recorded, but for a release that went well, which the gate records."""
        for _ in range(ATTEMPTS):
            lease = self._found(id, caller)
            self._check(lease, caller, action)
            new = self._recorded(lease, caller, action, changed)
            if self._store.change_lease(lease, new):
                if new.ended != RELEASED:
                    self._record(action, "ok", new, caller)
                return lease, new
        raise StoreCorrupt(f"the lease {id} changes faster than it can be read", hint="try again")

    def _found(self, id: str, caller: Caller) -> StoredLease:  # noqa: A002 - as above
        found = self._store.lease(id)
        if found is None or not self._owners.sees(caller, found):
            shown = f" {id!a}" if len(id) <= ID_LENGTH else ""  # a longer one may be a key
            raise LeaseNotFound(f"there is no lease{shown}")
        return found

    def _as_it_is(self, lease: StoredLease, caller: Caller) -> StoredLease:
        return orphaned(lease) if self._owners.orphans(caller, lease) else lease

    def _check(self, lease: StoredLease, caller: Caller, action: str) -> None:
        self._recorded(self._as_it_is(lease, caller), caller, action, self._running)

    def _running(self, lease: StoredLease) -> StoredLease:
        check_running(lease, self._clock())
        return lease

    def _recorded(self, lease: StoredLease, caller: Caller, action: str, changed: Change) -> StoredLease:
        """What becomes of the lease; a refusal is recorded."""
        try:
            return changed(lease)
        except RingletError as problem:
            self._record(action, problem.code, lease, caller)
            raise

    def _of_its_value(self, lease: StoredLease, caller: Caller) -> StoredLease:
        """The lease, if what is said of its key now is said of the value that it has."""
        entry = None if lease.backend == ENVIRONMENT else self._entry(Address.parse(lease.address).key())
        if entry is not None and milliseconds(entry.replaced_at) > lease.created_at:
            what = f"the lease {lease.id} is of a value that {lease.address} has no more"
            raise LeaseEnded(what, why=f"it was replaced at {entry.replaced_at}")
        if not caller.is_admin and lease.created_at < (self._clock() - CALLERS_INVALID) * 1000:
            what = f"the lease {lease.id} is too old to say by it that its key is invalid"
            raise UsageError(what, why="its key was lent more than an hour ago", hint="claim again")
        return lease

    def _ended(self, how: str) -> Change:
        return lambda lease: replace(lease, ended=how, ended_at=int(self._clock() * 1000))

    def _end_of_token(self, token: str) -> int:
        return self._owners.end_of(token) if token else 0

    def _end_of_key(self, lease: StoredLease) -> int:
        entry = self._entry(Address.parse(lease.address).key())
        if entry is None or lease.backend == ENVIRONMENT:  # whose address a stored key may have
            return 0
        if problem := usable(entry, int(self._clock() * 1000)):
            raise problem
        return milliseconds(entry.expires_at)

    def _give_back(self, lease: Lease) -> None:
        try:
            self._broker.release(lease)
        except RingletError:
            return  # why it cannot be noted matters more than a use too many

    def _undo(self, old: StoredLease, new: StoredLease) -> None:
        try:
            self._store.change_lease(new, old)
        except RingletError:
            return  # as above

    def _forget_old(self) -> None:
        """Once a day at most, so that it costs those who claim nothing."""
        now = self._clock()
        if now < self._looked + _DAY:
            return
        self._looked = now
        try:
            self._store.forget_leases(int((now - _KEPT) * 1000))
        except RingletError:
            return  # tomorrow is early enough

    def _record(self, action: str, outcome: str, lease: StoredLease, caller: Caller) -> None:
        self._audit.append(
            action,
            outcome,
            address=lease.address,
            backend=lease.backend,
            purpose=f"lease {lease.id}",
            caller=_said(caller),
            feature=lease.feature,
            pool=lease.pool,
        )


def _said(caller: Caller) -> str:
    return "" if caller.is_admin else f"token:{caller.name}"
