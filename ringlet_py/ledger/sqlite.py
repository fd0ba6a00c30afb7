"""The embedded ledger, in one SQLite file."""

from __future__ import annotations

from ringlet_py.errors import InvalidName
from ringlet_py.ledger.rows import COLUMNS, entry_of, row_of
from ringlet_py.ledger.sqlite_file import BUSY_TIMEOUT, SqliteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.entry import Address, Entry
    from ringlet_py.ledger.rows import Value

_NAMES = ", ".join(COLUMNS)
_SELECT = f"SELECT {_NAMES} FROM entries"  # noqa: S608 - the names are ours
_ALL = f"{_SELECT} ORDER BY provider, alias"
_ONE = f"{_SELECT} WHERE provider = ? AND alias = ?"
_SAME = f"{_SELECT} WHERE fingerprint = ? AND fingerprint <> '' ORDER BY provider, alias"
_PUT = f"REPLACE INTO entries ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_FORGET = "DELETE FROM entries WHERE provider = ? AND alias = ?"


class SqliteLedger:
    """The ledger in one file (absolute path); see `ringlet_py.ledger` for what the verbs promise."""

    def __init__(self, path: str, *, busy_timeout: float = BUSY_TIMEOUT, file: SqliteFile | None = None) -> None:
        self.file = file or SqliteFile(path, busy_timeout=busy_timeout)

    def entries(self) -> list[Entry]:
        """All entries, sorted by address."""
        return self._read(_ALL)

    def entry(self, address: Address) -> Entry | None:
        """The entry at the address, or None."""
        found = self._read(_ONE, address.provider, address.alias)
        return found[0] if found else None

    def same(self, fingerprint: str) -> list[Entry]:
        """The entries of that fingerprint, sorted by address; none for "", which stands for an unknown one."""
        return self._read(_SAME, fingerprint)

    def put(self, *entries: Entry) -> None:
        """Makes or replaces the entries, all or none, on disk when this returns."""
        with self.file.writing() as connection:
            connection.executemany(_PUT, map(row_of, entries))

    def forget(self, address: Address) -> None:
        """Takes the entry away, if it is there."""
        if self.file.exists():
            with self.file.writing() as connection:
                connection.execute(_FORGET, (address.provider, address.alias))

    def _read(self, query: str, *values: str) -> list[Entry]:
        if not self.file.exists():
            return []
        known: dict[Value, Value] = {}
        try:
            with self.file.opened() as connection:
                # one by one, so that what is equal takes no place even for the moment
                return [entry_of(row, known) for row in connection.execute(query, values)]
        except (InvalidName, TypeError, ValueError):
            raise self.file.corrupt("it holds what cannot be an entry") from None
