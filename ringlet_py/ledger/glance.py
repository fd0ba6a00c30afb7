"""A quick look at which names the ledger knows, for completion: it never waits, writes or makes a file."""

from __future__ import annotations

import os

from ringlet_py import errors
from ringlet_py.files.checks import check_file


def addresses(path: str) -> list[tuple[str, str]]:
    """Provider and alias of each entry in the ledger file, unchecked; none if it cannot be read at once."""
    return _rows(path, "SELECT provider, alias FROM entries")


def documents(path: str, kind: str) -> list[str]:
    """The names of its pools or tiers, by kind, unchecked; none if it cannot be read at once."""
    return [name for stored, name in _rows(path, "SELECT kind, name FROM documents") if stored == kind]


def tokens(path: str) -> list[str]:
    """The names of its tokens, unchecked; none if it cannot be read at once."""
    return [name for name, _ in _rows(path, "SELECT name, id FROM tokens")]


def leases(path: str) -> list[str]:
    """The ids of leases that nobody has ended, unchecked; none if it cannot be read at once."""
    return [lease for lease, ended in _rows(path, "SELECT id, ended FROM leases") if not ended]


def _rows(path: str, query: str) -> list[tuple[str, str]]:
    if not _is_ours(path):
        return []
    # imported now: it costs half as much as the interpreter, and most people's first TAB finds no ledger
    import sqlite3

    for uri in _uris(path):
        try:
            connection = sqlite3.connect(uri, timeout=0, uri=True)
            try:
                rows = connection.execute(query).fetchall()
            finally:
                connection.close()
        except sqlite3.Error:
            continue
        # a file that was cut off answers with NULLs
        return [row for row in rows if all(isinstance(name, str) for name in row)]
    return []


def _uris(path: str) -> list[str]:
    """The ways to open the file that make no other; the last takes no locks, and does not see what the log holds."""
    quoted = "".join(f"%{byte:02x}" for byte in os.fsencode(path))
    apart = f"file:{quoted}?mode=ro&immutable=1"
    if not (_is_ours(f"{path}-wal") and _is_ours(f"{path}-shm")):  # SQLite would make those that are not there
        return [apart]
    return [f"file:{quoted}?mode=ro&readonly_shm=1", apart]


def _is_ours(path: str) -> bool:
    try:
        check_file(path)
    except (OSError, errors.RingletError):
        return False
    return True
