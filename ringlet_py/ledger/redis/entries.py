"""The entries of the ledger on Redis."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import InvalidName
from ringlet_py.ledger.redis.wishes import org_named
from ringlet_py.ledger.rows import COLUMNS, entry_of, row_of

if TYPE_CHECKING:
    from ringlet_py.entry import Address, Entry
    from ringlet_py.ledger.redis.server import RedisServer


class RedisLedger:
    """The entries on that server; see `ringlet_py.ledger` for what the verbs promise.

    `elsewhere` is the file of the embedded ledger: if that is there and no entry here, somebody may wonder.
    """

    def __init__(self, server: RedisServer, *, elsewhere: str = "") -> None:
        self._server = server
        self._elsewhere = elsewhere
        self._is_asked = False

    def entries(self) -> list[Entry]:
        """All entries, sorted by address."""
        found = self._server.call("HVALS", self._server.key("entries"))
        if not found:
            self._point_elsewhere()
        return sorted(map(self._entry_of, found), key=lambda entry: entry.address)

    def entry(self, address: Address) -> Entry | None:
        """The entry at the address, or None."""
        found = self._server.call("HGET", self._server.key("entries"), str(address))
        return None if found is None else self._entry_of(found)

    def same(self, fingerprint: str) -> list[Entry]:
        """The entries of that fingerprint, sorted by address; none for "", which stands for an unknown one."""
        found = self._server.run("same", fingerprint) if fingerprint else []
        entries = (self._entry_of(each) for each in found if each is not None)
        return sorted(entries, key=lambda entry: entry.address)

    def put(self, *entries: Entry) -> None:
        """Makes or replaces the entries, all or none; on disk as soon as the server's `appendfsync` says."""
        self._server.run("entries", *(argument for entry in entries for argument in _arguments(entry)))
        if not self._is_asked:
            self._is_asked = True
            self._server.warn_if_forgetful()

    def forget(self, address: Address) -> None:
        """Takes the entry away, if it is there."""
        self._server.run("entries", str(address), "", "", "")

    def _point_elsewhere(self) -> None:
        """Says it once; what is in that file is not looked at."""
        path, self._elsewhere = self._elsewhere, ""
        if path and os.path.exists(path):
            self._server.say(
                f"⚠ The ledger on {self._server.shown} has no entries; those of this machine's own ledger "
                f"({path}) are not read.\n  To use these, take [ledger] url out of config.toml."
            )

    def _entry_of(self, written: bytes) -> Entry:
        try:
            fields: dict[str, Any] = json.loads(written)
            return entry_of([fields.pop(name) for name in COLUMNS])
        except (ValueError, TypeError, KeyError, AttributeError, InvalidName):
            raise self._server.corrupt("it holds what cannot be an entry") from None


def _arguments(entry: Entry) -> tuple[str, str, str, str]:
    """Address, fingerprint, org and the whole entry, as the script takes them."""
    fields = dict(zip(COLUMNS, row_of(entry), strict=True))
    org = org_named(entry.address.provider, entry.org) if entry.org else ""
    return str(entry.address), entry.fingerprint, org, json.dumps(fields)
