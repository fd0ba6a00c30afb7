"""`GET /key` past the application: the same answers as by way of it, over real sockets."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from ringlet_py.daemon.asgi import asgi
from ringlet_py.daemon.door import door
from ringlet_py.daemon.guard import Bounds
from ringlet_py.daemon.server import config_of
from ringlet_py.daemon.straight import Straight
from ringlet_py.daemon.strangers import Strangers
from ringlet_py.errors import LedgerUnreachable
from tests.daemon.keypooler_world import SEALED, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PORT = 8765  # in the header Host; the socket's own is another one
PATIENCE = 20.0
KEY = "/key?feature=image"
CHANGES = ("date", "lease", "key_id", "value", "address", "remaining", "reason")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, SEALED)
    assert world.add_tier(image={"rate_limit": 1000, "window_seconds": 3600}).status == 201
    assert world.add_key().status == 201
    yield world
    world.close()


class Running:
    """A daemon that listens; `asked` are the paths with which the application was asked."""

    def __init__(self, world: World, *, has_way: bool) -> None:
        self.asked: list[str] = []
        self.state = uvicorn.server.ServerState()
        self.state.default_headers = [(b"date", b"today")]
        self._application = asgi(world.daemon)
        strangers = Strangers(self._counted, port=PORT, say=print)
        self.way = Straight(world.daemon, strangers)
        self._door = door(Bounds(), self.way if has_way else None)
        self._config = config_of(strangers, self._door, grace=1)
        self.address: tuple[str, int] = ("", 0)

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        await self._application(scope, receive, send)

    def protocol(self) -> Any:
        return self._door(self._config, self.state, {})

    @property
    def gone(self) -> bool:
        """Whether somebody who waits is not there any more."""
        return any(asking.is_gone() for asking in self.way.waiting)

    async def answers(self, *requests: bytes) -> list[tuple[int, dict[str, str], Any]]:
        """Status, headers and value of each answer; the last request has to end the connection."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(b"".join(requests))
        try:
            return _parted(await asyncio.wait_for(reader.read(), PATIENCE))
        finally:
            writer.close()


@asynccontextmanager
async def running(world: World, *, has_way: bool = True) -> AsyncIterator[Running]:
    found = Running(world, has_way=has_way)
    server = await asyncio.get_running_loop().create_server(found.protocol, "127.0.0.1", 0)
    found.address = server.sockets[0].getsockname()
    try:
        yield found
    finally:
        server.close()
        for each in list(found.state.connections):
            each.transport.abort()
        await asyncio.gather(*found.state.tasks, return_exceptions=True)


def _parted(raw: bytes) -> list[tuple[int, dict[str, str], Any]]:
    found = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body, raw = raw[: (size := int(headers["content-length"]))], raw[size:]
        found.append((int(first.split()[1]), headers, json.loads(body) if body else None))
    return found


def get(path: str = KEY, *more: str, token: str = "", method: str = "GET", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}"]
    if not any(line.lower().startswith("host") for line in more):
        lines.append(f"Host: 127.0.0.1:{PORT}")
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, *more, "", ""]).encode()


def ask(world: World, *requests: bytes, has_way: bool = True) -> tuple[list[Any], list[str]]:
    """The answers, and the paths for which the application was asked."""

    async def asking() -> tuple[list[Any], list[str]]:
        async with running(world, has_way=has_way) as daemon:
            return await daemon.answers(*requests), daemon.asked

    return asyncio.run(asking())


def lasting(answers: list[Any]) -> list[Any]:
    """What two answers to the same request have alike."""

    def kept(value: Any) -> Any:
        return {name: None if name in CHANGES else each for name, each in value.items()} if value else value

    return [
        (status, kept({**headers, "content-length": "?"} if status == 200 else headers), kept(body))
        for status, headers, body in answers
    ]


