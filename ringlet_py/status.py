"""What is known about a key beyond its entry: when it was last lent, as the audit says, and to which profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.audit.reading import last_used

if TYPE_CHECKING:
    from ringlet_py.entry import Entry
    from ringlet_py.profiles import ProfileStore


@dataclass(frozen=True, kw_only=True)
class Status:
    """One key's entry, its last successful claim (UTC, "" if none is recorded), and the profiles that name it."""

    entry: Entry
    last_used_at: str
    profiles: tuple[str, ...]


def of(entries: list[Entry], *, profiles: ProfileStore, folder: str) -> list[Status]:
    """The status of each entry; `folder` is where the audit lies."""
    used = last_used(folder)
    return [
        Status(
            entry=entry,
            last_used_at=used.get(str(entry.address), ""),
            profiles=tuple(profiles.using(entry.address)),
        )
        for entry in entries
    ]
