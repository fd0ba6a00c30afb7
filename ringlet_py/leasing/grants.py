"""Profiles that start only while they are granted their keys: a lease for each key, which has to run at a launch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.errors import LeaseEnded, RingletError, StoreCorrupt
from ringlet_py.files.digest import digest_of
from ringlet_py.leasing.rows import ID_LENGTH, milliseconds
from ringlet_py.leasing.terms import REVOKED, ended, until
from ringlet_py.ledger.tokens import StoredLease
from ringlet_py.usable import usable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.audit import Recorder
    from ringlet_py.entry import Entry
    from ringlet_py.ledger.tokens import Leases
    from ringlet_py.plan import LaunchPlan

ATTEMPTS = 20  # how often others may grant the same between our reading and our change
GRANTEE = "profile:"  # before the profile's name, where a lease says whose it is


class Grants:
    """Grants profiles their keys for a time, and says whether one may start; all raise KeychainErrors.

    A profile needs a grant for each key that it names, or for its pool: one that names another key, or has another
    name, has to be granted anew.  `entry` tells what is known of a key, `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        store: Leases,
        audit: Recorder,
        clock: Callable[[], float],
        *,
        entry: Callable[[Address], Entry | None],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._entry = entry

    def grant(self, plan: LaunchPlan, ttl: float) -> list[StoredLease]:
        """The plan's profile may start for so many seconds, each key at most until it ends; on disk, and recorded.

        Raises KeyExpired or KeyInactive for a key that is not to be used.
        """
        found = [self._granted(plan, address, pool, ttl) for address, pool in _keys_of(plan)]
        for lease in found:
            self._put(lease)
            self._audit.append("lease-grant", "ok", address=lease.address, profile=plan.profile, pool=lease.pool)
        return found

    def end(self, *profiles: str) -> None:
        """Revokes all that profiles of these names are granted, so that none of their names inherits it; recorded."""
        callers = {f"{GRANTEE}{name}": name for name in profiles}
        for lease in self._store.leases():
            if lease.caller in callers and not lease.token and not ended(lease, self._clock()):
                self._end(lease, callers[lease.caller])

    def missing(self, plan: LaunchPlan) -> list[LeaseEnded]:
        """What keeps the plan's profile from starting, one for each key that it is not granted; nothing is recorded."""
        found = (self._refused(plan, address, pool) for address, pool in _keys_of(plan))
        return [problem for problem in found if problem]

    def check(self, plan: LaunchPlan, *, purpose: str = "") -> None:
        """Raises LeaseEnded, recorded as a claim that was refused, unless all that the profile needs is granted."""
        for address, pool in _keys_of(plan):
            try:
                self._check(plan, address, pool)
            except RingletError as problem:
                self._audit.append(
                    "claim",
                    problem.code,
                    address=str(address),
                    profile=plan.profile,
                    agent=plan.agent,
                    purpose=purpose,
                    pool=pool,
                )
                raise

    def _check(self, plan: LaunchPlan, address: Address, pool: str) -> None:
        if problem := self._refused(plan, address, pool):
            raise problem

    def _refused(self, plan: LaunchPlan, address: Address, pool: str) -> LeaseEnded | None:
        lease = self._store.lease(_id(plan.profile, address, pool))
        why = ended(lease, self._clock()) if lease else f"it needs a lease, of {plan.lease} at a time"
        if not why:
            return None
        key = f"the pool {pool}" if pool else address
        hint = f"ringlet leases grant {plan.profile}"
        return LeaseEnded(f"the profile {plan.profile} is not granted {key}", why=why, hint=hint)

    def _granted(self, plan: LaunchPlan, address: Address, pool: str, ttl: float) -> StoredLease:
        now = self._clock()
        entry = None if pool else self._entry(address)
        if entry is not None and (problem := usable(entry, int(now * 1000))):
            raise problem
        return StoredLease(
            id=_id(plan.profile, address, pool),
            address=str(address),
            caller=f"{GRANTEE}{plan.profile}",
            pool=pool,
            reason=f"granted to the profile {plan.profile}",
            created_at=int(now * 1000),
            expires_at=until(ttl, milliseconds(entry.expires_at) if entry else 0, now=now),
        )

    def _end(self, lease: StoredLease | None, profile: str) -> None:
        for _ in range(ATTEMPTS):
            if lease is None or ended(lease, self._clock()):
                return
            new = replace(lease, ended=REVOKED, ended_at=int(self._clock() * 1000))
            if self._store.change_lease(lease, new):
                self._audit.append("lease-revoke", "ok", address=lease.address, profile=profile, pool=lease.pool)
                return
            lease = self._store.lease(new.id)
        raise _too_fast(f"of the profile {profile}")

    def _put(self, lease: StoredLease) -> None:
        for _ in range(ATTEMPTS):
            old = self._store.lease(lease.id)
            if old is None:
                self._store.add_lease(lease)  # which does nothing if another was quicker
            elif old == lease or self._store.change_lease(old, lease):
                return
        raise _too_fast(lease.id)


def _too_fast(lease: str) -> StoreCorrupt:
    return StoreCorrupt(f"the lease {lease} changes faster than it can be read", hint="try again")


def _keys_of(plan: LaunchPlan) -> list[tuple[Address, str]]:
    """What has to be granted: keys, and a pool in the place of the key that it will give."""
    pooled = [(Address(plan.provider, plan.pool), plan.pool)] if plan.pool else []
    return pooled + [(address, "") for address in sorted({each.key() for each in plan.addresses()})]


def _id(profile: str, address: Address, pool: str) -> str:
    """Always the same for the same, and no other lease's, which is random."""
    return digest_of(f"{GRANTEE}{profile} {address} {pool}".encode())[:ID_LENGTH]
