"""Raw bytes against the protocol, on a loop of the test's own and with bounds that need no patience."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from ringlet_py.daemon.door import door
from ringlet_py.daemon.flow import PIECE
from ringlet_py.daemon.guard import Bounds, sweep
from ringlet_py.daemon.peers import uid_of
from ringlet_py.daemon.server import config_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ROOMY = Bounds(head=2048, body=4096, head_seconds=30, body_seconds=30, idle_seconds=30, stalled_seconds=30)
LAZY = replace(ROOMY, idle_seconds=0.1, linger_seconds=0.1)  # what is asked for may take its time, on a busy machine
HASTY = replace(ROOMY, head_seconds=0.1, body_seconds=0.1, idle_seconds=0.1, stalled_seconds=0.1, linger_seconds=0.1)
GET = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: localhost\r\n"
PATIENCE = 20.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Daemon:
    """What listens in a test; `heard` are the bodies that reached the application."""

    def __init__(self, answer: bytes) -> None:
        self.heard: list[bytes] = []
        self.headers: list[Any] = []
        self.release = asyncio.Event()
        self.release.set()
        self.state = uvicorn.server.ServerState()
        self._answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        self.heard.append(body)
        self.headers.append(scope["headers"])
        await self.release.wait()
        length = str(len(self._answer)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": self._answer})


@asynccontextmanager
async def listening(
    bounds: Bounds, *, answer: bytes = b"heard", path: str = ""
) -> AsyncIterator[tuple[Daemon, Callable[[], Awaitable[Connection]]]]:
    daemon = Daemon(answer)
    loop = asyncio.get_running_loop()
    made = door(bounds)
    config = config_of(daemon, made, grace=1)

    def protocol() -> Any:
        return made(config, daemon.state, {})

    if path:
        server = await loop.create_unix_server(protocol, path)
    else:
        server = await loop.create_server(protocol, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    writers = []

    async def connect() -> Connection:
        reader, writer = await (asyncio.open_unix_connection(path) if path else asyncio.open_connection(*address))
        writers.append(writer)
        return reader, writer

    sweeping = loop.create_task(_sweep(daemon))
    try:
        yield daemon, connect
    finally:
        sweeping.cancel()
        server.close()
        for writer in writers:
            writer.transport.abort()
        for each in list(daemon.state.connections):
            each.transport.abort()
        await asyncio.sleep(0)
        await asyncio.gather(*daemon.state.tasks)


async def _sweep(daemon: Daemon) -> None:
    while True:
        await asyncio.sleep(0.02)
        sweep(daemon.state.connections, asyncio.get_running_loop().time())


async def talk(connect: Callable[[], Awaitable[Connection]], *pieces: bytes) -> bytes:
    """Everything that comes back for these pieces, each sent on its own, until the connection is ended."""
    reader, writer = await connect()
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    return await asyncio.wait_for(all_of(reader), PATIENCE)


async def all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


def statuses(raw: bytes) -> list[int]:
    return [int(part[:3]) for part in raw.split(b"HTTP/1.1 ")[1:]]


def answered(*pieces: bytes, bounds: Bounds = LAZY) -> tuple[list[int], list[bytes]]:
    """The statuses that come back for the pieces, and the bodies that reached the application."""

    async def attempt() -> tuple[list[int], list[bytes]]:
        async with listening(bounds) as (daemon, connect):
            return statuses(await talk(connect, *pieces)), daemon.heard

    return asyncio.run(attempt())


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def test_a_request_is_answered_and_the_connection_is_ended_when_it_stays_idle():
    assert answered(GET) == ([200], [b""])


@pytest.mark.slow
def test_several_requests_at_once_are_answered_in_their_order():
    async def attempt() -> None:
        async with listening(LAZY) as (daemon, connect):
            raw = await talk(connect, *(POST + b"Content-Length: 1\r\n\r\n%d" % number for number in range(3)))
            assert statuses(raw) == [200, 200, 200]
            raw = await talk(connect, b"".join(POST + b"Content-Length: 1\r\n\r\n%d" % each for each in range(3, 9)))
            assert statuses(raw) == [200] * 6
            assert daemon.heard == [b"%d" % number for number in range(9)]

    asyncio.run(attempt())


def test_who_asks_for_more_than_is_answered_is_heard_no_further_until_it_is():
    many = 2000

    async def attempt() -> tuple[int, int]:
        async with listening(ROOMY) as (daemon, connect):
            daemon.release.clear()
            _, writer = await connect()
            writer.write(GET * many)
            await asyncio.sleep(0.1)
            one: Any = next(iter(daemon.state.connections))
            waiting = len(one.pipeline)
            daemon.release.set()
            most = 0
            while len(daemon.heard) < many:
                await asyncio.sleep(0)
                most = max(most, len(one.pipeline))
            return waiting, most

    waiting, most = asyncio.run(asyncio.wait_for(attempt(), PATIENCE))
    assert 0 < waiting <= most < 2 * PIECE / len(GET)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 3000 + b"\r\n\r\n",),
        (b"GET / HTTP/1.1\r\n" + b"A: a\r\n" * 600 + b"\r\n",),
        (b"GET / HTTP/1.1\r\n", *[b"A: " + b"a" * 500 + b"\r\n"] * 5),
        (b"GET / HTTP/1.1\r\nA: ", b"a" * 40000),
        (GET + b"GET / HTTP/1.1\r\nA: " + b"a" * 3000 + b"\r\n\r\n",),
    ],
    ids=["target", "one header", "many headers", "piece by piece", "without an end", "in a second request"],
)
def test_a_head_that_is_too_long_is_refused(pieces: tuple[bytes, ...]):
    found, heard = answered(*pieces)

    assert found in ([431], [200, 431], [])  # while the first is being answered, the second gets no answer at all
    assert len(heard) <= 1


def test_a_head_of_just_the_allowed_length_is_taken():
    head = b"GET /x HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 2000 + b"\r\n\r\n"

    assert answered(head) == ([200], [b""])


@pytest.mark.parametrize(
    "request_",
    [b"Content-Length: 4097\r\n\r\n", b"Content-Length: 99999999999999999999\r\n\r\n"],
    ids=["more", "absurd"],
)
def test_a_body_that_says_it_is_too_long_is_refused_at_once(request_: bytes):
    found, heard = answered(POST + request_)

    assert found in ([413], [400])
    assert not heard


@pytest.mark.parametrize(
    "body",
    [
        chunks(b"a" * 4097),
        chunks(*[b"a" * 100] * 41),
        b"000000000001\r\na\r\n" * 4000,
        b"1;" + b"x" * 40000 + b"\r\na\r\n",
        chunks(b"a") + b"0\r\n" + b"Trailer: x\r\n" * 4000,
    ],
    ids=["one chunk", "many chunks", "mostly lengths", "an extension", "trailers"],
)
def test_a_chunked_body_that_is_too_long_is_refused(body: bytes):
    found, heard = answered(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)

    assert found in ([413], [400])
    assert not heard


def test_a_chunked_body_of_the_allowed_length_is_heard():
    body = chunks(b"a" * 4000, b"b" * 96) + b"0\r\n\r\n"

    assert answered(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)[1] == [b"a" * 4000 + b"b" * 96]


def test_what_stands_after_a_chunked_body_is_no_header_of_the_request():
    async def attempt() -> None:
        async with listening(LAZY) as (daemon, connect):
            body = chunks(b"a") + b"0\r\nHost: elsewhere\r\nAuthorization: Bearer x\r\n\r\n"
            await talk(connect, POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
            assert [name for name, _ in daemon.headers[0]] == [b"host", b"transfer-encoding"]

    asyncio.run(attempt())


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"Content-Length: +3\r\n\r\nabc",
        b"Content-Length: 3, 3\r\n\r\nabc",
        b"Content-Length: -1\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\nab\n0\n\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"A: b\r\n Content-Length: 3\r\n\r\nabc",
        b"A\x00: b\r\n\r\n",
        b"A: b\x00c\r\n\r\n",
        b"A: b\rContent-Length: 3\r\n\r\nabc",
    ],
)
def test_what_two_programs_could_read_differently_is_not_read_at_all(head: bytes):
    found, heard = answered(POST + head)

    assert found == [400]
    assert not heard


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/3.7\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET ?x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\r\n\r\nnonsense\r\n\r\n",
    ],
    ids=["TLS", "HTTP/2", "no version", "not ASCII", "no path", "a tunnel", "nonsense"],
)
def test_what_is_no_request_is_refused(data: bytes):
    found, heard = answered(data)

    assert found == [400]
    assert not heard


def test_an_upgrade_is_not_made_and_the_connection_ends_with_the_answer():
    wish = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"
    found, heard = answered(b"GET /x HTTP/1.1\r\nHost: localhost\r\n" + wish + GET, bounds=ROOMY)

    assert found == [200]
    assert heard == [b""]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pieces",
    [(), (b"GET / HT",), (b"\r\n", b"\r\n"), (POST + b"Content-Length: 3\r\n\r\na",)],
    ids=["nothing", "half a head", "empty lines", "half a body"],
)
def test_who_is_slow_with_a_request_gets_no_more_time(pieces: tuple[bytes, ...]):
    found, heard = answered(*pieces, bounds=HASTY)

    assert found == [408]
    assert not heard


@pytest.mark.slow
def test_a_head_that_comes_byte_by_byte_has_no_more_time_than_another():
    async def attempt() -> None:
        async with listening(HASTY) as (daemon, connect):
            reader, writer = await connect()
            for byte in b"GET /x HTTP/1.1\r\nHost: localhost\r\n" * 20:
                if writer.transport.is_closing():
                    break
                writer.write(bytes((byte,)))
                await asyncio.sleep(0.01)
            assert statuses(await all_of(reader)) in ([408], [])
            assert not daemon.heard

    asyncio.run(attempt())


@pytest.mark.slow
def test_the_time_for_a_head_begins_anew_with_each_request():
    async def attempt() -> None:
        async with listening(replace(HASTY, idle_seconds=30, head_seconds=0.15)) as (_, connect):
            reader, writer = await connect()
            for _ in range(3):
                writer.write(GET)
                await reader.readuntil(b"heard")
                await asyncio.sleep(0.1)
            writer.write(GET[:10])
            assert statuses(await asyncio.wait_for(all_of(reader), PATIENCE)) == [408]

    asyncio.run(attempt())


@pytest.mark.slow
def test_an_answer_may_take_its_time():
    async def attempt() -> None:
        async with listening(HASTY) as (daemon, connect):
            daemon.release.clear()
            asyncio.get_running_loop().call_later(0.4, daemon.release.set)
            assert statuses(await talk(connect, GET)) == [200]

    asyncio.run(attempt())


def test_who_does_not_read_its_answer_is_dropped():
    async def attempt() -> None:
        async with listening(HASTY, answer=b"a" * 20_000_000) as (daemon, connect):
            reader, writer = await connect()
            writer.write(GET)
            async with asyncio.timeout(PATIENCE):
                while not daemon.heard or daemon.state.connections:  # noqa: ASYNC110 - uvicorn's set tells nobody
                    await asyncio.sleep(0.02)
            assert len(await all_of(reader)) < 20_000_000

    asyncio.run(attempt())


def test_a_refusal_never_stands_in_the_place_of_an_answer_that_is_still_due():
    async def attempt() -> None:
        async with listening(HASTY) as (daemon, connect):
            daemon.release.clear()
            assert await talk(connect, GET, b"nonsense\r\n\r\n") == b""
            daemon.release.set()

    asyncio.run(attempt())


def test_a_connection_too_many_is_told_so_and_the_others_go_on():
    async def attempt() -> None:
        async with listening(replace(ROOMY, connections=3)) as (_, connect):
            kept = [await connect() for _ in range(3)]
            await asyncio.sleep(0.05)
            reader, _ = await connect()
            assert statuses(await asyncio.wait_for(all_of(reader), PATIENCE)) == [503]
            for reader, writer in kept:
                writer.write(GET)
                assert b"200 OK" in await reader.readuntil(b"heard")

    asyncio.run(attempt())


def test_when_one_goes_another_may_come():
    async def attempt() -> None:
        async with listening(replace(HASTY, connections=1)) as (_, connect):
            assert statuses(await talk(connect, GET)) == [200]
            assert statuses(await talk(connect, GET)) == [200]

    asyncio.run(attempt())


def test_the_unix_socket_tells_who_is_at_its_other_end(tmp_path: Any):
    async def attempt() -> None:
        path = str(tmp_path / "s")
        async with listening(HASTY, path=path) as (daemon, connect):
            reader, writer = await connect()
            writer.write(GET)
            await reader.readuntil(b"heard")
            connection: Any = next(iter(daemon.state.connections))
            assert connection.client == (f"uid:{os.geteuid()}", 0)

    asyncio.run(attempt())


def test_another_user_is_turned_away_from_the_unix_socket(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    async def attempt() -> None:
        path = str(tmp_path / "s")
        async with listening(HASTY, path=path) as (daemon, connect):
            assert statuses(await talk(connect, GET)) == [403]
            assert not daemon.heard

    monkeypatch.setattr("ringlet_py.daemon.guard.uid_of", lambda one: os.geteuid() + 1)
    asyncio.run(attempt())


def test_refusals_are_json_that_no_cache_keeps():
    with_body = asyncio.run(_refusal())

    assert b"\r\ncache-control: no-store\r\n" in with_body
    assert with_body.endswith(b'"hint":""}')


async def _refusal() -> bytes:
    async with listening(HASTY) as (_, connect):
        return await talk(connect, b"nonsense\r\n\r\n")


def test_it_is_the_kernel_that_says_who_is_there():
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert uid_of(one) == os.geteuid()
