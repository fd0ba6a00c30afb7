"""Tokens and leases in the embedded ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.ledger import sqlite_streams, streams
from ringlet_py.ledger.tokens import LONGEST_CHAIN, StoredLease, Token, kept_of, names_of, row_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ringlet_py.ledger.sqlite_session import Session
    from ringlet_py.ledger.sqlite_turns import Action, Answer
    from ringlet_py.ledger.tokens import Kept

# ruff: noqa: S608 - the names in the statements are ours
_TOKEN, _LEASE = ", ".join(names_of(Token)), ", ".join(names_of(StoredLease))
_TOKEN_MARKS, _LEASE_MARKS = (", ".join("?" * len(names_of(kind))) for kind in (Token, StoredLease))

# what is unique and there already stays as it is, and the statement says that it changed nothing
_ADD_TOKEN = f"""
    INSERT OR IGNORE INTO tokens ({_TOKEN}) SELECT {_TOKEN_MARKS}
    WHERE ? = '' OR EXISTS (SELECT 1 FROM tokens WHERE id = ?)
"""
_CHAIN = f"""
    WITH RECURSIVE chain (place, {_TOKEN}) AS (
        SELECT 1, {_TOKEN} FROM tokens WHERE digest = ?
        UNION ALL
        SELECT place + 1, {", ".join(f"above.{name}" for name in names_of(Token))}
        FROM chain JOIN tokens AS above ON above.id = chain.parent WHERE chain.parent <> '' AND place < {LONGEST_CHAIN}
    )
    SELECT {_TOKEN} FROM chain ORDER BY place
"""
_TOKENS = f"SELECT {_TOKEN} FROM tokens ORDER BY name"
_CHANGE_TOKEN = f"UPDATE OR IGNORE tokens SET ({_TOKEN}) = ({_TOKEN_MARKS}) WHERE ({_TOKEN}) = ({_TOKEN_MARKS})"
_MADE_UNDER = """
    WITH RECURSIVE gone (id) AS (
        SELECT id FROM tokens WHERE id = ?
        UNION
        SELECT below.id FROM gone JOIN tokens AS below ON below.parent = gone.id
    )
    SELECT id FROM gone
"""
_REMOVE = "DELETE FROM tokens WHERE id = ?"

_ADD_LEASE = f"INSERT OR IGNORE INTO leases ({_LEASE}) VALUES ({_LEASE_MARKS})"
_ONE_LEASE = f"SELECT {_LEASE} FROM leases WHERE id = ?"
_LEASES = f"SELECT {_LEASE} FROM leases ORDER BY created_at, id"
_CHANGE_LEASE = f"UPDATE leases SET ({_LEASE}) = ({_LEASE_MARKS}) WHERE ({_LEASE}) = ({_LEASE_MARKS})"
_FORGET_LEASES = "DELETE FROM leases WHERE ended <> '' AND ended_at < ?1 OR expires_at > 0 AND expires_at < ?1"


class SqliteCallers:
    """The verbs of tokens and leases, in that session; each is on disk when it returns."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_token(self, token: Token) -> bool:
        """Makes it, if there is none like it and its parent is there."""
        values = (*row_of(token), token.parent, token.parent)
        return self._session.write(lambda its: its.execute(_ADD_TOKEN, values).rowcount > 0, durable=True)

    def chain(self, digest: str) -> list[Token]:
        """The token of that digest and all that it was made under."""
        found = self._sound(Token, self._session.rows(_CHAIN, digest))
        return found if found and not found[-1].parent else []

    def tokens(self) -> list[Token]:
        """All of them, sorted by name."""
        return self._sound(Token, self._session.rows(_TOKENS))

    def change_token(self, old: Token, new: Token) -> bool:
        """Replaces it, if it is still the old one."""
        values = row_of(replace(new, id=old.id, parent=old.parent)) + row_of(old)
        return self._change(lambda its: its.execute(_CHANGE_TOKEN, values).rowcount > 0, otherwise=False)

    def remove_token(self, id: str) -> list[str]:  # noqa: A002 - it is called so everywhere
        """Takes it away with all that were made under it; their ids."""
        return self._change(lambda its: _remove(its, id), otherwise=[])

    def add_lease(self, lease: StoredLease) -> None:
        """Notes it."""
        self._session.write(lambda its: its.execute(_ADD_LEASE, row_of(lease)), durable=True)

    def lease(self, id: str) -> StoredLease | None:  # noqa: A002 - as above
        """The one of that id, or None."""
        found = self._sound(StoredLease, self._session.rows(_ONE_LEASE, id))
        return found[0] if found else None

    def leases(self) -> list[StoredLease]:
        """All of them, oldest first."""
        return self._sound(StoredLease, self._session.rows(_LEASES))

    def change_lease(self, old: StoredLease, new: StoredLease) -> bool:
        """Replaces it, if it is still the old one."""
        values = row_of(replace(new, id=old.id)) + row_of(old)
        return self._change(lambda its: its.execute(_CHANGE_LEASE, values).rowcount > 0, otherwise=False)

    def forget_leases(self, before: int) -> int:
        """Takes away those that were over before then; how many."""
        return self._change(lambda its: its.execute(_FORGET_LEASES, (before,)).rowcount, otherwise=0)

    def _change(self, action: Action[Answer], *, otherwise: Answer) -> Answer:
        """What the action answers; the other answer where there is no ledger, and then none is made."""
        return self._session.write(action, durable=True) if self._session.file.exists() else otherwise

    def _sound(self, kind: type[Kept], rows: Iterable[Sequence[Any]]) -> list[Kept]:
        try:
            return [kept_of(kind, row) for row in rows]
        except (TypeError, ValueError):
            raise self._session.file.corrupt("it holds what cannot be a token or a lease") from None


def _remove(connection: sqlite3.Connection, token: str) -> list[str]:
    gone = [str(id) for (id,) in connection.execute(_MADE_UNDER, (token,))]  # noqa: A001 - as above
    for each in gone:
        connection.execute(_REMOVE, (each,))
        sqlite_streams.forget(connection, streams.of_token(each))
    return gone
