"""What keypooler's API keeps and ringlet does not know: descriptions, metadata, and how a limit was written."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ringlet_py.files.private import Lock
from ringlet_py.ledger.documents import StoredDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ringlet_py.app import App

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
    def making(self, kind: str, name: str, note: Note) -> Iterator[None]:
        """While what the note is of is made or changed, so that it is never half there; it goes back after a failure.

        Whoever calls it holds `alone`.
        """
        before = self.all(kind).get(name, {})
        self._put(kind, name, before, note)
        try:
            yield
        except BaseException:
            self._put(kind, name, note, before)
            raise

    def forget(self, kind: str, name: str) -> None:
        """Takes the note away, once what it is of is gone; whoever calls it holds `alone`."""
        self._put(kind, name, self.all(kind).get(name, {}), {})

    def _put(self, kind: str, name: str, old: Note, new: Note) -> None:
        if old == new:  # most have none, and a change of the ledger makes every claim look again
            return
        if any(new.values()):
            self._documents.put_document(KIND, StoredDocument(f"{kind} {name}", json.dumps(new, sort_keys=True)))
        else:
            self._documents.forget_document(KIND, f"{kind} {name}")


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
