"""Pools and tiers as the ledger on Redis keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.ledger.documents import StoredDocument

if TYPE_CHECKING:
    from ringlet_py.ledger.redis.server import RedisServer


class RedisDocuments:
    """The documents on that server; see `ringlet_py.ledger.claims` for what the verbs promise."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def documents(self, kind: str) -> list[StoredDocument]:
        """All of a kind, sorted by name."""
        found = self._server.flat(self._server.key("documents", kind))
        return sorted((StoredDocument(name, text) for name, text in found), key=lambda document: document.name)

    def put_document(self, kind: str, document: StoredDocument, *, new: bool = False) -> bool:
        """Makes or replaces it; with `new` answers False, and changes nothing, if there is one already."""
        how = "new" if new else ""
        return bool(self._server.run("put_document", kind, document.name, document.text, how, again=not new))

    def change_document(self, kind: str, name: str, old: str, new: str) -> bool:
        """Changes it from one text to another; False, and nothing is changed, if it is not as it was."""
        return bool(self._server.run("change_document", kind, name, old, new, again=False))

    def forget_document(self, kind: str, name: str) -> bool:
        """Takes it away, with a pool its standings and counts too; whether it was there."""
        pool = name if kind == "pool" else ""
        return bool(self._server.run("forget_document", kind, name, pool, again=False))
