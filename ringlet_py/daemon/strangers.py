"""Who is turned away before anything else is looked at: browsers, other hosts' names, tokens in addresses."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from httptools import HttpParserInvalidURLError, parse_url
from starlette.requests import ClientDisconnect

from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.peers import is_unix

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

UNIX_HOSTS = frozenset((b"localhost", b"ringlet"))
TOKENS = frozenset(("token", "access_token", "key", "api_key", "apikey", "authorization", "auth", "bearer", "secret"))
_HTTP = 80
Refusal = tuple[int, str, str, str]  # status, code, what, why
STOPPING = (503, "daemon", "the daemon stops", "")


class Strangers:
    """The outermost part of the application; `port` is the one on loopback, 0 if there is none."""

    def __init__(self, application: ASGIApp, *, port: int, say: Callable[[str], None]) -> None:
        self._application = application
        self._say = say
        self._here = f"localhost:{port}"
        hosts = [f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")]
        if port == _HTTP:  # which nobody writes down
            hosts += ["127.0.0.1", "localhost", "[::1]"]
        self._hosts = frozenset(host.encode() for host in hosts) if port else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request: refuses it, or lets it through."""
        refusal = self.refusal(scope) or _in_query(scope["query_string"])
        if refusal is not None:
            await refused(refusal, scope, receive, send)
            return
        try:
            await self._application(scope, receive, send)
        except asyncio.CancelledError:
            # the answer may have begun, and then this is one too many
            with contextlib.suppress(RuntimeError):
                await refused(STOPPING, scope, receive, send)
            raise
        except ClientDisconnect:
            return  # nobody to answer
        except Exception as problem:  # noqa: BLE001 - whatever it is, its text may hold a value
            self._say(f"ringlet: error: a request failed: {type(problem).__name__}")

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why the request is not let through, whatever its query is; None if it is."""
        hosts, browser = [], b""
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value.lower())
            elif name == b"origin" or (name == b"sec-fetch-site" and value.lower() != b"none"):
                browser = name
        here, allowed = ("localhost", UNIX_HOSTS) if is_unix(scope["client"][0]) else (self._here, self._hosts)
        if len(hosts) != 1 or hosts[0] not in allowed or not _is_for(hosts[0], scope.get("target", b"")):
            return 421, "usage", "this is not the host that was asked for", f"the header Host is not {here}"
        if browser:
            return 403, "out-of-scope", "web pages may not ask here", f"the request has a header {browser.decode()}"
        return None


def _is_for(host: bytes, target: bytes) -> bool:
    """Whether a request's target that is more than a path names the same host."""
    if not target:
        return True
    try:
        url = parse_url(target)
    except HttpParserInvalidURLError:
        return False
    named = url.host or b""
    named = b"[%s]" % named if b":" in named else named
    if url.port not in (None, _HTTP) or b":" in host.rpartition(b"]")[2]:
        named += b":%d" % (url.port or _HTTP)
    return bool(url.schema == b"http" and named.lower() == host and url.userinfo is None)


def _in_query(query: bytes) -> Refusal | None:
    """An address is written to histories and logs, so nobody shall get used to having a token in one."""
    for pair in query.split(b"&") if query else ():
        name = unquote_plus(pair.partition(b"=")[0].decode("latin-1")).lower()
        if name in TOKENS:
            why = "addresses are written to logs; a token stands in the header Authorization: Bearer TOKEN"
            return 400, "usage", f"the address has a parameter {name}", why
    return None


async def refused(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the refusal."""
    status, code, what, why = refusal
    found = answer({"error": what, "code": code, "why": why, "hint": ""}, status=status)
    await found(scope, receive, send)
