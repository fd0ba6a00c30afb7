"""What keypooler's API keeps and ringlet does not know: descriptions, metadata, and how a limit was written."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ringlet_py.files.private import Lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ringlet_py.app import App
    from ringlet_py.daemon.parts import Daemon

    Note = Mapping[str, Any]

KIND = "keypooler"  # of the ledger's documents
KEY = "key"
TIER = "tier"
CONSUMER = "consumer"
_LOCK = "keypooler.lock"


class Notes:
    """The notes of a ledger, one for each tier, key or consumer that has something to note."""

    def __init__(self, app: App) -> None:
        self._documents = app.kept.documents
        self._lock = os.path.join(app.folders.state, _LOCK)

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """The notes of tiers, keys or consumers, by name or address; what cannot be read is no note."""
        start = f"{kind} "
        found = [each for each in self._documents.documents(KIND) if each.name.startswith(start)]
        return {each.name.removeprefix(start): _read(each.text) for each in found}

    def alone(self) -> Lock:
        """While it is held, nothing else is changed by way of this API."""
        return Lock(self._lock)

    @contextmanager
    def making(self, kind: str, name: str, note: Note) -> Iterator[Note]:
        """While what the note is of is made or changed, so that it is never half there; it goes back after a failure.

        What is None in it stays as it was; it yields the whole.  Whoever calls it holds `alone`, which other machines
        do not know of: what these have changed meanwhile stays.
        """
        old, new = self._changed(kind, name, note)
        try:
            yield _read(new)
        except BaseException:
            self._replaced(kind, name, new, old)
            raise

    def forget(self, kind: str, name: str) -> None:
        """Takes the note away, once what it is of is gone; whoever calls it holds `alone`."""
        self._changed(kind, name, {})

    def _changed(self, kind: str, name: str, note: Note) -> tuple[str, str]:
        """The note's text before and after, whichever machine changes it meanwhile."""
        while True:
            found = {each.name: each.text for each in self._documents.documents(KIND)}
            old = found.get(f"{kind} {name}", "")
            new = _written(note, _read(old))
            if self._replaced(kind, name, old, new):
                return old, new

    def _replaced(self, kind: str, name: str, old: str, new: str) -> bool:
        # most have none, and a change of the ledger makes every claim look again
        return old == new or self._documents.change_document(KIND, f"{kind} {name}", old, new)


class KeyNotes:
    """What was noted with keys, by address; read again only when the ledger has changed."""

    def __init__(self) -> None:
        self._seen: tuple[str, dict[str, dict[str, Any]]] = ("", {})

    def at(self, version: str) -> dict[str, dict[str, Any]] | None:
        """What was noted at that version of the ledger, None if it was not read."""
        seen, notes = self._seen
        return notes if seen == version else None

    async def read(self, daemon: Daemon, app: App, version: str) -> dict[str, dict[str, Any]]:
        """The same, read if it was not."""
        if (notes := self.at(version)) is None:
            notes = await daemon.look(Notes(app).all, KEY)
            self._seen = version, notes
        return notes


def _written(note: Note, before: Note) -> str:
    """The note's text, "" for one that says nothing; what is None in it is as before."""
    whole = {name: before.get(name) if value is None else value for name, value in note.items()}
    return json.dumps(whole, sort_keys=True) if any(whole.values()) else ""


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