CLOSE = "Connection: close"
ALIKE = {
    "a key": (KEY, CLOSE),
    "a key of a provider": ("/key?provider=custom&feature=image&channel=c1", CLOSE),
    "an address": ("/key?provider=custom&alias=k1", CLOSE),
    "an odd but good query": ("/key?feature=im%61ge&&channel=", CLOSE),
    "a whole address": (f"http://127.0.0.1:{PORT}{KEY}", CLOSE),
    "a whole address of another host": (f"http://elsewhere:{PORT}{KEY}", CLOSE),
    "nothing": ("/key", CLOSE),
    "an unknown feature": ("/key?feature=video", CLOSE),
    "an unknown provider": ("/key?provider=groq", CLOSE),
    "an unknown pool": ("/key?pool=nowhere", CLOSE),
    "an unknown word": ("/key?featur=image", CLOSE),
    "something twice": ("/key?feature=image&feature=image", CLOSE),
    "a token in the address": ("/key?feature=image&token=x", CLOSE),
    "a long query": (f"/key?feature=image&user={'u' * 300}", CLOSE),
    "no word at all": ("/key?feature=%FF%00", CLOSE),
    "a web page": (KEY, "Origin: http://localhost", CLOSE),
    "another site": (KEY, "Sec-Fetch-Site: cross-site", CLOSE),
    "another host": (KEY, "Host: elsewhere", CLOSE),
    "two tokens": (KEY, "Authorization: Bearer other", CLOSE),
    "an empty body": (KEY, "Content-Length: 0", CLOSE),
}


@pytest.mark.parametrize("words", ALIKE.values(), ids=ALIKE)
def test_the_straight_way_answers_as_the_application_does(world: World, words: tuple[str, ...]):
    request = get(*words, token=world.admin)

    assert lasting(ask(world, request)[0]) == lasting(ask(world, request, has_way=False)[0])


@pytest.mark.parametrize("token", ["", "wrong", "rk" + "x" * 600, "ünicode"])
def test_a_wrong_token_is_told_so_and_recorded_once(world: World, token: str):
    request = get(KEY, CLOSE, token=token)
    answers, _ = ask(world, request)

    assert [status for status, _, _ in answers] == [401]
    assert [each["action"] for each in world.records()].count("authenticate") == 1
    assert lasting(answers) == lasting(ask(world, request, has_way=False)[0])


def test_a_key_costs_the_application_nothing_and_is_recorded_once(world: World):
    ask(world, get(KEY, CLOSE, token=world.admin))  # which has the notes read
    answers, asked = ask(world, get(token=world.admin), get(KEY, CLOSE, token=world.admin))

    assert [body["value"] for _, _, body in answers] == ["made-up-value-k1"] * 2
    assert asked == []
    assert [each["outcome"] for each in world.records() if each["action"] == "claim"] == ["ok"] * 3
    assert 'ringlet_claims_total{pool="provider:custom",outcome="lent"} 3' in world.daemon.metrics.exposed()


def test_the_first_answer_after_a_change_of_the_notes_has_them(world: World):
    ask(world, get(KEY, CLOSE, token=world.admin))
    assert world.add_tier("noted", rare=10).status == 201
    assert world.add_key("k2", tier="noted", metadata={"region": "eu"}).status == 201
    rare = "/key?feature=rare"
    answers, asked = ask(world, get(rare, token=world.admin), get(rare, CLOSE, token=world.admin))

    assert [body["metadata"] for _, _, body in answers] == [{"region": "eu"}] * 2
    assert asked == ["/key"]  # which had to read them


def test_bound_secrets_come_along_and_the_key_is_claimed_once(world: World):
    assert world.add_tier("two", other=10).status == 201
    assert world.add_key("k2", tier="two", secrets={"cookie": "made-up-value-cookie"}).status == 201
    answers, asked = ask(world, get("/key?feature=other", CLOSE, token=world.admin))

    assert answers[0][2]["secrets"] == {"cookie": "made-up-value-cookie"}
    assert asked == ["/key"]
    claims = [each["address"] for each in world.records() if each["action"] == "claim"]
    assert claims == ["custom/k2", "custom/k2#cookie"]


