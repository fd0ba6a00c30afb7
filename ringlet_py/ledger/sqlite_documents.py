"""Pools and tiers in the embedded ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.ledger import sqlite_streams, streams
from ringlet_py.ledger.documents import StoredDocument
from ringlet_py.ledger.sqlite_moment import keep_latest_of_turns

if TYPE_CHECKING:
    import sqlite3

    from ringlet_py.ledger.sqlite_session import Session

_ALL = "SELECT name, text FROM documents WHERE kind = ? ORDER BY name"
_PUT = "INSERT INTO documents (kind, name, text) VALUES (?, ?, ?)"
_REPLACE = f"{_PUT} ON CONFLICT (kind, name) DO UPDATE SET text = excluded.text"
_KEEP = f"{_PUT} ON CONFLICT (kind, name) DO NOTHING"
_OF_POOL = "(pool = ?1 OR substr(pool, instr(pool, '@') + 1) = ?1)"  # the latter are its parts
_FORGET = "DELETE FROM documents WHERE kind = ? AND name = ?"
_CHANGE = "UPDATE documents SET text = ?4 WHERE kind = ?1 AND name = ?2 AND text = ?3"
_CHANGE_TO_NONE = f"{_FORGET} AND text = ?"


class SqliteDocuments:
    """The verbs of documents, in that session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def close(self) -> None:
        """Closes the file; the next verb opens it again."""
        self.session.close()

    def documents(self, kind: str) -> list[StoredDocument]:
        """All of a kind, sorted by name."""
        return [StoredDocument(*row) for row in self.session.rows(_ALL, kind)]

    def put_document(self, kind: str, document: StoredDocument, *, new: bool = False) -> bool:
        """Makes or replaces it; with `new` answers False if there is one already."""
        row = kind, document.name, document.text
        return self.session.write(lambda connection: connection.execute(_KEEP if new else _REPLACE, row).rowcount > 0)

    def change_document(self, kind: str, name: str, old: str, new: str) -> bool:
        """Changes it from one text to another; False, and nothing is changed, if it is not as it was."""
        if not old:
            return self.put_document(kind, StoredDocument(name, new), new=True)
        query, row = (_CHANGE, (kind, name, old, new)) if new else (_CHANGE_TO_NONE, (kind, name, old))
        return self.session.write(lambda connection: connection.execute(query, row).rowcount > 0)

    def forget_document(self, kind: str, name: str) -> bool:
        """Takes it away; whether it was there."""

        def action(connection: sqlite3.Connection) -> bool:
            if kind == "pool":
                _forget_pool(connection, name)
            return connection.execute(_FORGET, (kind, name)).rowcount > 0

        return self.session.write(action)


def _forget_pool(connection: sqlite3.Connection, name: str) -> None:
    keep_latest_of_turns(connection)
    connection.execute(f"DELETE FROM standings WHERE turn IN (SELECT id FROM turns WHERE {_OF_POOL})", (name,))  # noqa: S608
    connection.execute(f"DELETE FROM turns WHERE {_OF_POOL}", (name,))  # noqa: S608 - the words are ours
    sqlite_streams.forget(connection, streams.of_pool(name))
