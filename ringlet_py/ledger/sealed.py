"""Sealed values and their data keys, as a ledger keeps them: a few verbs, one module an engine.

Every engine keeps this contract (`tests/ledger/sealed_contract.py` is it as tests):

- `value` gives the sealed value of an address, or None; `addresses` lists them all, sorted.
- `put` makes or replaces a value, if it was sealed with the current data key, and says whether it did.
- `swap` replaces a value, if it still is what the caller read, and says whether it did.
- `remove` takes a value away, and says whether one was there.
- `not_under` lists the addresses whose values are sealed with another data key than that; `counts` says how many
  values are under each key.
- `keys` gives the wrapped data keys, oldest first: the last one is the current one.
- `add_key` makes a key the current one, if the one that the caller believes current still is (None: there are
  neither keys nor values), and says whether it did.
- `rewrap` replaces wrapped keys, all of them or none, if they still are what the caller read.
- `drop_key` takes a key away, if it is not the current one and no value is sealed with it.

Each verb is atomic, between threads, processes and machines, and is on disk when it returns.  Reading makes no
ledger.  A ledger that cannot be read is StoreCorrupt or another KeychainError, never empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class SealedValue(NamedTuple):
    """One value as it is stored: the row's name, the scheme, which data key opens it, nonce and ciphertext."""

    address: str
    scheme: str
    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class WrappedKey:
    """One data key, wrapped by a master key.

    `store` is the same for all keys of a ledger; `master` is the kind of the master key and `slot` which of
    that kind; `salt` is a passphrase's.
    """

    id: str
    store: str
    scheme: str
    master: str
    slot: str
    salt: bytes
    nonce: bytes
    ciphertext: bytes


class SealedValues(Protocol):
    """The verbs; all raise the KeychainError that fits (or InsecurePermissions)."""

    def value(self, address: str) -> SealedValue | None: ...

    def addresses(self) -> list[str]: ...

    def put(self, value: SealedValue) -> bool: ...

    def swap(self, old: SealedValue, new: SealedValue) -> bool: ...

    def remove(self, address: str) -> bool: ...

    def not_under(self, key_id: str) -> list[str]: ...

    def counts(self) -> dict[str, int]: ...

    def keys(self) -> list[WrappedKey]: ...

    def add_key(self, key: WrappedKey, *, after: WrappedKey | None) -> bool: ...

    def rewrap(self, changes: Sequence[tuple[WrappedKey, WrappedKey]]) -> bool: ...

    def drop_key(self, key_id: str) -> bool: ...
