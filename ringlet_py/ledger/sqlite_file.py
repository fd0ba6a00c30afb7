"""One SQLite file that only we may read: opened, checked, brought to our version.

A use opens the file and closes it: nothing is held across a fork, shared between threads, or left for an exit
that may not come.  `sqlite_session` is for what cannot afford that.
"""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainBroken, KeychainError, KeychainTimeout, LedgerMissing, StoreCorrupt
from ringlet_py.files.checks import check_file, quoted, reason
from ringlet_py.files.private import Lock, write_private
from ringlet_py.ledger.migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = 0x52494E47  # "RING": SQLite's mark of whose file it is
BUSY_TIMEOUT = 30.0  # seconds
PAGE = 1024  # bytes of a new file's pages: a claim changes a few bytes on each of about eight, and writes them all
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA)


class SqliteFile:
    """The file (absolute path); what SQLite raises becomes our own errors.

    Once it was there, it is never made anew: where it is gone or empty then, all verbs raise LedgerMissing.
    """

    def __init__(
        self, path: str, *, busy_timeout: float = BUSY_TIMEOUT, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS
    ) -> None:
        self.path = path
        self.busy_timeout = busy_timeout
        self.migrations = migrations
        self._was_there = False
        self._was_filled = False

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection within a transaction, which is kept if the block ends well; makes the file."""
        self.make()
        with self.opened() as connection, transaction(connection):
            yield connection

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """A connection to the file, at our version."""
        with self.translating(), closing(self.connect()) as connection:
            yield connection

    def connect(self, *, kept: bool = False) -> sqlite3.Connection:
        """A connection to the file, at our version, for the caller to close; a kept one goes from thread to thread."""
        was_filled = self._was_filled  # before it is opened: another thread may be filling it
        name = f"file:{urllib.parse.quote(self.path)}?mode=rw"  # rw: made by us alone, never by SQLite
        connection = sqlite3.connect(
            name, timeout=self.busy_timeout, isolation_level=None, uri=True, check_same_thread=not kept
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            self._migrate(connection, was_filled=was_filled)
        except BaseException:
            connection.close()
            raise
        self._was_there = self._was_filled = True
        return connection

    @contextmanager
    def translating(self) -> Iterator[None]:
        """What SQLite or the system raises within becomes an error of ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from None
        except OSError as error:
            raise self._broken(reason(error)) from None

    def exists(self) -> bool:
        """Whether there is one, checked by name: closing a descriptor of it would drop SQLite's locks."""
        was_there = self._was_there  # before looking: another thread may be making it
        try:
            check_file(self.path)
        except FileNotFoundError:
            if was_there:
                raise self._missing("it was there, and is gone") from None
            return False
        except OSError as error:
            raise self._broken(reason(error)) from None
        self._was_there = True
        return True

    def make(self) -> None:
        """If there is none: an empty file, born ours alone, which SQLite then fills and takes as its side files' model.

        One that is there is checked.
        """
        if self.exists():
            return
        try:
            with Lock(f"{self.path}.lock", limit=self.busy_timeout):
                if not os.path.lexists(self.path):
                    write_private(self.path, b"")
        except OSError as error:
            raise self._broken(reason(error)) from None

    def _migrate(self, connection: sqlite3.Connection, *, was_filled: bool) -> None:
        version = self._version(connection)
        if version == len(self.migrations):
            return
        if not version and was_filled:
            raise self._missing("it was there, and is empty now")
        # SQLite's own waiting does not cover the change to WAL, so that is done by one process at a time
        with Lock(f"{self.path}.lock", limit=self.busy_timeout):
            connection.execute(f"PRAGMA page_size = {PAGE}")  # has no effect once there is a table
            connection.execute("PRAGMA journal_mode = WAL")
            with transaction(connection):
                for step in range(self._version(connection), len(self.migrations)):
                    for statement in self.migrations[step]:
                        connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {len(self.migrations)}")

    def _version(self, connection: sqlite3.Connection) -> int:
        """How many migrations the file has seen; StoreCorrupt if it is not ours, or newer than we are."""
        # in this order: another process may be migrating, and the mark is written with the first table
        tables = _number(connection, "SELECT count(*) FROM sqlite_master")
        owner = _number(connection, "PRAGMA application_id")
        version = _number(connection, "PRAGMA user_version")
        if owner != APPLICATION and (tables or owner):
            raise self.corrupt("it is another program's database")
        known = len(self.migrations)
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
        return self.corrupt(str(error)) if code in _BROKEN else self._broken(str(error))

    def corrupt(self, why: str) -> StoreCorrupt:
        """The error for a file that is not what it should be."""
        hint = f"move it away: mv {quoted(self.path)} {quoted(self.path + '.broken')}"
        return StoreCorrupt(f"{self.path} is not a ledger of ringlet's", why=why, hint=hint)

    def _missing(self, why: str) -> LedgerMissing:
        hint = f"put it back: {quoted(self.path)}; to begin with an empty one, stop what uses it, and start it again"
        return LedgerMissing("the ledger has vanished", why=f"{why}; no empty one is made in its place", hint=hint)

    def _broken(self, why: str) -> KeychainBroken:
        hint = f"ls -ld {quoted(os.path.dirname(self.path))} {quoted(self.path)}"
        return KeychainBroken(f"{self.path} cannot be read or written", why=why, hint=hint)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
