"""Where a Redis server is, as `redis://`, `rediss://` or `unix://`; the URL may hold a password and is never shown."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from ringlet_py.errors import ConfigError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEMES = ("redis", "rediss", "unix")
DEFAULT_PORT = 6379
_DIGITS = 9  # of a database's number
_HINT = 'write it as redis://HOST:PORT/NUMBER, or rediss:// for TLS: [ledger] url = "rediss://redis.example:6379/0"'
# what may stand behind the `?`; other options of the client could turn off what we rely on
_OPTIONS = frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_ca_path", "ssl_check_hostname"})


class RedisUrl:
    """A checked URL: `shown` is host and port alone, `secret` the whole of it, for the client only.

    Raises ConfigError, which quotes nothing of the URL, for what cannot be one.
    """

    __slots__ = ("is_open", "secret", "shown")

    def __init__(self, text: str) -> None:
        parts = _split(text)
        self.secret = text
        self.shown = _shown(parts)
        self.is_open = parts.scheme == "redis" and not _is_loopback(parts.hostname or "localhost")

    def __repr__(self) -> str:
        return f"RedisUrl({self.shown!r})"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong("it is no URL") from None
    if parts.scheme not in SCHEMES:
        raise wrong("it begins with none of redis://, rediss://, unix://")
    if parts.scheme == "unix" and (parts.netloc or not parts.path):
        raise wrong("it names no socket; one is written with three slashes: unix:///run/redis.sock")
    if parts.scheme != "unix" and (port == 0 or not parts.hostname):
        raise wrong("it names no server")
    if parts.scheme != "unix" and not _is_number(parts.path.strip("/")):
        raise wrong("behind the server stands the number of the database, like /0")
    _check_options(parts)
    return parts


def _check_options(parts: SplitResult) -> None:
    options = parse_qs(parts.query, keep_blank_values=True)
    if parts.fragment or not _OPTIONS.issuperset(options):
        raise wrong(f"behind '?' it has something else than {', '.join(sorted(_OPTIONS))}")
    if parts.scheme != "rediss" and any(name.startswith("ssl_") for name in options):
        raise wrong("what begins with ssl_ is for rediss:// alone")
    if "db" in options and not all(each and _is_number(each) for each in options["db"]):
        raise wrong("behind 'db=' stands the number of the database, like ?db=0")


def _is_number(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and len(text) <= _DIGITS)


def wrong(why: str) -> ConfigError:
    """The error for a URL that cannot be one; `why` quotes nothing of it."""
    return ConfigError("the ledger's url is not understood", why=why, hint=_HINT)


def _shown(parts: SplitResult) -> str:
    if parts.scheme == "unix":
        return parts.path
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or DEFAULT_PORT}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
