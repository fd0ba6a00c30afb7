"""Who asks: the bearer token of a request, and what it is worth; wrong ones are counted and recorded."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from ringlet_py.daemon.answers import CALLER
from ringlet_py.daemon.contract import check_query
from ringlet_py.daemon.peers import name_of
from ringlet_py.errors import OutOfScope, TokenRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request as HttpRequest

    from ringlet_py.audit import Recorder
    from ringlet_py.daemon.calls import Answer, Call
    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.lease import Lease, Request
    from ringlet_py.tokens import Caller

    Begun = tuple[Call, Answer]

LONGEST = 512  # characters of a token
FAILURES = 10  # of one peer in WINDOW seconds; as many of them are recorded
WINDOW = 60.0
ACTION = "authenticate"
BEGUN = "ringlet.begun"  # where a request's scope has the claim that was begun for it, and its answer


class TooManyFailures(TokenRefused):
    """Wrong tokens come too often; `retry_after` is in seconds.  One that is right is let through all the same."""

    http_status = 429
    retry_after = 1


@dataclass(slots=True)
class _Peer:
    """What one peer has left to fail, and how it is recorded in the current window."""

    left: float
    since: float
    window: float
    recorded: int = 0
    left_out: int = 0


class Failures:
    """Counts and records refused tokens, peer by peer; programs on loopback are one peer, since they share addresses.

    `steady` is in seconds and never goes back.
    """

    def __init__(self, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._peers: dict[str, _Peer] = {}
        self._lock = Lock()

    def count(self, peer: str, path: str, audit: Recorder) -> None:
        """Records the failure, or that some were left out; raises TooManyFailures if there are too many."""
        now = self._steady()
        with self._lock:
            known = self._peers.setdefault(peer, _Peer(left=FAILURES, since=now, window=now))
            left_out = self._next_window(known, now)
            known.left = min(FAILURES, known.left + (now - known.since) * FAILURES / WINDOW)
            known.since = now
            is_recorded = known.recorded < FAILURES
            known.recorded += is_recorded
            known.left_out += not is_recorded
            is_too_much = known.left < 1
            known.left -= not is_too_much
            missing = 1 - known.left
        _record_left_out(left_out, peer, audit)
        if is_recorded:
            audit.append(ACTION, TokenRefused.code, caller=peer, purpose=path)
        if is_too_much:
            raise _too_many(missing * WINDOW / FAILURES)

    def flush(self, audit: Recorder, *, is_last: bool = False) -> None:
        """Records what was left out in windows that are over."""
        now = math.inf if is_last else self._steady()
        with self._lock:
            found = [(peer, self._next_window(known, now)) for peer, known in self._peers.items()]
        for peer, left_out in found:
            _record_left_out(left_out, peer, audit)

    def _next_window(self, known: _Peer, now: float) -> int:
        """How many were left out, if the window is over; a new one begins."""
        if now - known.window < WINDOW:
            return 0
        left_out = known.left_out
        known.window, known.recorded, known.left_out = now, 0, 0
        return left_out


def _record_left_out(number: int, peer: str, audit: Recorder) -> None:
    if number:
        audit.append(ACTION, TokenRefused.code, caller=peer, purpose=f"{number} more were not recorded")


def _too_many(seconds: float) -> TooManyFailures:
    why = "too many tokens were refused lately"
    problem = TooManyFailures("the token is refused", why=why, hint="wait, and use a token that is valid")
    problem.retry_after = max(1, math.ceil(seconds))
    return problem


def bearer_of(request: HttpRequest) -> str:
    """The text of the bearer token; TokenRefused without one."""
    text = bearer_in(request.scope["headers"])
    if not text:
        raise TokenRefused("there is no bearer token", why="the request has no header Authorization: Bearer TOKEN")
    return text


def bearer_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The same of the headers as ASGI has them, with small letters; "" without one."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1 or not given[0].isascii():
        return ""
    scheme, _, text = given[0].decode("ascii").partition(" ")
    text = text.strip()
    return text if scheme.lower() == "bearer" and len(text) <= LONGEST else ""


async def caller_of(request: HttpRequest) -> Caller:
    """Whoever holds the request's token; TokenRefused, which is counted and recorded, UsageError for its query."""
    caller = await _known_caller(request)
    check_query(request)
    return caller


async def _known_caller(request: HttpRequest) -> Caller:
    daemon: Daemon = request.app.state.daemon
    try:
        caller = await daemon.look(daemon.app.tokens.authenticate, bearer_of(request))
    except TokenRefused:
        await _count(request, daemon)
        raise
    request.scope[CALLER] = caller
    return caller


async def claimed(request: HttpRequest, asked: Callable[[Caller], Request]) -> tuple[Call, Lease]:
    """The key that is asked for in the name of whoever holds the request's token, both looked up in one go.

    A claim that was begun for the request before is only ended.  Raises as `Lender.claim_as`.
    """
    daemon: Daemon = request.app.state.daemon

    def known(caller: Caller) -> Request:
        request.scope[CALLER] = caller
        return asked(caller)

    begun: Begun | None = request.scope.pop(BEGUN, None)  # a key is handed over once
    try:
        if begun is None:
            return await daemon.lender.claim_as(bearer_of(request), known)
        call, answer = begun
        request.scope[CALLER] = call.caller
        return call, await call.lender.ended(call, answer)
    except TokenRefused:
        await _count(request, daemon)
        raise


async def _count(request: HttpRequest, daemon: Daemon) -> None:
    daemon.metrics.refused += 1
    await daemon.work(daemon.failures.count, peer_of(request), path_of(request), daemon.app.audit)


def peer_of(request: HttpRequest) -> str:
    """Where the request comes from: `uid:1000` through the Unix socket, else `loopback`."""
    return name_of(request.scope["client"][0])


def path_of(request: HttpRequest) -> str:
    """Which route was asked for: its pattern, since what stands in its place may be anything."""
    return str(getattr(request.scope.get("route"), "path", ""))


async def admin_of(request: HttpRequest) -> Caller:
    """The same, if it is the admin; OutOfScope for other callers."""
    caller = await _known_caller(request)
    if not caller.is_admin:
        hint = "use the admin token: ringlet daemon status says where it is"
        raise OutOfScope(f"{request.url.path} is for the admin token alone", hint=hint)
    check_query(request)
    return caller
