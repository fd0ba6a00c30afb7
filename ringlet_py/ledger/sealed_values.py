"""The sealed values of the embedded ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.ledger.sealed import SealedValue, WrappedKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ringlet_py.ledger.sqlite_session import Session

    Sealed = tuple[str, str, bytes, bytes]  # as a sound row has them

COLUMNS = "scheme, key_id, nonce, ciphertext"
_SEALED = f"SELECT {COLUMNS} FROM sealed_values WHERE address = ?"  # noqa: S608 - the columns are ours
_SOUND = (str, str, bytes, bytes)
_VALUE = f"SELECT address, {COLUMNS} FROM sealed_values WHERE address = ?"  # noqa: S608 - as above
_ADDRESSES = "SELECT address FROM sealed_values ORDER BY address"
_NOT_UNDER = "SELECT address FROM sealed_values WHERE key_id <> ? ORDER BY address"
_COUNTS = "SELECT key_id, count(*) FROM sealed_values GROUP BY key_id"
_KEYS = "SELECT id, store, scheme, master, slot, salt, nonce, ciphertext FROM sealed_keys ORDER BY number"
_CURRENT = "(SELECT id FROM sealed_keys ORDER BY number DESC LIMIT 1)"
_PUT = f"""
    REPLACE INTO sealed_values (address, scheme, key_id, nonce, ciphertext)
    SELECT :address, :scheme, :key_id, :nonce, :ciphertext WHERE :key_id = {_CURRENT}
"""
_SWAP = f"""
    UPDATE sealed_values SET scheme = ?, key_id = ?, nonce = ?, ciphertext = ?
    WHERE address = ? AND scheme = ? AND key_id = ? AND nonce = ? AND ciphertext = ? AND ? = {_CURRENT}
"""  # noqa: S608 - as above
_REMOVE = "DELETE FROM sealed_values WHERE address = ?"
_ADD = "INSERT INTO sealed_keys (id, store, scheme, master, slot, salt, nonce, ciphertext) VALUES (?,?,?,?,?,?,?,?)"
_REWRAP = """
    UPDATE sealed_keys SET scheme = :scheme, master = :master, slot = :slot,
        salt = :salt, nonce = :nonce, ciphertext = :ciphertext
    WHERE id = :id
"""
_DROP = f"""
    DELETE FROM sealed_keys
    WHERE id = :id AND id <> {_CURRENT} AND NOT EXISTS (SELECT 1 FROM sealed_values WHERE key_id = :id)
