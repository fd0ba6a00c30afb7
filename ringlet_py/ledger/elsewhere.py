"""Another program's SQLite database, read and never changed: no file is made beside it, none of its locks is lost."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import KeychainBroken, KeychainDenied, KeychainTimeout, RingletError, StoreCorrupt
from ringlet_py.files.checks import quoted, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_ROWS = 10_000
_MAGIC = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html, 1.3
_VERSION, _WAL = 18, 2  # where the header says how the file is written, and that it is with a log beside it
_LONGEST = 1 << 20  # bytes of one value
_STEPS = 50_000_000  # of SQLite's machine: a few seconds, if the file makes it work without end
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class Elsewhere:
    """An open database of another program."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def tables(self) -> dict[str, frozenset[str]]:
        """The tables, by name, with the names of their columns."""
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: self._columns(name) for (name,) in names}

    def rows(self, table: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """These columns of the table's rows, of the first `MOST_ROWS`; each name is one that `tables` told."""
        named = ", ".join(map(_quoted, columns))
        # every name is quoted as SQLite wants it, and is one that the file itself told
        query = f"SELECT {named} FROM {_quoted(table)} LIMIT {MOST_ROWS}"  # noqa: S608
        return self._connection.execute(query).fetchall()

    def _columns(self, table: str) -> frozenset[str]:
        return frozenset(row[1] for row in self._connection.execute(f"PRAGMA table_info({_quoted(table)})"))


@contextmanager
def looking(path: str) -> Iterator[Elsewhere]:
    """The database (absolute path) to look at.

    Raises FileNotFoundError without it, KeychainDenied if we may not read it, KeychainTimeout if its program keeps it
    locked, StoreCorrupt if it is no SQLite database or damaged, KeychainBroken if a part of it is only in a log that
    its program left behind.
    """
    try:
        with closing(sqlite3.connect(_uri(path), timeout=1.0, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.text_factory = _text
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            connection.set_progress_handler(lambda: 1, _STEPS)
            yield Elsewhere(connection)
    except sqlite3.Error as error:
        raise _translated(path, error) from None
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise KeychainDenied(f"{path} cannot be read", why=reason(error), hint=f"ls -l {quoted(path)}") from None
    except OSError as error:
        raise KeychainBroken(f"{path} cannot be read", why=reason(error), hint=f"ls -l {quoted(path)}") from None


def _text(raw: bytes) -> str:
    """SQLite checks no encoding; an error would repeat the text."""
    return raw.decode("utf-8", "replace")


def _uri(path: str) -> str:
    """How to open it so that SQLite makes no file: a log beside it is read only where all its parts are there."""
    named = "file:" + "".join(f"%{byte:02x}" for byte in os.fsencode(path)) + "?mode=ro"
    if not _has_log(path):
        return named
    if os.path.exists(f"{path}-wal") and os.path.exists(f"{path}-shm"):
        return named + "&readonly_shm=1"
    if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):
        why = "its program ended without writing back what is in the log beside it"
        raise KeychainBroken(f"{path} cannot be read", why=why, hint="start that program and end it, then try again")
    return named + "&immutable=1"


def _has_log(path: str) -> bool:
    fd = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise StoreCorrupt(f"{path} is not a regular file", hint=f"ls -l {quoted(path)}")
        header = os.read(fd, 100)
    finally:
        os.close(fd)
    if header and not header.startswith(_MAGIC):
        raise _no_database(path, "it does not begin as one does")
    return len(header) > _VERSION and header[_VERSION] == _WAL


def _translated(path: str, error: sqlite3.Error) -> RingletError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _BUSY:
        return KeychainTimeout(f"{path} is locked by its program", hint=f"see which it is: fuser {quoted(path)}")
    return _no_database(path, getattr(error, "sqlite_errorname", "SQLite cannot read it"))


def _no_database(path: str, why: str) -> StoreCorrupt:
    return StoreCorrupt(f"{path} is not a SQLite database, or a damaged one", why=why, hint=f"ls -l {quoted(path)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
