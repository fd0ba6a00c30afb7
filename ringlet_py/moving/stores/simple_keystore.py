"""The databases of the package simple_keystore: values sealed with Fernet, their master key in a variable or ~/.netrc.

As its version 0.11.0 has them: one table, `keystore`.
"""

from __future__ import annotations

import netrc
import os
from collections import Counter
from typing import TYPE_CHECKING

from ringlet_py.backends.sealed.elsewhere import unseal_fernet
from ringlet_py.entry import utc
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.databases import UnknownShapeError, looked, offered, rows
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.moving.stores.reading import Unread, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.ledger.elsewhere import Elsewhere
    from ringlet_py.moving.stores.databases import Row
    from ringlet_py.profile.provider import Provider

FILE = "simple_keystore.db"  # what it calls its database, in the folder it runs in
TABLE = "keystore"
_MASTER = "SIMPLE_KEYSTORE_KEY"
_COLUMNS = ("id", "name", "expiration_in_sse", "active", "batch", "source", "login", "encrypted_key")
_CARRIED = ("source", "login", "batch")
_LATEST = 253_402_300_799  # seconds since 1970: the end of the year 9999, which is as far as the calendar goes


class SimpleKeystore:
    """The keys of one database."""

    def __init__(
        self, path: str, *, home: str, environ: Mapping[str, str], providers: Mapping[str, Provider], now: float
    ) -> None:
        self.path = path
        self._netrc = os.path.join(home, ".netrc")
        self._environ = environ
        self._naming = Naming(providers)
        self._now = now

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys, in the order in which they were added."""
        found, notes = looked(self.path, "simple_keystore", _rows)
        if not found:
            return [], notes
        master = self._master()
        if not master:
            why = f"{len(found)} sealed keys, and neither {_MASTER} nor {self._netrc} has the master key"
            return [], [f"{self.path} is locked: {why}"]
        names = Counter(row["name"] for row in found)
        return offered(self.path, found, lambda row: self._candidate(row, master, alone=names[row["name"]] == 1))

    def _master(self) -> str:
        """Its master key, "" if there is none."""
        if self._environ.get(_MASTER):
            return self._environ[_MASTER]
        try:
            read(self._netrc)  # for its limits: the parser opens whatever is there
            entry = netrc.netrc(self._netrc).authenticators(_MASTER)
        except (OSError, Unread, netrc.NetrcParseError, UnicodeError):
            return ""
        return (entry[2] or "") if entry else ""

    def _candidate(self, row: Row, master: str, *, alone: bool) -> Candidate:
        sealed, number, name = row["encrypted_key"], int(row["id"]), str(row["name"])
        secret = unseal_fernet(sealed if isinstance(sealed, bytes) else str(sealed).encode(), master)
        alias = self._naming.alias(name)
        return Candidate(
            place=self.path,
            name=f"{self._naming.shown(name)} ({number})",
            value=secret,
            provider=self._naming.provider(name, secret),
            alias=alias if alone else f"{alias or 'key'}-{number}",
            remove=f"sqlite3 {quoted(self.path)} 'DELETE FROM {TABLE} WHERE id = {number}'",  # noqa: S608 - for people
            fields=self._fields(row),
        )

    def _fields(self, row: Row) -> dict[str, str]:
        fields = self._naming.carried({name: row[name] for name in _CARRIED})
        expires, active = int(row["expiration_in_sse"] or 0), bool(row["active"])
        if 0 < expires <= self._now:
            # an expiry that is past is no field of an entry; what it meant is
            fields["label"], active = f"expired {utc(expires)[:10]}", False
        elif 0 < expires <= _LATEST:
            fields["expires_at"] = utc(expires)
        return fields if active else {**fields, "active": "no"}


def is_keystore(tables: Mapping[str, frozenset[str]]) -> bool:
    """Whether a database with these tables is one of its own."""
    return tables.get(TABLE, frozenset()).issuperset(_COLUMNS)


def _rows(database: Elsewhere) -> list[Row]:
    if not is_keystore(database.tables()):
        raise UnknownShapeError
    return rows(database, TABLE, _COLUMNS)