"""  # noqa: S608 - as above


class SqliteSealedValues:
    """The sealed values in the session's file; see `ringlet_py.ledger.sealed` for what the verbs promise.

    They are read in the session, since a pool's keys are read by the thousand, and written outside of it: what it
    writes may be lost in a power cut.
    """

    def __init__(self, session: Session) -> None:
        self.file = session.file
        self._session = session

    def value(self, address: str) -> SealedValue | None:
        """The value of that row, or None."""
        found = self._sound(self._session.rows(_VALUE, address), _value_of)
        return found[0] if found else None

    def addresses(self) -> list[str]:
        """The name of every row, sorted."""
        return self._sound(self._session.rows(_ADDRESSES), _text_of)

    def put(self, value: SealedValue) -> bool:
        """Makes or replaces the value; False if its data key is not the current one."""
        with self.file.writing() as connection:
            return connection.execute(_PUT, value._asdict()).rowcount == 1

    def swap(self, old: SealedValue, new: SealedValue) -> bool:
        """Replaces the value; False if the row is not as it was, or the new one's data key not the current one."""
        was = (old.address, old.scheme, old.key_id, old.nonce, old.ciphertext)
        to = (new.scheme, new.key_id, new.nonce, new.ciphertext)
        with self.file.writing() as connection:
            return connection.execute(_SWAP, (*to, *was, new.key_id)).rowcount == 1

    def remove(self, address: str) -> bool:
        """Takes the row away; False if there is none."""
        if not self.file.exists():
            return False
        with self.file.writing() as connection:
            return connection.execute(_REMOVE, (address,)).rowcount == 1

    def not_under(self, key_id: str) -> list[str]:
        """The rows that another data key opens, sorted."""
        return self._sound(self._session.rows(_NOT_UNDER, key_id), _text_of)

    def counts(self) -> dict[str, int]:
        """How many values are under each data key that has any."""
        return dict(self._session.rows(_COUNTS))

    def keys(self) -> list[WrappedKey]:
        """The data keys, the current one last."""
        return self._sound(self._session.rows(_KEYS), _key_of)

    def add_key(self, key: WrappedKey, *, after: WrappedKey | None) -> bool:
        """Makes the key the current one; False if `after` is not that any longer."""
        with self.file.writing() as connection:
            if not self._may_follow(connection, after):
                return False
            row = (key.id, key.store, key.scheme, key.master, key.slot, key.salt, key.nonce, key.ciphertext)
            connection.execute(_ADD, row)
            return True

    def rewrap(self, changes: Sequence[tuple[WrappedKey, WrappedKey]]) -> bool:
        """Replaces the keys; False, and nothing is changed, if they are not all there is or not as they were."""
        with self.file.writing() as connection:
            if _keys(connection) != [_row(old) for old, _ in changes]:
                return False
            connection.executemany(_REWRAP, [_fields(new) for _, new in changes])
            return True

    def drop_key(self, key_id: str) -> bool:
        """Takes the key away; False if it is the current one, in use, or not there."""
        with self.file.writing() as connection:
            return connection.execute(_DROP, {"id": key_id}).rowcount == 1

    def _may_follow(self, connection: sqlite3.Connection, after: WrappedKey | None) -> bool:
        keys = _keys(connection)
        if after is not None:
            return keys[-1:] == [_row(after)]
        return not keys and not connection.execute(_ADDRESSES + " LIMIT 1").fetchall()

    def _sound(self, rows: list[Any], make: Any) -> list[Any]:
        try:
            return [make(*row) for row in rows]
        except TypeError:
            raise self.file.corrupt("it holds what cannot be a sealed value") from None


def value_in(connection: sqlite3.Connection, address: str, sealed: Sealed | None = None) -> SealedValue | None:
    """The value of that row, if it is there and sound: who reads it again is told what is wrong with it.

    `sealed` are its COLUMNS if they were read already, nothing but None where there is no row.
    """
    if sealed is None:
        sealed = connection.execute(_SEALED, (address,)).fetchone()
    return tuple.__new__(SealedValue, (address, *sealed)) if sealed and tuple(map(type, sealed)) == _SOUND else None


def _value_of(address: str, scheme: str, key_id: str, nonce: bytes, ciphertext: bytes) -> SealedValue:
    _check_types((address, scheme, key_id), (nonce, ciphertext))
    return SealedValue(address, scheme, key_id, nonce, ciphertext)


def _key_of(id: str, store: str, scheme: str, master: str, slot: str, *rest: bytes) -> WrappedKey:  # noqa: A002
    _check_types((id, store, scheme, master, slot), rest)
    salt, nonce, ciphertext = rest
    return WrappedKey(
        id=id, store=store, scheme=scheme, master=master, slot=slot, salt=salt, nonce=nonce, ciphertext=ciphertext
    )


def _text_of(text: str) -> str:
    _check_types((text,), ())
    return text


def _check_types(texts: Sequence[object], blobs: Sequence[object]) -> None:
    """TypeError for what a damaged or foreign table holds: SQLite's columns take anything."""
    for text in texts:
        if type(text) is not str:
            raise TypeError
    for blob in blobs:
        if type(blob) is not bytes:
            raise TypeError


def _keys(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(_KEYS).fetchall()


def _row(key: WrappedKey) -> tuple[Any, ...]:
    return (key.id, key.store, key.scheme, key.master, key.slot, key.salt, key.nonce, key.ciphertext)


def _fields(row: WrappedKey) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}