def test_who_is_refused_is_refused_once(world: World):
    assert world.add_tier("one", rare=1).status == 201
    assert world.add_key("k3", tier="one").status == 201
    path = "/key?feature=rare"
    answers, _ = ask(world, *[get(path, token=world.admin)] * 2, get(path, CLOSE, token=world.admin))

    assert [status for status, _, _ in answers] == [200, 429, 429]
    assert int(answers[1][1]["retry-after"]) > 0
    outcomes = [each["outcome"] for each in world.records() if each["action"] == "claim"]
    assert outcomes == ["ok", "pool-exhausted", "pool-exhausted"]
    assert 'outcome="exhausted"} 2' in world.daemon.metrics.exposed()


def test_answers_come_in_the_order_of_the_requests_whichever_way_each_takes(world: World):
    health = get("/health")
    answers, _ = ask(world, get(token=world.admin), health, get(token=world.admin), get("/health", CLOSE))

    assert ["value" in body for _, _, body in answers] == [True, False, True, False]


def test_the_connection_stays_only_if_the_client_wants_it_to(world: World):
    answers, _ = ask(world, get(token=world.admin), get(token=world.admin, version="1.0"), get(token=world.admin))

    assert ["connection" in headers for _, headers, _ in answers] == [False, True]


def test_what_nobody_foresaw_is_said_by_the_application(world: World, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ValueError("made-up-value-k1")

    monkeypatch.setattr("ringlet_py.daemon.straight.shown_at_once", broken)
    answers, asked = ask(world, get(KEY, CLOSE, token=world.admin))

    assert answers[0][2]["value"] == "made-up-value-k1"
    assert asked == ["/key"]


def test_a_store_that_is_away_is_told_as_ever(world: World, monkeypatch: pytest.MonkeyPatch):
    def away(*_: object) -> None:
        raise LedgerUnreachable("the ledger is away")

    monkeypatch.setattr(type(world.app.broker), "claim_all", away)
    answers, _ = ask(world, get(KEY, CLOSE, token=world.admin))

    assert answers[0][0] == LedgerUnreachable.http_status


def leave_and_ask(world: World, monkeypatch: pytest.MonkeyPatch, token: str) -> list[Any]:
    """The answers to somebody who asks after another one has asked with that token and gone, unanswered."""

    async def leaving() -> list[Any]:
        async with running(world) as daemon:
            held, gathered = asyncio.Event(), world.daemon.lender._gathered

            async def held_up() -> None:
                while not (held.is_set() and daemon.gone):
                    held.set()
                    await asyncio.sleep(0)
                monkeypatch.setattr(world.daemon.lender, "_gathered", gathered)

            monkeypatch.setattr(world.daemon.lender, "_gathered", held_up)
            _, writer = await asyncio.open_connection(*daemon.address)
            writer.write(get(token=token))
            await asyncio.wait_for(held.wait(), PATIENCE)
            writer.transport.abort()
            return await daemon.answers(get(KEY, CLOSE, token=world.admin))

    return asyncio.run(leaving())


def test_nothing_is_claimed_for_who_went_away_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch):
    assert leave_and_ask(world, monkeypatch, world.admin)[0][0] == 200
    assert [each["action"] for each in world.records()].count("claim") == 1


def test_a_wrong_token_is_recorded_whoever_is_left_to_hear_of_it(world: World, monkeypatch: pytest.MonkeyPatch):
    leave_and_ask(world, monkeypatch, "wrong")

    assert [each["action"] for each in world.records()].count("authenticate") == 1


def test_who_goes_away_while_the_key_is_claimed_leaves_the_use_to_others(world: World, monkeypatch: pytest.MonkeyPatch):
    async def leaving() -> list[Any]:
        async with running(world) as daemon:
            answered = world.daemon.lender._answered

            async def late(calls: list[Any]) -> list[Any]:
                found = await answered(calls)
                monkeypatch.setattr(world.daemon.lender, "_answered", answered)
                writer.transport.abort()
                while not daemon.gone:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0)
                return found

            monkeypatch.setattr(world.daemon.lender, "_answered", late)
            _, writer = await asyncio.open_connection(*daemon.address)
            writer.write(get(token=world.admin))
            while world.daemon.lender._answered is not answered:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0)
            return await daemon.answers(get(KEY, CLOSE, token=world.admin))

    assert asyncio.run(leaving())[0][0] == 200
    actions = [(each["action"], each["outcome"]) for each in world.records()]
    assert actions.count(("claim", "ok")) == 2
    assert actions.count(("release", "ok")) == 1  # of the use that nobody got


