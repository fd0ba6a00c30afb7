"""What the tests of the ledger on Redis share: a server for each module, a store for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from ringlet_py.ledger.claims import Claim, Member, Turn
from ringlet_py.ledger.redis.claims import RedisClaims
from ringlet_py.ledger.redis.documents import RedisDocuments
from ringlet_py.ledger.redis.server import RedisServer
from ringlet_py.ledger.redis.url import RedisUrl
from ringlet_py.limits import Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.redis_server import RedisProcess

STORES = itertools.count()
LEASES = itertools.count()


class CountingOnRedis(RedisClaims, RedisDocuments):
    """Both sets of verbs, as the contract asks for them."""


def silence(text: str) -> None:
    raise AssertionError(f"it said: {text}")


def store(process: RedisProcess, *, name: str = "", url: str = "", say: Callable[[str], None] = silence) -> RedisServer:
    """A store on the server, one of its own without a name."""
    return RedisServer(RedisUrl(url or process.unix_url), store=name or f"store-{next(STORES)}", say=say)


def pool(policy: str = "first", **fields: Any) -> Turn:
    return Turn(**{"pool": "p", "provider": "openai", "feature": "image", "policy": policy, **fields})


def key(alias: str, *texts: str, **fields: Any) -> Member:
    return Member(address=f"openai/{alias}", rates=tuple(map(Rate.parse, texts)), **fields)


def wish(turn: Turn, **fields: Any) -> Claim:
    """A claim of the ledger's present version, under a lease of its own."""
    return Claim(**{"turn": turn, "version": "", "lease": f"lease-{next(LEASES)}", **fields})
