from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.secret import Secret
from tests.daemon.keypooler_world import Asked, World, world_on
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.running import RealDaemon


@pytest.fixture
def world(on_each_ledger: World) -> World:
    return on_each_ledger


def test_of_fifty_claims_at_once_exactly_as_many_are_admitted_as_the_tier_allows(world: World):
    world.add_tier(image={"rate_limit": 10, "window_seconds": 1000})
    world.add_key("k1")
    world.add_key("k2")

    answers = world.ask_all([Asked("GET", "/key", token=world.admin, query="feature=image")] * 50)

    assert sorted(each.status for each in answers) == [200] * 20 + [429] * 30
    assert len({each.json["lease"] for each in answers if each.status == 200}) == 20


def test_of_fifty_claims_at_once_for_a_user_exactly_his_quota_is_admitted(world: World):
    world.app.keychain.set(Address("openai"), Secret("made-up-shared-value"), force=True)
    world.app.lending.pools.create("openai", {"provider": "openai", "quota": ["20/day@UTC"]})

    answers = world.ask_all([Asked("GET", "/key", token=world.admin, query="provider=openai&user=42")] * 50)

    assert sorted(each.status for each in answers) == [200] * 20 + [429] * 30


def test_each_claim_that_was_answered_is_in_the_usage_once(world: World):
    world.add_tier(image={"rate_limit": 15, "window_seconds": 1000})
    world.add_key()

    world.ask_all([Asked("GET", "/key", token=world.admin, query="feature=image")] * 30)

    assert len(world.ask("GET", "/admin/usage").json) == 15


def test_of_ten_that_add_the_same_key_one_does(world: World):
    world.add_tier()
    bodies = [b'{"name":"k","tier":"pro","key":"made-up-%d","metadata":{"n":%d}}' % (n, n) for n in range(10)]

    answers = world.ask_all([Asked("POST", "/admin/keys", token=world.admin, body=body) for body in bodies])

    assert sorted(each.status for each in answers) == [201] + [409] * 9
    (number,) = [n for n, each in enumerate(answers) if each.status == 201]
    found = world.key(feature="image").json
    assert (found["value"], found["metadata"]) == (f"made-up-{number}", {"n": number})


def test_of_ten_scopes_that_are_granted_at_once_none_is_lost(world: World):
    names = [f"t{n}" for n in range(10)]
    for name in names:
        world.add_tier(name)
    consumer, _ = world.consumer()
    path = f"/admin/consumers/{consumer}/scopes"

    world.ask_all([Asked("POST", path, token=world.admin, body=b'{"tier":"%s"}' % name.encode()) for name in names])

    assert world.ask("GET", "/admin/consumers").json[0]["scopes"] == names


@pytest.fixture
def machines(redis_process: RedisProcess, tmp_path: Path) -> Iterator[tuple[World, World]]:
    """Two with one ledger, each with its own daemon."""
    (tmp_path / "other").mkdir()
    store = f"shared-{tmp_path.name}"
    one, other = (world_on(redis_process, folder, store=store) for folder in (tmp_path, tmp_path / "other"))
    yield one, other
    for world in (one, other):
        world.close()


@pytest.mark.slow
@needs_redis
def test_two_machines_together_admit_exactly_as_many_as_the_tier_allows(machines: tuple[World, World]):
    machines[0].add_tier(image={"rate_limit": 10, "window_seconds": 1000})
    for world in machines:
        world.app.keychain.set(Address("custom", "k1"), Secret("made-up-value-k1"), force=True, fields={"tier": "pro"})

    def claim(world: World) -> list[int]:
        asked = [Asked("GET", "/key", token=world.admin, query="feature=image")] * 20
        return [each.status for each in world.ask_all(asked)]

    with ThreadPoolExecutor(2) as threads:
        statuses = [status for each in threads.map(claim, machines) for status in each]

    assert sorted(statuses) == [200] * 10 + [429] * 30
    for world in machines:
        assert world.ask("GET", "/admin/keys").json[0]["usage"]["image"]["used"] == 10


@pytest.mark.slow
@needs_redis
def test_of_scopes_that_two_machines_grant_at_once_none_is_lost(machines: tuple[World, World]):
    names = [f"t{n}" for n in range(10)]
    for name in names:
        machines[0].add_tier(name)
    consumer, _ = machines[0].consumer()
    path = f"/admin/consumers/{consumer}/scopes"

    def grant(number: int) -> list[int]:
        mine = [b'{"tier":"%s"}' % name.encode() for name in names[number::2]]
        world = machines[number]
        return [each.status for each in world.ask_all([Asked("POST", path, token=world.admin, body=b) for b in mine])]

    with ThreadPoolExecutor(2) as threads:
        assert [*threads.map(grant, (0, 1))] == [[201] * 5] * 2

    assert machines[0].ask("GET", "/admin/consumers").json[0]["scopes"] == names


@pytest.mark.slow
@needs_redis
def test_of_consumers_that_two_machines_make_at_once_each_has_the_description_of_the_one_that_was_made(
    machines: tuple[World, World],
):
    names = [f"bot{n}" for n in range(10)]

    def add(number: int) -> list[int]:
        world = machines[number]
        given = [{"name": name, "description": f"{name} of {number}"} for name in names]
        return [world.ask("POST", "/admin/consumers", each).status for each in given]

    with ThreadPoolExecutor(2) as threads:
        statuses = [*threads.map(add, (0, 1))]

    made = [each.index(201) for each in zip(*statuses, strict=True)]
    found = {each["name"]: each["description"] for each in machines[0].ask("GET", "/admin/consumers").json}
    assert found == {name: f"{name} of {number}" for name, number in zip(names, made, strict=True)}


@pytest.mark.slow
def test_the_running_daemon_speaks_it(daemon: RealDaemon):
    admin = daemon.admin

    def ask(method: str, path: str, body: object = None) -> int:
        return daemon.request(method, path, json=body, token=admin).status

    assert ask("POST", "/admin/tiers", {"name": "pro", "features": {"image-generation": 1}}) == 201
    assert ask("POST", "/admin/keys", {"name": "openai-1", "key": "made-up-value", "tier": "pro"}) == 201
    found = daemon.request("GET", "/key?feature=image-generation", token=admin)
    assert (found.status, found.json["value"]) == (200, "made-up-value")
    refused = daemon.request("GET", "/key?feature=image-generation", token=admin)
    assert (refused.status, refused.headers["retry-after"].isdigit()) == (429, True)
