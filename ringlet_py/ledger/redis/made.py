"""The ledger on Redis as the settings choose it; the one place that knows it may not be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.ledger.claims import Claims
    from ringlet_py.ledger.redis.server import RedisServer


def redis_server(url: str, *, store: str, say: Callable[[str], None]) -> RedisServer:
    """The server at that URL, not asked yet; ConfigError without the extra `redis` or for a URL that cannot be one."""
    try:
        import redis  # noqa: F401 - whether it is there
    except ModuleNotFoundError:
        what = "the ledger is on Redis, and this ringlet was installed without what speaks to it"
        raise ConfigError(what, hint="pip install 'ringlet-py[redis]'") from None
    from ringlet_py.ledger.redis.server import RedisServer
    from ringlet_py.ledger.redis.url import RedisUrl

    return RedisServer(RedisUrl(url), store=store, say=say)


def redis_claims(
    server: RedisServer, *, on_error: str, say: Callable[[str], None], clock: Callable[[], float]
) -> Claims:
    """The claims on that server; with "allow" they go on, uncounted, while it cannot be reached."""
    from ringlet_py.ledger.redis.claims import RedisClaims

    claims = RedisClaims(server)
    if on_error == "refuse":
        return claims
    from ringlet_py.ledger.redis.allowing import AllowingClaims

    return AllowingClaims(claims, say=say, wall=lambda: int(clock() * 1000))