def test_what_goes_wrong_with_an_answer_ends_its_connection_and_no_other(world: World, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> bytes:
        monkeypatch.undo()
        raise ValueError("made-up-value-k1")

    async def asking() -> tuple[list[Any], list[Any]]:
        async with running(world) as daemon:
            said: list[str] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
            await daemon.answers(get(KEY, CLOSE, token=world.admin))
            monkeypatch.setattr("ringlet_py.daemon.door.ok", broken)
            assert await daemon.answers(get(token=world.admin)) == []
            return said, await daemon.answers(get(KEY, CLOSE, token=world.admin))

    said, answers = asyncio.run(asking())
    assert said == ["an answer could not be given"]
    assert answers[0][0] == 200


def test_whoever_asks_without_end_leaves_the_others_their_turn(world: World, monkeypatch: pytest.MonkeyPatch):
    """As many at a time as a group may have, so that there is always a whole group that waits."""
    monkeypatch.setattr("ringlet_py.daemon.lender.MOST", 3)
    many = 200

    def lent() -> int:
        return int(world.daemon.metrics.exposed().split('outcome="lent"} ')[1].partition("\n")[0])

    async def asking() -> int:
        async with running(world) as daemon:
            await daemon.answers(get(KEY, CLOSE, token=world.admin))
            request = b"".join([get(token=world.admin)] * many + [get(KEY, CLOSE, token=world.admin)])
            greedy = [asyncio.create_task(daemon.answers(request)) for _ in range(5)]
            while (done := lent()) < 5 * many / 10:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0)
            await daemon.answers(get("/health", CLOSE))
            await asyncio.gather(*greedy)
            return done

    assert asyncio.run(asking()) < 5 * many / 2


def test_who_waits_when_the_daemon_stops_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch):
    async def stopping() -> list[Any]:
        async with running(world) as daemon:
            held = asyncio.Event()

            async def gathered() -> None:
                held.set()
                await asyncio.sleep(PATIENCE)

            monkeypatch.setattr(world.daemon.lender, "_gathered", gathered)
            asking = asyncio.create_task(daemon.answers(get(token=world.admin)))
            await asyncio.wait_for(held.wait(), PATIENCE)
            assert len(daemon.way.waiting) == 1
            daemon.way.stop()
            return await asking

    status, headers, body = asyncio.run(stopping())[0]
    assert (status, headers["connection"], body["code"]) == (503, "close", "daemon")


def test_each_request_of_a_connection_is_answered_for_what_it_says_itself(world: World):
    assert world.add_tier("two", other=10).status == 201
    assert world.add_key("k2", tier="two").status == 201
    same = get(token=world.admin)
    answers, _ = ask(
        world,
        same,
        get("/key?feature=other", token=world.admin),
        get(token="wrong"),
        get(KEY, "Origin: http://localhost", token=world.admin),
        same,
        get(KEY, CLOSE, "Content-Length: 1", token=world.admin) + b"x",
    )

    assert [status for status, _, _ in answers] == [200, 200, 401, 403, 200, 200]
    assert [answers[number][2]["value"] for number in (0, 1, 4)] == [
        "made-up-value-k1",
        "made-up-value-k2",
        "made-up-value-k1",
    ]


def test_a_token_that_is_revoked_is_refused_on_a_connection_that_it_has_used(world: World):
    _, token = world.consumer("pro")

    async def revoking() -> list[int]:
        async with running(world) as daemon:
            reader, writer = await asyncio.open_connection(*daemon.address)
            statuses = []
            for revoke in (False, False, False, True, True):
                if revoke and 401 not in statuses:
                    world.app.tokens.revoke("bot")
                writer.write(get(token=token))
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
                size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(size)
                statuses.append(int(head.split()[1]))
            writer.close()
            return statuses

    assert asyncio.run(revoking()) == [200, 200, 200, 401, 401]
