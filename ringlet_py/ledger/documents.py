"""Documents of a ledger, pools and tiers among them: kinds, names and texts that no engine looks into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A pool's or tier's table as it is kept: its name and its JSON."""

    name: str
    text: str = field(repr=False)


class Documents(Protocol):
    """Pools and tiers, by kind (`pool`, `tier`) and name; the engine does not look into them."""

    def documents(self, kind: str) -> list[StoredDocument]:
        """All of a kind, sorted by name."""
        ...

    def put_document(self, kind: str, document: StoredDocument, *, new: bool = False) -> bool:
        """Makes or replaces it; with `new` answers False, and changes nothing, if there is one already."""
        ...

    def change_document(self, kind: str, name: str, old: str, new: str) -> bool:
        """Changes it from one text to another; False, and nothing is changed, if it is not as it was.

        "" for either means that there is none; a pool is taken away by `forget_document` alone.
        """
        ...

    def forget_document(self, kind: str, name: str) -> bool:
        """Takes it away, with a pool its standings and counts too; whether it was there."""
        ...
