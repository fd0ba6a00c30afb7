"""Tokens of callers and leases, as a ledger keeps them: rows that hold no secret, and a few verbs.

Every engine keeps this contract (`tests/ledger/tokens_contract.py` is it as tests):

- `add_token` makes a token, if no other has its id, its name or its digest, and its parent (if it has one) is there;
  it says whether it did.
- `chain` gives the token of a digest and then its parent, its parent's parent and so on; nothing if one is missing,
  or if they are more than LONGEST_CHAIN.
- `tokens` lists them all, sorted by name.
- `change_token` replaces a token, if it still is what the caller read and no other has its new name or digest, and
  says whether it did; its id and its parent stay what they are.
- `remove_token` takes a token away with all that were made under it, and what was counted on them, and gives the ids
  of those that are gone, each after the one that it was made under.
- `add_lease` notes a lease, if there is none of its id; `lease` gives the one of an id, or None; `leases` lists them
  all, oldest first.
- `change_lease` replaces a lease, if it still is what the caller read, and says whether it did; its id stays.
- `forget_leases` takes those away that ended, or expired, before that moment, and gives how many these were.

Each verb is atomic, between threads, processes and machines, and is on disk when it returns.  Reading makes no ledger.
None of them changes the ledger's version: a claim looks at the tokens that it names by itself.
Times are milliseconds since 1970 by the wall clock, 0 for never.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_CHAIN = 32  # tokens, from the one that is asked with to the one that was made under none


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token: `digest` is the SHA-256 of its text (hex), `parent` the id of the one it was made with.

    `scope` is a `Scope` as text, `max_uses` and `quota` are rates as text ("" for none), both counted on this token.
    """

    id: str
    name: str
    digest: str
    scope: str = ""
    parent: str = ""
    created_at: int = 0
    expires_at: int = 0
    max_uses: str = ""
    quota: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLease:
    """A lease as it is remembered: who got which key, why this one, until when; never the key.

    `id` is also that of the uses that were counted for it.  `token` is the id of the caller's token, "" for none.
    `ended` is "" while it runs, else "released" or "revoked", at `ended_at`.
    """

    id: str
    address: str
    caller: str = ""
    token: str = ""
    feature: str = ""
    pool: str = ""
    purpose: str = ""
    backend: str = ""
    org: str = ""
    reason: str = ""
    created_at: int = 0
    expires_at: int = 0
    ended: str = ""
    ended_at: int = 0


Kept = TypeVar("Kept", Token, StoredLease)


def names_of(kind: type[Token | StoredLease]) -> tuple[str, ...]:
    """The names of its fields, in the order in which engines keep them."""
    return tuple(each.name for each in fields(kind))


def row_of(kept: Token | StoredLease) -> tuple[Any, ...]:
    """The values of these fields, all texts and whole numbers."""
    return tuple(getattr(kept, name) for name in names_of(type(kept)))


def kept_of(kind: type[Kept], row: Sequence[Any]) -> Kept:
    """What `row_of` made this row of; TypeError or ValueError for what it cannot have made."""
    values = dict(zip(names_of(kind), row, strict=True))
    for each in fields(kind):
        if type(values[each.name]).__name__ != each.type:
            raise TypeError(each.name)
    return kind(**values)


class Tokens(Protocol):
    """The verbs of tokens; all raise the KeychainError that fits (or InsecurePermissions)."""

    def add_token(self, token: Token) -> bool: ...

    def chain(self, digest: str) -> list[Token]: ...

    def tokens(self) -> list[Token]: ...

    def change_token(self, old: Token, new: Token) -> bool: ...

    def remove_token(self, id: str) -> Sequence[str]: ...  # noqa: A002 - it is called so everywhere


class Leases(Protocol):
    """The verbs of leases; all raise the KeychainError that fits (or InsecurePermissions)."""

    def add_lease(self, lease: StoredLease) -> None: ...

    def lease(self, id: str) -> StoredLease | None: ...  # noqa: A002 - as above

    def leases(self) -> list[StoredLease]: ...

    def change_lease(self, old: StoredLease, new: StoredLease) -> bool: ...

    def forget_leases(self, before: int) -> int: ...


class Callers(Tokens, Leases, Protocol):
    """Both, as an engine has them."""
