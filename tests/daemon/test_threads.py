"""What waits for another program's lock on the ledger holds up nothing else, and not too much may wait."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon import lender, parts
from ringlet_py.daemon.threads import Threads
from ringlet_py.entry import Address
from ringlet_py.errors import DaemonBusy
from ringlet_py.secret import Secret
from tests.daemon.keypooler_world import Asked, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.daemon.keypooler_world import Answer

WRITERS, WRITES = 3, 2


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One key, a daemon with few threads, and a lease and a token that are there already."""
    monkeypatch.setattr(parts, "WRITERS", WRITERS)
    monkeypatch.setattr(parts, "WRITES", WRITES)
    monkeypatch.setattr(lender, "WAITING", 4)
    world = World(tmp_path)
    world.app.keychain.set(Address("openai"), Secret("made-up-openai-0123456789"), force=True)
    assert world.ask("POST", "/leases", {"provider": "openai"}).status == 201
    yield world
    world.close()


@contextmanager
def written_by_another(world: World) -> Iterator[None]:
    """Another program writes the ledger, and knows nothing of ringlet's queue."""
    path = Path(world.app.folders.state, "ledger.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def until(condition: Callable[[], bool]) -> None:
    await asyncio.sleep(0.005)
    while not condition():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.005)


def asked(world: World, method: str, path: str, body: str = "", *, token: str = "", query: str = "") -> Asked:
    return Asked(method, path, token=token or world.admin, query=query, body=body.encode())


def test_reading_goes_on_and_what_is_too_much_is_told_at_once(world: World) -> None:
    _, secret = world.app.tokens.create("bot", scope="provider=openai")
    new = [asked(world, "POST", "/tokens", f'{{"name": "t{number}", "scope": "provider=*"}}') for number in range(8)]
    reads = [
        asked(world, "GET", "/health"),
        *(asked(world, "GET", path) for path in ("/leases", "/tokens", "/admin/keys", "/admin/tiers", "/metrics")),
        *(asked(world, "GET", path, token=secret.reveal()) for path in ("/leases", "/tokens", "/openapi.json")),
    ]

    async def while_held() -> tuple[list[Answer], list[Answer], list[Answer]]:
        with written_by_another(world):
            waiting = [asyncio.create_task(world._answered(each)) for each in new]
            await until(lambda: sum(task.done() for task in waiting) >= len(new) - WRITERS - WRITES)
            read = await asyncio.wait_for(asyncio.gather(*map(world._answered, reads)), 10)
            told = [task.result() for task in waiting if task.done()]
        return told, read, await asyncio.gather(*waiting)

    told, read, answers = asyncio.run(while_held())

    assert [each.status for each in read] == [200] * len(reads)
    assert [each.status for each in answers].count(201) == WRITERS + WRITES
    assert {(each.status, each.json["code"], each.headers["retry-after"]) for each in told} == {
        (503, "daemon-busy", "1")
    }
    assert [each.status for each in world.ask_all([asked(world, "DELETE", "/tokens/bot")])] == [200]


def test_claims_that_are_too_many_to_wait_are_told_so_at_once(world: World) -> None:
    async def while_held() -> list[Answer]:
        with written_by_another(world):
            first = asyncio.create_task(world._answered(asked(world, "GET", "/key", query="provider=openai")))
            await until(lambda: not world.daemon.lender._waiting)  # it is in a group
            claim = asked(world, "GET", "/key", query="provider=openai")
            waiting = [asyncio.create_task(world._answered(claim)) for _ in range(7)]
            done, _ = await asyncio.wait(waiting, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            assert done
        return await asyncio.gather(first, *waiting)

    answers = asyncio.run(while_held())

    assert [each.status for each in answers] == [200] * 5 + [503] * 3
    assert {each.headers.get("retry-after") for each in answers[5:]} == {"1"}


def test_who_waits_behind_a_group_that_waited_in_vain_is_told_with_it(world: World) -> None:
    world.app.kept._file.busy_timeout = 0.3  # type: ignore[union-attr]
    world.app.kept._session.close()  # type: ignore[union-attr]
    claim = asked(world, "GET", "/key", query="provider=openai")

    async def while_held() -> list[Answer]:
        with written_by_another(world):
            first = asyncio.create_task(world._answered(claim))
            await until(lambda: not world.daemon.lender._waiting)  # it is in a group
            behind = [asyncio.create_task(world._answered(claim)) for _ in range(3)]
            await asyncio.sleep(0)
            await first
            return [first.result(), *await asyncio.wait_for(asyncio.gather(*behind), 0.2)]

    assert [each.status for each in asyncio.run(while_held())] == [504] * 4


def test_a_thread_that_nobody_waits_for_any_more_counts_until_it_is_done() -> None:
    threads, go_on = Threads("changes", 1, waiting=0), threading.Event()

    async def cancelled() -> bool:
        task = asyncio.create_task(threads.do(go_on.wait))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(DaemonBusy):
            await threads.do(int)
        go_on.set()
        await until(lambda: not threads._under_way)
        return await threads.do(bool)

    assert asyncio.run(cancelled()) is False
    threads.close()


def test_an_action_for_which_the_system_has_no_thread_is_not_counted_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads("changes", 1, waiting=0)

    async def asked() -> int:
        with monkeypatch.context() as patched:
            patched.setattr(threads._pool, "submit", exhausted)
            with pytest.raises(RuntimeError):
                await threads.do(int)
        return await threads.do(int)

    assert asyncio.run(asked()) == 0
    threads.close()
