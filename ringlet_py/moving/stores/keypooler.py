"""The SQLite databases of keypooler, of all its versions that had one.

The first has a table `api_keys`, the later ones `keys`, with the bound secrets in `key_secrets`.  A value is in the
clear, or AES-256-GCM in hex with ENCRYPTION_KEY: marked `enc:gcm:`, or without a mark in the versions that sealed
every value.  Later versions keep all of this in Postgres, which is not read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ringlet_py.backends.sealed.elsewhere import unseal_gcm
from ringlet_py.entry import MAX_NAME, utc
from ringlet_py.errors import KeychainLocked, MasterKeyWrong
from ringlet_py.files.checks import quoted
from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.databases import UnknownShapeError, looked, offered, rows
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.ledger.elsewhere import Elsewhere
    from ringlet_py.moving.stores.databases import Row
    from ringlet_py.profile.provider import Provider

FILES = ("pool.db", "keypooler.db")  # DB_PATH is ./data/pool.db unless somebody chose another
_MASTER = "ENCRYPTION_KEY"
_MARK = "enc:gcm:"
_TABLES = ("keys", "api_keys")
_VALUES = ("key_encrypted", "key_value")
_ITS_OWN = ("tier_id", "circuit_state")  # columns that no other program's table of keys has
_BOUND_VALUES = ("value_encrypted", "value")
_SEALED = re.compile("(?:[0-9a-f]{2}){29,}")  # nonce, tag, and a character or more
# as Go's drivers write a moment: with a blank or T, a fraction or none, and a zone, which may be named again behind
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d)?(?: .*)?")


class Keypooler:
    """The keys of one database."""

    def __init__(self, path: str, *, environ: Mapping[str, str], providers: Mapping[str, Provider], now: float) -> None:
        self.path = path
        self._master = environ.get(_MASTER, "")
        self._naming = Naming(providers)
        self._now = now

    def finds(self) -> tuple[list[Candidate], list[str]]:
        """The keys, and the secrets that are bound to them."""
        found, notes = looked(self.path, "keypooler", _rows)
        return offered(self.path, found, self._candidate) if found else ([], notes)

    def _candidate(self, row: Row) -> Candidate:
        name = str(row["name"])
        always = row["always_sealed"]
        secret = self._opened(str(row["value"]), always_sealed=always)
        return Candidate(
            place=self.path,
            name=self._naming.shown(name),
            value=secret,
            provider=self._naming.provider(name, secret),
            alias=self._naming.alias(name),
            remove=self._removal(row),
            fields=self._fields(row),
            bound={each: self._opened(str(value), always_sealed=always) for each, value in row["bound"].items()},
        )

    def _opened(self, stored: str, *, always_sealed: bool) -> Secret:
        marked, could_be = stored.startswith(_MARK), _SEALED.fullmatch(stored)
        if not marked and not could_be:
            return Secret.from_input(stored.encode(errors="replace"))
        try:
            return self._unsealed(stored.removeprefix(_MARK))
        except (KeychainLocked, MasterKeyWrong):
            if marked or always_sealed:
                raise
        return Secret.from_input(stored.encode())  # a key that happens to be hex digits

    def _unsealed(self, stored: str) -> Secret:
        if not self._master:
            raise KeychainLocked("it is locked", why=f"it is sealed, and {_MASTER} is not set")
        return unseal_gcm(bytes.fromhex(stored), self._master)

    def _removal(self, row: Row) -> str:
        number = str(row["id"])
        if not re.fullmatch(r"[0-9A-Za-z-]{1,64}", number):
            return f"remove it with keypooler, whose database {self.path} is"
        bound = f"DELETE FROM key_secrets WHERE key_id = '{number}'; " if row["bound"] else ""  # noqa: S608 - for people
        key = f"DELETE FROM {row['table']} WHERE id = '{number}'"  # noqa: S608 - for people
        orders = f"PRAGMA secure_delete = ON; {bound}{key}"
        return f'DELETE /admin/keys/{number} while keypooler runs, else sqlite3 {quoted(self.path)} "{orders}"'

    def _fields(self, row: Row) -> dict[str, str]:
        fields = self._naming.carried({"label": row["name"]})
        expires = _seconds(row.get("expires_at"))
        inactive = not row.get("is_active", True)
        if 0 < expires <= self._now:
            fields["label"], inactive = f"expired {utc(expires)[:10]}", True
        elif expires > 0:
            fields["expires_at"] = utc(expires)
        return {**fields, "active": "no"} if inactive else fields


def is_pool(tables: Mapping[str, frozenset[str]]) -> bool:
    """Whether a database with these tables is one of its own, whatever its name."""
    columns = _columns(tables)
    return columns is not None and not tables[columns[0]].isdisjoint(_ITS_OWN)


def _columns(tables: Mapping[str, frozenset[str]]) -> tuple[str, str] | None:
    """The table of the keys, and its column with the values; None where it is not keypooler's."""
    pairs = [(table, value) for table in _TABLES for value in _VALUES]
    return next((each for each in pairs if tables.get(each[0], frozenset()).issuperset(["id", "name", each[1]])), None)


def _rows(database: Elsewhere) -> list[Row]:
    tables = database.tables()
    columns = _columns(tables)
    if not columns:
        raise UnknownShapeError
    table, value = columns
    wanted = [each for each in ("expires_at", "is_active") if each in tables[table]]
    # the versions that had no metadata yet had no mark either
    shared = {"table": table, "always_sealed": "metadata_json" not in tables[table]}
    bound = _bound(database, tables.get("key_secrets", frozenset()))
    found = rows(database, table, ["id", "name", value, *wanted])
    return [{**row, **shared, "value": row[value], "bound": bound.get(row["id"], {})} for row in found]


def _bound(database: Elsewhere, columns: frozenset[str]) -> dict[object, dict[str, object]]:
    """The bound secrets of each key, by its id."""
    value = next((each for each in _BOUND_VALUES if each in columns), "")
    bound: dict[object, dict[str, object]] = {}
    for row in rows(database, "key_secrets", ["key_id", "name", value]) if value else []:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(row["name"])).lstrip("-.")[:MAX_NAME]
        bound.setdefault(row["key_id"], {})[name or "secret"] = row[value]
    return bound


def _seconds(moment: object) -> float:
    """The moment in seconds since 1970; 0 for none, or one that cannot be read."""
    match = _MOMENT.fullmatch(str(moment)) if moment else None
    if not match:
        return 0
    day, time, zone = match.groups()
    parsed = datetime.fromisoformat(f"{day}T{time}{zone or ''}")
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
