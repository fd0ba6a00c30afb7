from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ringlet_py.audit.log import Audit
from ringlet_py.audit.reading import latest
from ringlet_py.daemon.keypooler_usage import is_use, limit_of, used
from ringlet_py.entry import utc
from ringlet_py.testing import FakeClock
from tests.daemon.keypooler_world import World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/admin/usage"


@pytest.fixture
def world(on_each_ledger: World) -> World:
    on_each_ledger.add_tier(image=1000, talk=1000)
    on_each_ledger.add_key(secrets={"webhook": "whsec-0123456789"})
    return on_each_ledger


def test_uses_are_a_bare_list_newest_first(world: World):
    assert world.ask("GET", PATH).json == []
    moments = []
    for feature in ("image", "talk"):
        moments.append(utc(world.clock()))
        world.key(feature=feature)
        world.clock.advance(1.5)

    found = world.ask("GET", PATH)

    assert found.status == 200
    told = [{name: text for name, text in each.items() if name != "created_at"} for each in found.json]
    assert told == [
        {"key_id": world.key_id(), "consumer_id": "admin", "feature": feature} for feature in ("talk", "image")
    ]
    for each, before in zip(found.json, reversed(moments), strict=True):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each["created_at"])
        assert f"{before[:19]}Z" <= each["created_at"] <= f"{utc(world.clock())[:19]}Z"


def test_a_use_tells_its_consumer(world: World):
    consumer, token = world.consumer("pro")
    world.key(token=token, feature="image")
    world.app.tokens.change("bot", scope="tier=pro user=42")
    world.key(token=token, provider="custom", user="42")

    assert [each["consumer_id"] for each in world.ask("GET", PATH).json] == [consumer, consumer]


def test_what_was_refused_is_no_use(world: World):
    world.key(feature="unheard-of")

    assert world.ask("GET", PATH).json == []


def test_uses_outlive_key_and_consumer(world: World):
    consumer, token = world.consumer("pro")
    key = world.key(token=token, feature="image").json["key_id"]
    world.ask("DELETE", f"/admin/keys/{key}")
    world.ask("DELETE", f"/admin/consumers/{consumer}")

    (found,) = world.ask("GET", PATH).json

    assert (found["key_id"], found["consumer_id"]) == (key, consumer)


def test_so_many_are_shown_as_are_asked_for(world: World):
    for _ in range(5):
        world.key(feature="image")

    assert [len(world.ask("GET", PATH, limit=limit).json) for limit in ("2", "5", "9", "0", "no")] == [2, 5, 5, 5, 5]


def test_the_newest_are_found_over_all_files_of_the_audit_and_no_more_are_held_than_wanted(tmp_path: Path):
    audit = Audit(str(tmp_path), enabled=True, max_size=1500, clock=FakeClock())
    for number in range(40):
        audit.append("claim" if number % 2 else "set", "ok", purpose=str(number))
    assert len(list(tmp_path.glob("audit*.jsonl"))) > 3

    def newest(count: int) -> list[str]:
        return [each["purpose"] for each in latest(str(tmp_path), lambda each: each["action"] == "claim", count)]

    everything = [str(number) for number in range(39, 0, -2)]
    assert [newest(count) for count in (1, 7, 20, 100)] == [everything[:1], everything[:7], everything, everything]


def test_without_an_audit_there_is_none(tmp_path: Path):
    world = World(tmp_path, '[credentials]\nbackend = "file"\n\n[audit]\nenabled = false\n')
    world.add_tier()
    world.add_key()
    world.key(feature="image")
    found = world.ask("GET", PATH)
    world.close()

    assert (found.status, found.json) == (200, [])


@given(some.integers())
def test_the_limit_is_a_hundred_if_it_is_none_and_at_most_a_thousand(number: int):
    assert limit_of(str(number)) == (min(number, 1000) if number > 0 else 100)


@given(some.text())
def test_every_limit_is_taken_as_some_number(text: str):
    assert 1 <= limit_of(text) <= 1000


@given(some.dictionaries(some.sampled_from(["action", "outcome", "address", "caller", "purpose", "at"]), some.text()))
def test_every_record_of_a_use_can_be_shown(record: dict[str, str]):
    record = {**record, "action": "claim", "outcome": "ok"}

    if is_use(record):
        assert set(used(record)) == {"key_id", "consumer_id", "feature", "created_at"}
