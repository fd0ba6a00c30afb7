"""What the Redis client raises, as errors of ours that name the server and never the user or password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis import exceptions

from ringlet_py.errors import KeychainBroken, KeychainDenied, KeychainTimeout, LedgerUnreachable, StoreCorrupt

if TYPE_CHECKING:
    from ringlet_py.errors import KeychainError

_LOCKED_OUT = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)
_DENIED = ("NOAUTH", "WRONGPASS", "NOPERM", "DENIED")
_REFUSED = {
    "OOM": ("it has no memory left", "raise maxmemory, and set maxmemory-policy noeviction: redis-cli INFO memory"),
    "READONLY": ("it is a replica, which takes no changes", "put the address of the primary into [ledger] url"),
    "MISCONF": ("it cannot write to its disk", "redis-cli INFO persistence"),
    "NOREPLICAS": ("it has too few replicas to take changes", "redis-cli INFO replication"),
    "MASTERDOWN": ("its primary is down", "redis-cli INFO replication"),
    "CLUSTERDOWN": ("its cluster is down", "redis-cli CLUSTER INFO"),
    "MOVED": ("another node of its cluster has our keys", "put that node's address into [ledger] url"),
    "BUSY": ("a script keeps it busy", "redis-cli SCRIPT KILL"),
    "LOADING": ("it is still reading its file", "try again in a moment"),
}


def translated(error: exceptions.RedisError, shown: str) -> KeychainError:
    """The error for it; nothing of the client's own words is kept but the server's code, for these may quote."""
    if isinstance(error, _LOCKED_OUT):
        return _denied(shown)
    if any(type(cause).__module__ == "ssl" or "handshake" in str(cause) for cause in _chain(error)):
        return _untrusted(shown)
    if isinstance(error, exceptions.TimeoutError):
        hint = f"see whether it is overloaded or cut off: {_client(shown)} --latency"
        return KeychainTimeout(f"the ledger on {shown} did not answer in time", hint=hint)
    if isinstance(error, exceptions.BusyLoadingError):
        return _refused("LOADING", shown)
    if isinstance(error, exceptions.ConnectionError):
        return _unreachable(error, shown)
    return _answered(_code(error), shown)


def corrupt(shown: str, why: str) -> StoreCorrupt:
    """The error for keys that are not as ringlet writes them."""
    hint = "choose another [ledger] prefix, or another database of that server"
    return StoreCorrupt(f"the ledger on {shown} is not as ringlet writes it", why=why, hint=hint)


def _answered(code: str, shown: str) -> KeychainError:
    if code in _DENIED:
        return _denied(shown)
    if code in _REFUSED:
        return _refused(code, shown)
    if code == "WRONGTYPE":
        return corrupt(shown, "something else is kept under its names")
    why = f"it answered {code}" if code else "its answer is none of Redis's"
    return KeychainBroken(f"the ledger on {shown} failed", why=why, hint="see its log; ringlet needs Redis 6 or newer")


def _refused(code: str, shown: str) -> KeychainBroken:
    why, hint = _REFUSED[code]
    return KeychainBroken(f"the ledger on {shown} takes no commands now", why=why, hint=hint)


def _denied(shown: str) -> KeychainDenied:
    hint = "set it in RINGLET_LEDGER_URL or [ledger] url: redis://USER:PASSWORD@HOST:PORT"
    why = "user or password are wrong or missing, or the user may not do that"
    return KeychainDenied(f"the ledger on {shown} lets us not in", why=why, hint=hint)


def _untrusted(shown: str) -> LedgerUnreachable:
    why = "TLS failed: the certificate is not trusted, is for another name, or the server speaks no TLS"
    hint = f"check it: openssl s_client -connect {shown}"
    return LedgerUnreachable(f"the ledger on {shown} cannot be spoken to", why=why, hint=hint)


def _unreachable(error: exceptions.ConnectionError, shown: str) -> LedgerUnreachable:
    """Told by what lies below, since the client has one class for all of it."""
    causes = [cause for cause in _chain(error) if isinstance(cause, OSError) and cause.strerror]
    why = str(causes[-1].strerror).lower() if causes else "it closed the connection"
    return LedgerUnreachable(f"the ledger on {shown} cannot be reached", why=why)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        found = found.__cause__ or found.__context__
    return chain


def _code(error: exceptions.RedisError) -> str:
    """The server's word for it, which it writes in capitals; a script's error may bring it as the second word."""
    words = f"{getattr(error, 'error_code', None) or ''} {error}".split()
    known = [word for word in words[:4] if word in _DENIED or word in _REFUSED or word == "WRONGTYPE"]
    if known or isinstance(error, exceptions.OutOfMemoryError):
        return (known or ["OOM"])[0]
    if isinstance(error, exceptions.ReadOnlyError):
        return "READONLY"
    return "ERR" if isinstance(error, exceptions.ResponseError) else ""


def _client(shown: str) -> str:
    """The command that speaks to that server."""
    if shown.startswith("/"):
        return f"redis-cli -s {shown}"
    host, _, port = shown.rpartition(":")
    return f"redis-cli -h {host.strip('[]')} -p {port}"
