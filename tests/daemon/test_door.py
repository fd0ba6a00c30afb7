"""Who keeps a connection and says the same again: each request has its own answer, however its bytes arrive."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import uvicorn
from hypothesis import given
from hypothesis import strategies as some

from ringlet_py.daemon.door import Door, door
from ringlet_py.daemon.guard import Bounds, sweep
from ringlet_py.daemon.server import config_of

BOUNDS = Bounds()
SAME = b"GET /key?one HTTP/1.1\r\nHost: here\r\n\r\n"
OTHER = b"GET /key?two HTTP/1.1\r\nHost: here\r\n\r\n"
ELSEWHERE = b"GET /elsewhere HTTP/1.1\r\nHost: here\r\n\r\n"
WITH_BODY = b"POST /body HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
AFTER_A_BREAK = b"\r\n" + SAME
SAYS = {SAME: "one", OTHER: "two", ELSEWHERE: "/elsewhere", WITH_BODY: "/body", AFTER_A_BREAK: "one"}


class Wire(asyncio.Transport):
    """A connection of which only one end is there; `written` is what was said at it."""

    family = socket.AF_INET  # it is its own socket, too

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_over = False
        self.is_aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"socket": self}.get(name, default)

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 8765

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 5

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@dataclass(eq=False)
class Asking:
    way: Way
    door: Door
    cycle: Any
    query: bytes

    def begins(self) -> bool:
        if self.way.is_open:
            self.way.note(self)
        return self.way.is_open


class Way:
    """Takes what asks for keys, and answers with what was asked, when it is told to or at the loop's next turn."""

    def __init__(self) -> None:
        self.asked: list[Asking] = []
        self.waiting: set[Asking] = set()
        self.is_open = True

    def takes(self, at: Door, cycle: Any) -> Asking | None:
        if cycle.scope["path"] != "/key":
            return None
        found = Asking(self, at, cycle, cycle.scope["query_string"])
        return found if found.begins() else None

    def note(self, asking: Asking) -> None:
        assert asking not in self.waiting
        self.asked.append(asking)
        self.waiting.add(asking)
        asyncio.get_running_loop().call_soon(self._answer, asking)

    def _answer(self, asking: Asking) -> None:
        self.waiting.remove(asking)
        asking.door.give(asking.cycle, json.dumps(asking.query.decode()).encode())


