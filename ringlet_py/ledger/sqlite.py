"""The embedded ledger: one SQLite file that only we may read.

Every verb opens the file and closes it: nothing is held across a fork, shared between threads, or left
for an exit that may not come.
"""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import InvalidName, KeychainBroken, KeychainError, KeychainTimeout, StoreCorrupt
from ringlet_py.files.checks import check_file, quoted, reason
from ringlet_py.files.private import Lock, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = 0x52494E47  # "RING": SQLite's mark of whose file it is
BUSY_TIMEOUT = 30.0  # seconds
# Step n takes a ledger from version n to n + 1.  A step that was released is never changed.
# STRICT tables would want SQLite 3.37, and Python 3.11 is found with older ones (3.34 on RHEL 9).
MIGRATIONS = (
    """
    CREATE TABLE entries (
        provider TEXT NOT NULL,
        alias TEXT NOT NULL,
        backend TEXT NOT NULL,
        created_at TEXT NOT NULL,
        replaced_at TEXT NOT NULL,
        PRIMARY KEY (provider, alias)
    ) WITHOUT ROWID
    """,
)
_ALL = "SELECT provider, alias, backend, created_at, replaced_at FROM entries ORDER BY provider, alias"
_ONE = "SELECT provider, alias, backend, created_at, replaced_at FROM entries WHERE provider = ? AND alias = ?"
_PUT = "REPLACE INTO entries (provider, alias, backend, created_at, replaced_at) VALUES (?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM entries WHERE provider = ? AND alias = ?"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA)


class SqliteLedger:
    """The ledger in one file (absolute path); see `ringlet_py.ledger` for what the verbs promise."""

    def __init__(self, path: str, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self.path = path
        self.busy_timeout = busy_timeout

    def entries(self) -> list[Entry]:
        """All entries, sorted by address."""
        return self._read(_ALL)

    def entry(self, address: Address) -> Entry | None:
        """The entry at the address, or None."""
        found = self._read(_ONE, address.provider, address.alias)
        return found[0] if found else None

    def put(self, entry: Entry) -> None:
        """Makes or replaces the entry, on disk when this returns."""
        address = entry.address
        with self._writing() as connection:
            row = (address.provider, address.alias, entry.backend, entry.created_at, entry.replaced_at)
            connection.execute(_PUT, row)

    def forget(self, address: Address) -> None:
        """Takes the entry away, if it is there."""
        if self._exists():
            with self._writing() as connection:
                connection.execute(_FORGET, (address.provider, address.alias))

    def _read(self, query: str, *values: str) -> list[Entry]:
        if not self._exists():
            return []
        with self._opened() as connection:
            rows = connection.execute(query, values).fetchall()
        try:
            return [_entry(*row) for row in rows]
        except (InvalidName, TypeError):
            raise self._corrupt("it holds a name that cannot be one") from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if not self._exists():
            self._make()
        with self._opened() as connection, _transaction(connection):
            yield connection

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection to the file, at our version; what SQLite raises becomes our own errors."""
        name = f"file:{urllib.parse.quote(self.path)}?mode=rw"  # rw: made by us alone, never by SQLite
        try:
            with closing(
                sqlite3.connect(name, timeout=self.busy_timeout, isolation_level=None, uri=True)
            ) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                self._migrate(connection)
                yield connection
        except sqlite3.Error as error:
            raise self._translated(error) from None

    def _exists(self) -> bool:
        """Whether there is one, checked by name: closing a descriptor of it would drop SQLite's locks."""
        try:
            check_file(self.path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._broken(reason(error)) from None
        return True

    def _make(self) -> None:
        """An empty file, born ours alone, which SQLite then fills and takes as the model for its side files."""
        try:
            with Lock(f"{self.path}.lock", limit=self.busy_timeout):
                if not os.path.lexists(self.path):
                    write_private(self.path, b"")
        except OSError as error:
            raise self._broken(reason(error)) from None

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == len(MIGRATIONS):
            return
        # SQLite's own waiting does not cover the change to WAL, so that is done by one process at a time
        with Lock(f"{self.path}.lock", limit=self.busy_timeout):
            connection.execute("PRAGMA journal_mode = WAL")
            with _transaction(connection):
                for step in range(self._version(connection), len(MIGRATIONS)):
                    connection.execute(MIGRATIONS[step])
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _version(self, connection: sqlite3.Connection) -> int:
        """How many migrations the file has seen; StoreCorrupt if it is not ours, or newer than we are."""
        # in this order: another process may be migrating, and the mark is written with the first table
        tables = _number(connection, "SELECT count(*) FROM sqlite_master")
        owner = _number(connection, "PRAGMA application_id")
        version = _number(connection, "PRAGMA user_version")
        if owner != APPLICATION and (tables or owner):
            raise self._corrupt("it is another program's database")
        known = len(MIGRATIONS)
        if not 0 <= version <= known:
            raise StoreCorrupt(
                f"{self.path} is of version {version}",
                why=f"this ringlet knows versions up to {known}",
                hint="install the newest ringlet",
            )
        return version

    def _translated(self, error: sqlite3.Error) -> KeychainError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            what = f"{self.path} was busy for more than {self.busy_timeout:g} seconds"
            return KeychainTimeout(what, hint=f"see which process it is: fuser {quoted(self.path)}")
        return self._corrupt(str(error)) if code in _BROKEN else self._broken(str(error))

    def _corrupt(self, why: str) -> StoreCorrupt:
        hint = f"move it away: mv {quoted(self.path)} {quoted(self.path + '.broken')}"
        return StoreCorrupt(f"{self.path} is not a ledger of ringlet's", why=why, hint=hint)

    def _broken(self, why: str) -> KeychainBroken:
        hint = f"ls -ld {quoted(os.path.dirname(self.path))} {quoted(self.path)}"
        return KeychainBroken(f"{self.path} cannot be read or written", why=why, hint=hint)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _entry(provider: str, alias: str, backend: str, created_at: str, replaced_at: str) -> Entry:
    return Entry(Address(provider, alias), backend=backend, created_at=created_at, replaced_at=replaced_at)
