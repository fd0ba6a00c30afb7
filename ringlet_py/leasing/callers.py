"""Whose a lease is: the token's that it was claimed with, and of those that this was made under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import LeaseEnded
from ringlet_py.tokens.terms import first_end
from ringlet_py.tokens.tree import above, beneath

if TYPE_CHECKING:
    from ringlet_py.ledger.tokens import StoredLease, Tokens
    from ringlet_py.tokens import Caller


class Ownership:
    """Who sees which lease, by the tokens that there are."""

    def __init__(self, store: Tokens) -> None:
        self._store = store

    def sees(self, caller: Caller, lease: StoredLease) -> bool:
        """Whether it is the caller's own, or was claimed with a token made under the caller's; the admin sees all."""
        if caller.is_admin or lease.token == caller.id:
            return True
        return bool(lease.token) and lease.token in {one.id for one in beneath(caller.id, self._store.tokens())}

    def seen(self, caller: Caller, leases: list[StoredLease]) -> list[StoredLease]:
        """Those of them that the caller sees."""
        if caller.is_admin:
            return leases
        tokens = {caller.id, *(one.id for one in beneath(caller.id, self._store.tokens()))}
        return [lease for lease in leases if lease.token in tokens]

    def orphans(self, caller: Caller, *leases: StoredLease) -> set[str]:
        """Ids of tokens that leases were claimed with and that are gone; a caller's own was there a moment ago."""
        used = {lease.token for lease in leases if lease.token not in ("", caller.id)}
        return used - {one.id for one in self._store.tokens()} if used else used

    def end_of(self, token: str) -> int:
        """When it ends, not after those above it, in milliseconds since 1970 (0: never); LeaseEnded if it is gone."""
        tokens = self._store.tokens()  # each time, since a token's end can be changed
        own = [one for one in tokens if one.id == token]
        if not own:
            raise LeaseEnded("the token of the lease is gone", hint="claim again with another token")
        return first_end([*own, *above(own[0], tokens)])
