"""A claim of the ledger on Redis: a server of our own, and how often a claim goes there and back."""

from __future__ import annotations

import contextlib
import sys
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.claiming import taking, turn_of
from benchmarks.world import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ringlet_py.ledger.redis.server import RedisServer
    from tests.redis_server import RedisProcess

COUNTED = 100  # claims


@contextlib.contextmanager
def redis(*options: str) -> Iterator[RedisProcess]:
    """A server with these options besides the tests' own, which has every write on disk before it answers."""
    from tests.redis_server import RedisProcess

    try:
        process = RedisProcess(*options)
    except AssertionError as problem:
        raise Unfit(f"redis-server did not start: {problem}") from None
    with process:
        yield process


def store(url: str, name: str) -> RedisServer:
    """The store of that name there."""
    from ringlet_py.ledger.redis.server import RedisServer
    from ringlet_py.ledger.redis.url import RedisUrl

    return RedisServer(RedisUrl(url), store=name, say=lambda text: print(text, file=sys.stderr))  # noqa: T201


def redis_claim(server: RedisServer, keys: int) -> Callable[[], object]:
    """One claim of a pool of so many keys in that store, without fetching a secret."""
    from ringlet_py.ledger.claims import Claim
    from ringlet_py.ledger.redis.claims import RedisClaims

    claims = RedisClaims(server)
    turn, members = turn_of(keys)
    claims.enlist(turn, members, version=claims.version())
    numbers = count()
    return taking(lambda: claims.claim(Claim(turn=turn, version="", lease=f"lease-{next(numbers)}")))


def round_trips(server: RedisServer, claim: Callable[[], object]) -> tuple[float, float]:
    """How often the server, which nobody else uses, was written to for a claim, and how many scripts it ran for it."""
    server.call("CONFIG", "RESETSTAT")
    for _ in range(COUNTED):
        claim()
    found = server.call("INFO", "all")
    asking = 1  # INFO itself came over the wire too
    return (found["total_reads_processed"] - asking) / COUNTED, found["cmdstat_evalsha"]["calls"] / COUNTED
