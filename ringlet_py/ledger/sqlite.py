"""The embedded ledger, in one SQLite file."""

from __future__ import annotations

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import InvalidName
from ringlet_py.ledger.sqlite_file import BUSY_TIMEOUT, SqliteFile

_ALL = "SELECT provider, alias, backend, created_at, replaced_at FROM entries ORDER BY provider, alias"
_ONE = "SELECT provider, alias, backend, created_at, replaced_at FROM entries WHERE provider = ? AND alias = ?"
_PUT = "REPLACE INTO entries (provider, alias, backend, created_at, replaced_at) VALUES (?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM entries WHERE provider = ? AND alias = ?"


class SqliteLedger:
    """The ledger in one file (absolute path); see `ringlet_py.ledger` for what the verbs promise."""

    def __init__(self, path: str, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self.file = SqliteFile(path, busy_timeout=busy_timeout)

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
        with self.file.writing() as connection:
            row = (address.provider, address.alias, entry.backend, entry.created_at, entry.replaced_at)
            connection.execute(_PUT, row)

    def forget(self, address: Address) -> None:
        """Takes the entry away, if it is there."""
        if self.file.exists():
            with self.file.writing() as connection:
                connection.execute(_FORGET, (address.provider, address.alias))

    def _read(self, query: str, *values: str) -> list[Entry]:
        if not self.file.exists():
            return []
        with self.file.opened() as connection:
            rows = connection.execute(query, values).fetchall()
        try:
            return [_entry(*row) for row in rows]
        except (InvalidName, TypeError):
            raise self.file.corrupt("it holds a name that cannot be one") from None


def _entry(provider: str, alias: str, backend: str, created_at: str, replaced_at: str) -> Entry:
    return Entry(Address(provider, alias), backend=backend, created_at=created_at, replaced_at=replaced_at)
