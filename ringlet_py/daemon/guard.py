"""What a connection may cost: sizes, times and numbers, watched while bytes arrive and before a request is one."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ringlet_py.daemon.flow import PIECE, Flow
from ringlet_py.daemon.peers import UID, uid_of
from ringlet_py.daemon.whole import plain_answer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

_FRAMING = 2  # a body may take so many times its size on the wire, with the lengths of its chunks


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes, seconds and numbers; the defaults are for people's machines, tests have smaller ones."""

    head: int = 16 * 1024
    body: int = 64 * 1024
    connections: int = 512
    unix_connections: int = 128
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    idle_seconds: float = 60.0
    stalled_seconds: float = 10.0
    linger_seconds: float = 1.0


class _Refused(Exception):  # noqa: N818 - no error, the way out of the parser's callbacks
    """Ends the parsing; what is answered is already said."""


# what a connection is waiting for
_IDLE, _HEAD, _BODY, _LEAVING = "idle", "head", "body", "leaving"


class Guarded(HttpToolsProtocol):
    """uvicorn's protocol on a strict diet: `sweep` ends what takes too long."""

    bounds: ClassVar[Bounds] = Bounds()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.is_unix = False
        self._phase = _HEAD
        self._since = self.loop.time()
        self._stalled = 0.0
        self._read = 0  # bytes of the head or the body that is arriving
        self._body = 0
        self._refusal = (400, "this is not a request that can be understood")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection in, or turns it away at once."""
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)
        peer = transport.get_extra_info("socket")
        self.is_unix = peer.family == getattr(socket, "AF_UNIX", None)
        if self.is_unix:
            uid = uid_of(peer)
            self.client = (f"{UID}{uid}", 0)
            if uid != os.geteuid():
                self._leave(403, "this socket is for its own user alone")
                return
        if self._are_too_many():
            self._leave(503, "there are too many connections")

    def _are_too_many(self) -> bool:
        limit = self.bounds.unix_connections if self.is_unix else self.bounds.connections
        if len(self.connections) <= limit:  # of both kinds together, which is quick to see
            return False
        alike = [each for each in self.connections if isinstance(each, Guarded) and each.is_unix == self.is_unix]
        return len(alike) > limit

    def data_received(self, data: bytes) -> None:
        """Gives the parser what arrived, in pieces small enough to notice in time that there is too much."""
        for start in range(0, len(data), PIECE):
            self._take(data[start : start + PIECE])

    def _take(self, data: bytes) -> None:
        if self._phase is _LEAVING:
            self._read += len(data)
            if self._read > self.bounds.body:
                self.transport.abort()
            return
        self._read += len(data)
        super().data_received(data)
        if self._phase is _HEAD and self._read > self.bounds.head:
            self._leave(431, "the head of the request is too long")
        elif self._phase is _BODY and self._read > self.bounds.body * _FRAMING:
            self._leave(413, "the body of the request is too long")

    def on_message_begin(self) -> None:
        """The first bytes of a request."""
        super().on_message_begin()
        if self._phase is _IDLE:
            self._since = self.loop.time()
        self._phase = _HEAD
        self._read = 0

    def on_headers_complete(self) -> None:
        """The whole head: it starts the request, unless that is too large already."""
        self._check_sizes()
        if not self.url.startswith(b"/"):
            self.scope["target"] = self.url  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()
        # what stands after a chunked body looks like headers too, and comes too late to be believed
        self.headers = []
        if self.parser.should_upgrade():  # what follows would be another protocol
            self.cycle.keep_alive = False
        self._phase = _BODY
        self._since = self.loop.time()
        self._read = self._body = 0

    def _check_sizes(self) -> None:
        size = len(self.url)
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            # the parser has refused what is no number
            if name == b"content-length" and (len(value) > 9 or int(value) > self.bounds.body):
                self._refuse(413, "the body of the request is too long")
        if size > self.bounds.head:
            self._refuse(431, "the head of the request is too long")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body += len(body)
        if self._body > self.bounds.body:
            self._refuse(413, "the body of the request is too long")
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._phase = _IDLE
        self._since = self.loop.time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The whole answer is given; the next request may take its time from now on.

        As uvicorn's, but for its timer for those who say no more: `sweep` ends them too.
        """
        self._since = self.loop.time()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self.flow.resume_reading()

    def pause_writing(self) -> None:
        """The peer does not read its answer."""
        self._stalled = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The peer reads on."""
        self._stalled = 0.0
        super().resume_writing()

    def eof_received(self) -> None:
        """The peer sends no more."""
        if self._phase is _LEAVING:
            self.transport.close()

    def sweep(self, now: float) -> None:
        """Ends the connection if it has taken too long; `now` is the loop's time."""
        if self._stalled and now - self._stalled > self.bounds.stalled_seconds:
            self.transport.abort()
        elif self.flow.read_paused or now - self._since <= self._patience():
            return
        elif self._phase is _LEAVING or self.transport.is_closing():  # with an answer that nobody reads
            self.transport.abort()
        elif self._is_quiet():
            self.transport.close()
        elif self._phase is not _IDLE:
            self._leave(408, "the request takes too long to arrive")

    def shutdown(self) -> None:
        """The daemon stops: what is being answered is finished."""
        if self._phase is _LEAVING:
            self.transport.abort()
        else:
            super().shutdown()

    def _patience(self) -> float:
        bounds = self.bounds
        if self._phase is _IDLE:
            return bounds.idle_seconds
        return {_HEAD: bounds.head_seconds, _BODY: bounds.body_seconds}.get(self._phase, bounds.linger_seconds)

    def _is_due(self) -> bool:
        """Whether an answer given now would be taken for that to the request which is arriving."""
        if self._phase is _BODY:
            return not (self.cycle.response_started or self.pipeline)
        return self._is_free()

    def _is_quiet(self) -> bool:
        """Whether the last request has its answer, and nothing of the next is here."""
        return self._phase is _IDLE and self._is_free()

    def _is_free(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # which uvicorn's types do not say
        return cycle is None or cycle.response_complete

    def _refuse(self, status: int, what: str) -> None:
        """Ends the parsing from within; what the parser makes of it comes back as `send_400_response`."""
        self._refusal = (status, what)
        raise _Refused

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as uvicorn calls it
        """What uvicorn calls when a request cannot be parsed."""
        self._leave(*self._refusal)

    def _leave(self, status: int, what: str) -> None:
        """Answers, where that would not be taken for the answer to another request, and ends the connection.

        It stays a moment for what is still arriving, since closing at once would take the answer back.
        """
        if self.transport.is_closing() or not self._is_due():
            self.transport.abort()
            return
        self._unset_keepalive_if_required()
        if self.cycle is not None:  # whoever works on the request has nobody to answer any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._phase = _LEAVING
        self._since = self.loop.time()
        self._read = 0
        self.transport.write(plain_answer(status, what))
        if self.transport.can_write_eof():
            self.transport.write_eof()


def sweep(connections: Iterable[object], now: float) -> None:
    """Ends each connection that has taken too long."""
    for each in list(connections):
        if isinstance(each, Guarded):
            each.sweep(now)