class World:
    """One connection to a door; `parsed` are the paths that its parser has seen, `told` those of the application."""

    def __init__(self) -> None:
        self.way = Way()
        self.parsed: list[bytes] = []
        self.told: list[str] = []
        self.state = uvicorn.server.ServerState()
        self.state.default_headers = [(b"date", b"today")]
        world = self

        class Listening(door(BOUNDS, self.way)):  # type: ignore[misc]
            def on_url(self, url: bytes) -> None:
                world.parsed.append(url)
                super().on_url(url)

        self.wire = Wire()
        self.door = Listening(config_of(self._application, Listening, grace=1), self.state, {})
        self.door.connection_made(self.wire)

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        self.told.append(scope["path"])
        body = json.dumps(scope["path"]).encode()
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})

    async def hear(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.door.data_received(piece)
            await self.settle()

    async def settle(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    def answers(self) -> list[str]:
        return [json.loads(part.split(b"\r\n\r\n")[1]) for part in self.wire.written.split(b"HTTP/1.1 200 OK")[1:]]

    def dates(self) -> list[bytes]:
        return [part.split(b"\r\n")[0] for part in self.wire.written.split(b"date: ")[1:]]


def heard(*pieces: bytes) -> World:
    async def hearing() -> World:
        world = World()
        await world.hear(*pieces)
        return world

    return asyncio.run(hearing())


def test_what_is_said_again_is_not_taken_apart_again():
    world = heard(SAME, SAME, SAME, SAME)

    assert world.answers() == ["one"] * 4
    assert len(world.parsed) == 2  # the first one opens the connection
    assert world.told == []


def test_each_of_what_differs_is_answered_by_itself():
    said = [SAME, SAME, SAME, OTHER, SAME, OTHER, OTHER, OTHER, ELSEWHERE, ELSEWHERE, SAME]

    assert heard(*said).answers() == [SAYS[each] for each in said]


def test_the_same_bytes_mean_something_else_in_the_middle_of_a_request():
    body = b"POST /body HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(SAME)
    world = heard(SAME, SAME, SAME, body, SAME, SAME)

    assert world.answers() == ["one", "one", "one", "/body", "one"]


def test_what_ends_another_request_is_none_by_itself():
    head, tail = SAME[:-2], SAME[-2:]
    world = heard(SAME, SAME, SAME, head, tail, tail, tail, SAME)

    assert world.answers() == ["one"] * 5


def test_what_stands_before_a_request_is_not_kept_with_it():
    breaks = b"\r\n" * 100_000
    world = heard(SAME, breaks + SAME, breaks + SAME)

    assert world.answers() == ["one"] * 3
    assert world.door._said is None


def test_two_requests_that_come_as_one_are_two_each_time():
    assert heard(SAME, SAME + OTHER, SAME + OTHER, SAME + OTHER).answers() == ["one", *["one", "two"] * 3]


def test_who_does_not_wait_for_an_answer_has_them_in_turn():
    async def hearing() -> World:
        world = World()
        await world.hear(SAME, SAME, SAME)
        for piece in (SAME, SAME, OTHER, SAME):
            world.door.data_received(piece)
        for _ in range(4):
            await world.settle()
        return world

    assert asyncio.run(hearing()).answers() == ["one", "one", "one", "one", "one", "two", "one"]


def test_who_cannot_be_taken_again_is_answered_by_the_application_and_anew_after_that():
    async def hearing() -> World:
        world = World()
        await world.hear(SAME, SAME, SAME)
        world.way.is_open = False
        await world.hear(SAME)
        world.way.is_open = True
        await world.hear(SAME, SAME)
        return world

    world = asyncio.run(hearing())
    assert world.answers() == ["one", "one", "one", "/key", "one", "one"]
    assert world.told == ["/key"]
    assert len(world.parsed) == 3  # which has written into what was known of the request


def test_each_answer_has_the_date_of_its_own_moment():
    async def hearing() -> World:
        world = World()
        for date in (b"1", b"2", b"3", b"4"):
            world.state.default_headers = [(b"date", date)]
            await world.hear(SAME)
        world.way.is_open = False
        world.state.default_headers = [(b"date", b"5")]
        await world.hear(SAME)
        return world

    assert asyncio.run(hearing()).dates() == [b"1", b"2", b"3", b"4", b"5"]


def test_who_has_gone_is_known_to_be_gone():
    async def hearing() -> World:
        world = World()
        await world.hear(SAME, SAME, SAME)
        world.door.data_received(SAME)
        world.door.connection_lost(None)
        return world

    assert asyncio.run(hearing()).way.asked[-1].cycle.disconnected


def test_a_connection_that_is_to_end_ends_with_the_answer_that_is_due():
    async def hearing() -> World:
        world = World()
        await world.hear(SAME, SAME, SAME)
        world.door.data_received(SAME)
        world.door.shutdown()
        await world.settle()
        return world

    world = asyncio.run(hearing())
    assert world.answers() == ["one"] * 4
    assert world.wire.is_over


def test_who_leaves_the_last_of_an_answer_unread_does_not_keep_its_place():
    async def hearing() -> list[tuple[bool, bool]]:
        world = World()
        await world.hear(SAME)
        idle, seen = world.door.loop.time() + BOUNDS.idle_seconds + 1, []
        for moment in (idle, idle + BOUNDS.idle_seconds):
            sweep([world.door], moment)
            seen.append((world.wire.is_over, world.wire.is_aborted))
        return seen

    assert asyncio.run(hearing()) == [(True, False), (True, True)]  # closing waits until all is read


@given(some.lists(some.sampled_from(list(SAYS)), max_size=12), some.data())
def test_the_answers_are_the_same_however_the_bytes_arrive(said: list[bytes], data: some.DataObject):
    whole = b"".join(said)
    ends = {sum(map(len, said[:number])) for number in range(1, len(said))}
    cuts = data.draw(some.sets(some.sampled_from(sorted(ends)))) if ends else set()
    cuts |= data.draw(some.sets(some.integers(0, len(whole)), max_size=4))
    edges = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges) if end > start]
    waits = data.draw(some.lists(some.booleans(), min_size=len(pieces), max_size=len(pieces)))

    async def hearing() -> World:
        world = World()
        for piece, is_waited_for in zip(pieces, waits, strict=True):
            world.door.data_received(piece)
            if is_waited_for:
                await world.settle()
        for _ in said:
            await world.settle()
        return world

    assert asyncio.run(hearing()).answers() == [SAYS[each] for each in said]
