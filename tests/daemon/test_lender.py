"""Claims of many coroutines: together where nothing waits, one by one where something may."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.daemon import lender
from ringlet_py.daemon.access import BEGUN, claimed
from ringlet_py.daemon.calls import Call
from ringlet_py.errors import (
    AuditUnwritable,
    KeychainTimeout,
    KeyNotFound,
    LedgerUnreachable,
    PoolExhausted,
    TokenRefused,
)
from ringlet_py.lease import Request
from ringlet_py.tokens import Caller
from tests.daemon.keypooler_world import SEALED, World
from tests.end_to_end.program import FILE_BACKEND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ringlet_py.app import App
    from ringlet_py.daemon.lender import Lender
    from ringlet_py.lease import Lease


@pytest.fixture(params=[FILE_BACKEND, SEALED], ids=["file", "sealed"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(tmp_path, request.param)
    assert world.add_tier(image={"rate_limit": 20, "window_seconds": 3600}).status == 201
    for name in ("k1", "k2"):
        assert world.add_key(name).status == 201
    yield world
    world.close()


def image(caller: Caller) -> Request:
    return caller.request(provider="custom", feature="image")


def together(world: World, count: int, ask: Callable[[Lender], Any]) -> list[Any]:
    async def all_of_them() -> list[Any]:
        lender = world.daemon.lender
        return await asyncio.gather(*(ask(lender) for _ in range(count)), return_exceptions=True)

    return asyncio.run(all_of_them())


def test_those_who_come_together_get_what_the_limits_allow_and_no_more(world: World):
    found = together(world, 50, lambda lender: lender.claim_as(world.admin, image))

    leases = [each[1] for each in found if isinstance(each, tuple)]
    assert len(leases) == 40
    assert {type(each) for each in found if not isinstance(each, tuple)} == {PoolExhausted}
    assert len({lease.id for lease in leases}) == 40
    assert len([each for each in world.records() if each["action"] == "claim" and each["outcome"] == "ok"]) == 40


def test_they_share_transactions(world: World, monkeypatch: pytest.MonkeyPatch):
    groups: list[int] = []
    broker = world.app.broker
    claim_all = broker.claim_all

    def counted(requests: list[Request]) -> list[Any]:
        groups.append(len(requests))
        return claim_all(requests)

    monkeypatch.setattr(type(broker), "claim_all", lambda _, requests: counted(requests))
    together(world, 30, lambda lender: lender.claim_as(world.admin, image))

    assert sum(groups) == 30
    assert len(groups) < 5


def test_a_wrong_token_fails_alone(world: World):
    async def both() -> list[Any]:
        lender = world.daemon.lender
        wrong = "rlt_" + "A" * 43
        asked = [lender.claim_as(token, image) for token in (world.admin, wrong, world.admin)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(both())

    assert [type(each) for each in found] == [tuple, TokenRefused, tuple]


def test_one_that_asks_for_what_there_is_not_fails_alone(world: World):
    async def both() -> list[Any]:
        lender = world.daemon.lender
        asked = [lender.claim(Request(provider=name, feature="image")) for name in ("custom", "groq", "custom")]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(both())

    assert [getattr(each, "code", "lent") for each in found] == ["lent", KeyNotFound.code, "lent"]


def test_one_that_waits_holds_up_no_other(world: World):
    async def both() -> tuple[bool, Lease]:
        lender = world.daemon.lender
        await asyncio.gather(*(lender.claim_as(world.admin, image) for _ in range(40)))
        waiting = asyncio.create_task(lender.claim(Request(provider="custom", feature="image", wait=60)))
        other = await lender.claim(Request(provider="custom", feature="other"))
        was_waiting = not waiting.done()
        waiting.cancel()
        return was_waiting, other

    was_waiting, other = asyncio.run(both())

    assert was_waiting
    assert other.address.provider == "custom"


def test_a_key_that_nobody_waits_for_any_more_is_given_back(world: World, monkeypatch: pytest.MonkeyPatch):
    reached, go_on = threading.Event(), threading.Event()
    broker = world.app.broker
    claim_all = broker.claim_all

    def slowly(requests: list[Request]) -> list[Any]:
        answers = claim_all(requests)
        reached.set()
        go_on.wait(10)
        return answers

    async def cancelled() -> None:
        lender = world.daemon.lender
        task = asyncio.create_task(lender.claim_as(world.admin, image))
        await asyncio.to_thread(reached.wait, 10)
        task.cancel()
        go_on.set()
        await asyncio.gather(task, return_exceptions=True)
        monkeypatch.undo()
        found = await asyncio.gather(*(lender.claim_as(world.admin, image) for _ in range(40)), return_exceptions=True)
        assert all(isinstance(each, tuple) for each in found)

    monkeypatch.setattr(type(broker), "claim_all", lambda _, requests: slowly(requests))
    asyncio.run(cancelled())


def test_what_nobody_foresaw_is_told_to_all_and_the_next_are_answered(world: World, monkeypatch: pytest.MonkeyPatch):
    def broken(_: object, __: object) -> list[Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(type(world.app.broker), "claim_all", broken)
    found = together(world, 3, lambda lender: lender.claim_as(world.admin, image))
    monkeypatch.undo()

    assert [type(each) for each in found] == [ZeroDivisionError] * 3
    assert isinstance(together(world, 1, lambda lender: lender.claim_as(world.admin, image))[0], tuple)


@contextmanager
def written_by_another(world: World) -> Iterator[None]:
    """Another program writes the ledger, and knows nothing of ringlet's queue."""
    with closing(sqlite3.connect(Path(world.app.folders.state, "ledger.sqlite"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def recorded_by_another(world: World) -> Iterator[None]:
    """Another process writes a record, and has been stopped while it does."""
    with Path(world.app.folders.state, "audit.head").open() as head:
        fcntl.flock(head, fcntl.LOCK_EX)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("held", [written_by_another, recorded_by_another])
def test_what_others_hold_holds_up_the_claim_and_not_the_loop(
    world: World, held: Callable[[World], AbstractContextManager[None]]
):
    async def while_held() -> Any:
        lender = world.daemon.lender
        await asyncio.gather(*(lender.claim_as(world.admin, image) for _ in range(3)))  # from now on in the loop
        with held(world):
            claim = asyncio.create_task(lender.claim_as(world.admin, image))
            turns = 0
            for _ in range(20):
                await asyncio.sleep(0.01)
                turns += 1
                assert not claim.done()
        return turns, await claim

    turns, found = asyncio.run(asyncio.wait_for(while_held(), 8))

    assert turns == 20
    assert isinstance(found, tuple)


@pytest.mark.parametrize("problem", [AuditUnwritable("the disk is full"), RuntimeError("nobody foresaw it")])
def test_a_use_that_cannot_be_given_back_ends_no_later_claim(
    world: World, monkeypatch: pytest.MonkeyPatch, problem: Exception
):
    def broken(_: object, __: object) -> None:
        raise problem

    async def cancelled() -> Any:
        lender = world.daemon.lender
        task = asyncio.create_task(lender.claim_as(world.admin, image))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await lender.claim_as(world.admin, image)

    monkeypatch.setattr(type(world.app.broker), "release", broken)

    assert isinstance(asyncio.run(asyncio.wait_for(cancelled(), 8)), tuple)


def test_the_loop_waits_for_nobody_even_if_the_lock_is_taken_when_it_has_just_looked(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """As if another program had locked the ledger between the look at it and the claim."""

    async def while_held() -> Any:
        lender = world.daemon.lender
        await asyncio.gather(*(lender.claim_as(world.admin, image) for _ in range(3)))
        monkeypatch.setattr(lender, "_is_at_once", lambda: True)
        with written_by_another(world):
            claim = asyncio.create_task(lender.claim_as(world.admin, image))
            began = time.monotonic()
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert time.monotonic() - began < 2
            assert not claim.done()
        return await claim

    assert isinstance(asyncio.run(asyncio.wait_for(while_held(), 8)), tuple)
    assert [each["outcome"] for each in world.records() if each["action"] == "claim"] == ["ok"] * 4


@pytest.mark.parametrize("problem", [KeychainTimeout("the ledger is busy"), RuntimeError("nobody foresaw it")])
def test_who_waits_in_vain_takes_nothing_from_those_who_got_their_key(
    world: World, monkeypatch: pytest.MonkeyPatch, problem: Exception
):
    """As if another program had locked the ledger between two claims of one group."""
    answers, asked = lender._answers, 0

    def first_alone(app: App, calls: list[Any]) -> list[Any]:
        nonlocal asked
        asked += 1
        if asked == 1:
            return [*answers(app, calls[:1]), *[KeychainTimeout("the ledger is busy")] * (len(calls) - 1)]
        raise problem

    monkeypatch.setattr(lender, "_answers", first_alone)
    monkeypatch.setattr(world.daemon.lender, "_is_at_once", lambda: True)
    first, *others = together(world, 3, lambda one: one.claim_as(world.admin, image))

    assert isinstance(first, tuple)
    assert others == [problem, problem]
    assert asked == 2


@pytest.mark.parametrize(
    "problem",
    [KeychainTimeout("the ledger is busy"), LedgerUnreachable("its server is away"), AuditUnwritable("it is locked")],
)
def test_who_waits_behind_one_that_waited_in_vain_does_not_wait_as_long_again(
    world: World, monkeypatch: pytest.MonkeyPatch, problem: Exception
):
    asked = 0

    def in_vain(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise problem

    monkeypatch.setattr(lender, "_answers", in_vain)
    monkeypatch.setattr(lender, "MOST", 2)

    assert together(world, 6, lambda one: one.claim_as(world.admin, image)) == [problem] * 6
    assert asked == 1


def test_a_group_is_told_before_a_use_that_nobody_got_goes_back(world: World, monkeypatch: pytest.MonkeyPatch):
    order = []

    async def asking() -> None:
        over = asyncio.Event()

        async def back(_: Lease) -> None:
            order.append("back")
            over.set()

        def heard(*_: object) -> bool:
            order.append("told")
            return True

        one = world.daemon.lender
        monkeypatch.setattr(one, "_given_back", back)
        for tell in (lambda *_: False, heard):
            one.begin(SimpleNamespace(token=world.admin, asked=image, tell=tell, is_gone=lambda: False))
        await over.wait()

    asyncio.run(asyncio.wait_for(asking(), 8))
    assert order == ["told", "back"]


def test_a_claim_that_was_begun_is_ended_by_who_began_it(world: World, monkeypatch: pytest.MonkeyPatch):
    old = world.daemon.lender
    asker = SimpleNamespace(token="", asked=image)
    call = Call(asker, old, 0.0, request=image(Caller(name="")))
    request = SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(daemon=world.daemon)), scope={BEGUN: (call, None)}
    )
    monkeypatch.setattr(world.daemon, "lender", None)  # as if another had come with a reload

    assert asyncio.run(claimed(request, image))[1].address.provider == "custom"  # type: ignore[arg-type]
    assert BEGUN not in request.scope  # a key is handed over once
