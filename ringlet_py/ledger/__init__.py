"""What ringlet remembers between commands that is no secret: five verbs, one module an engine.

Every engine keeps this contract (`tests/ledger/contract.py` is it as tests):

- `entries` gives all entries, sorted by address; none where there is no ledger yet, and makes none.
- `entry` gives one, or None.
- `same` gives the entries of one fingerprint, sorted by address; none for "", which is no fingerprint.
- `put` makes or replaces entries at their addresses, whole, all or none, and has them on disk when it returns.
- `forget` takes the entry away; one that is not there is forgotten already.

Each verb is atomic, between threads and processes too, and whatever kills it.  A ledger that cannot be
read is StoreCorrupt or another KeychainError, never empty.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ringlet_py.entry import Address, Entry

    class Ledger(Protocol):
        """The five verbs; all raise the KeychainError that fits (or InsecurePermissions)."""

        def entries(self) -> list[Entry]: ...

        def entry(self, address: Address) -> Entry | None: ...

        def same(self, fingerprint: str) -> list[Entry]: ...

        def put(self, *entries: Entry) -> None: ...

        def forget(self, address: Address) -> None: ...
