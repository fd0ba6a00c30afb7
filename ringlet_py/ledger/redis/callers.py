"""Tokens and leases as the ledger on Redis keeps them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ringlet_py.ledger.tokens import LONGEST_CHAIN, StoredLease, Token, kept_of, names_of, row_of

if TYPE_CHECKING:
    from ringlet_py.ledger.redis.server import RedisServer
    from ringlet_py.ledger.tokens import Kept


class RedisCallers:
    """The tokens and leases on that server; see `ringlet_py.ledger.tokens` for what the verbs promise.

    They are on disk as soon as the server's `appendfsync` says.  An answer that is lost is LedgerUnreachable where
    asking again could get another one: then it may have been done.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def add_token(self, token: Token) -> bool:
        """Makes it, if there is none like it and its parent is there."""
        return bool(self._run("add_token", _written(token)))

    def chain(self, digest: str) -> list[Token]:
        """The token of that digest and all that it was made under."""
        found = self._run("chain", digest, str(LONGEST_CHAIN), again=True)
        return [self._sound(Token, each) for each in found]

    def tokens(self) -> list[Token]:
        """All of them, sorted by name."""
        found = self._server.call("HVALS", self._server.key("tokens"))
        return sorted((self._sound(Token, each) for each in found), key=lambda token: token.name)

    def change_token(self, old: Token, new: Token) -> bool:
        """Replaces it, if it is still the old one."""
        return bool(self._run("change_token", _written(old), _written(replace(new, id=old.id, parent=old.parent))))

    def remove_token(self, id: str) -> list[str]:  # noqa: A002 - it is called so everywhere
        """Takes it away with all that were made under it; their ids."""
        return [gone.decode() for gone in self._run("remove_token", id)]

    def add_lease(self, lease: StoredLease) -> None:
        """Notes it."""
        self._run("add_lease", lease.id, _written(lease), _over(lease), again=True)

    def lease(self, id: str) -> StoredLease | None:  # noqa: A002 - as above
        """The one of that id, or None."""
        found = self._server.call("HGET", self._server.key("leases"), id)
        return None if found is None else self._sound(StoredLease, found)

    def leases(self) -> list[StoredLease]:
        """All of them, oldest first."""
        found = self._server.call("HVALS", self._server.key("leases"))
        leases = (self._sound(StoredLease, each) for each in found)
        return sorted(leases, key=lambda lease: (lease.created_at, lease.id))

    def change_lease(self, old: StoredLease, new: StoredLease) -> bool:
        """Replaces it, if it is still the old one."""
        new = replace(new, id=old.id)
        return bool(self._run("change_lease", old.id, _written(old), _written(new), _over(new)))

    def forget_leases(self, before: int) -> int:
        """Takes away those that were over before then; how many."""
        gone = 0
        while some := self._run("forget_leases", str(before), again=True):
            gone += some
        return gone

    def _run(self, verb: str, *arguments: str, again: bool = False) -> Any:
        return self._server.run("callers", verb, *arguments, again=again)

    def _sound(self, kind: type[Kept], written: bytes) -> Kept:
        try:
            fields = json.loads(written)
            return kept_of(kind, [fields.pop(name) for name in names_of(kind)])
        except (ValueError, TypeError, KeyError, AttributeError):
            raise self._server.corrupt("it holds what cannot be a token or a lease") from None


def _written(kept: Token | StoredLease) -> str:
    """As it is kept: always the same text for the same one, since scripts compare it."""
    return json.dumps(dict(zip(names_of(type(kept)), row_of(kept), strict=True)), ensure_ascii=False)


def _over(lease: StoredLease) -> str:
    """The moment at which it ended, or expires if that is earlier; "" for never."""
    moments = [lease.ended_at] if lease.ended else []
    moments += [lease.expires_at] if lease.expires_at else []
    return str(min(moments)) if moments else ""
