from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.daemon.keypooler_notes import KEY, Notes
from ringlet_py.entry import Address
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from tests.daemon.keypooler_world import World

PATH = "/admin/keys"
GIVEN = {"name": "k1", "key": "made-up-value", "tier": "pro"}
UNKNOWN = ["3f2b8c1e-9a44-4d0e-8d5a-1c2f3b4a5d6e", "k1", "custom", "not a uuid", "sk-ant-api03-abcdefghijkl"]


@pytest.fixture
def world(on_each_ledger: World) -> World:
    on_each_ledger.add_tier(image=100, scrape={"rate_limit": 10, "window_seconds": 3600})
    return on_each_ledger


# POST


def test_a_key_without_a_provider_becomes_a_custom_one(world: World):
    made = world.ask("POST", PATH, GIVEN)

    assert made.status == 201
    assert (made.json["name"], made.json["tier"]) == ("k1", "pro")
    entry = world.app.keychain.entry(Address("custom", "k1"))
    assert (entry.tier, entry.owner, entry.active) == ("pro", "everyone", True)


def test_all_that_may_be_said_of_a_key(world: World):
    said = {
        "expires_at": "2027-01-01T02:00:00+02:00",
        "usage_limit": 1000,
        "usage_window_seconds": 2592000,
        "metadata": {"a": [1, {"b": None}]},
    }

    made = world.ask("POST", PATH, {**GIVEN, **said, "secrets": {"webhook": "whsec-0123456789"}})

    assert made.status == 201
    assert {name: made.json[name] for name in said} == said
    assert made.json["secret_names"] == ["webhook"]
    entry = world.app.keychain.entry(Address("custom", "k1"))
    assert (entry.expires_at, entry.max_uses, entry.secrets) == ("2027-01-01T00:00:00.000Z", "1000/30d", ("webhook",))


def test_what_is_not_said_is_null_or_empty(world: World):
    made = world.ask("POST", PATH, {**GIVEN, "expires_at": None, "usage_limit": None}).json

    assert [made[name] for name in ("expires_at", "usage_limit", "usage_window_seconds")] == [None] * 3
    assert (made["metadata"], made["secret_names"]) == ({}, [])


def test_no_answer_but_get_key_holds_a_value(world: World):
    made = world.ask("POST", PATH, {**GIVEN, "secrets": {"webhook": "whsec-0123456789"}})
    shown = world.ask("GET", f"{PATH}/{made.json['id']}")

    for answer in (made, shown, world.ask("GET", PATH), world.ask("DELETE", f"{PATH}/{made.json['id']}")):
        assert b"made-up-value" not in answer.body
        assert b"whsec" not in answer.body


def test_a_provider_may_be_named_and_the_value_is_not_compared_with_its_keys(world: World):
    made = world.ask("POST", PATH, {**GIVEN, "provider": "openai"})

    assert made.status == 201
    assert made.json["address"] == "openai/k1"
    assert world.key(provider="openai").json["value"] == "made-up-value"


def test_two_keys_may_have_one_value(world: World):
    world.ask("POST", PATH, GIVEN)

    assert world.ask("POST", PATH, {**GIVEN, "name": "k2"}).status == 201


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"key": ""},
        {"tier": ""},
        {"key": None},
        {"name": "a b"},
        {"name": "a/b"},
        {"name": "sk-ant-api03-abcdefghijklmnop"},
        {"provider": "a b"},
        {"key": 7},
        {"key": "two\nlines"},
        {"key": "a blank"},
        {"key": "\ud800"},
        {"key": "Bearer abc"},
        {"expires": "2027-01-01T00:00:00Z"},
        {"expires_at": "30d"},
        {"expires_at": "2027-01-01"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": "2027-13-01T00:00:00Z"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": 1900000000},
        {"usage_limit": 0},
        {"usage_limit": -1},
        {"usage_limit": 1.5},
        {"usage_limit": True},
        {"usage_limit": 10, "usage_window_seconds": -1},
        {"usage_limit": 10, "usage_window_seconds": 10**12},
        {"metadata": []},
        {"secrets": ["a"]},
        {"secrets": {"a": 1}},
        {"secrets": {"a b": "made-up"}},
        {"secrets": {"a": ""}},
        {"budget": {"amount": 1, "unit": "usd"}},
    ],
    ids=str,
)
def test_what_is_no_key_is_a_bad_request_and_leaves_nothing(world: World, change: dict[str, Any]):
    found = world.ask("POST", PATH, {**GIVEN, **change})

    assert found.status == 400
    assert b"abcdefghijklmnop" not in found.body
    assert world.ask("GET", PATH).json == []


def test_a_tier_that_there_is_not_is_not_found_and_leaves_nothing(world: World):
    found = world.ask("POST", PATH, {**GIVEN, "tier": "prp", "metadata": {"a": 1}})

    assert found.status == 404
    assert found.json["code"] == "tier-not-found"
    assert world.ask("GET", PATH).json == []
    assert Notes(world.app).all(KEY) == {}


def test_a_name_that_is_taken_is_a_conflict_and_leaves_the_first_as_it_is(world: World):
    world.ask("POST", PATH, {**GIVEN, "metadata": {"first": True}})

    found = world.ask("POST", PATH, {**GIVEN, "key": "made-up-other", "metadata": {"second": True}})

    assert found.status == 409
    there = world.key(feature="image").json
    assert (there["value"], there["metadata"]) == ("made-up-value", {"first": True})


def test_a_window_without_a_limit_says_nothing(world: World):
    assert world.ask("POST", PATH, {**GIVEN, "usage_window_seconds": 60}).status == 201
    assert world.ask("GET", PATH).json[0]["usage_limit"] is None


# GET


def test_keys_are_a_bare_list_the_oldest_first(world: World):
    assert world.ask("GET", PATH).json == []
    for name in ("c", "a", "b"):
        world.add_key(name)
        world.clock.advance(1)

    assert [each["name"] for each in world.ask("GET", PATH).json] == ["c", "a", "b"]


def test_what_is_shown_of_a_key(world: World):
    made = world.add_key(
        expires_at="2027-01-01T00:00:00.999Z", usage_limit=50, metadata={"a": 1}, secrets={"w": "made-up-bound"}
    )

    (shown,) = world.ask("GET", PATH).json

    tier = world.ask("GET", "/admin/tiers").json[0]["id"]
    assert (shown["id"], shown["name"], shown["tier_id"]) == (made.json["id"], "k1", tier)
    assert uuid.UUID(shown["id"]).version == 5
    assert shown["is_active"] is True
    assert (shown["expires_at"], shown["exhausted_until"]) == ("2027-01-01T00:00:00Z", None)
    assert (shown["usage_limit"], shown["usage_count"]) == (50, 0)
    assert (shown["metadata"], shown["secret_names"]) == ({"a": 1}, ["w"])
    assert (shown["budget"], shown["spent"], shown["balance"]) == (None, 0, None)


def test_what_is_used_is_shown_for_each_feature_and_in_all(world: World):
    world.add_key(usage_limit=50)
    world.clock.advance(1)
    world.add_key("idle")
    world.ask("PATCH", f"{PATH}/{world.key_id('idle')}", {"active": False})
    for feature in ("image", "image", "scrape"):
        world.key(feature=feature)

    used, idle = world.ask("GET", PATH).json

    assert used["usage_count"] == 3
    assert used["usage"] == {
        "image": {"used": 2, "limit": 100, "window_seconds": 60},
        "scrape": {"used": 1, "limit": 10, "window_seconds": 3600},
    }
    assert (idle["usage_count"], idle["usage"]["image"]["used"]) == (0, 0)


def test_looking_takes_nothing_and_a_disabled_keys_count_is_still_shown(world: World):
    world.add_key()
    world.key(feature="image")
    world.ask("PATCH", f"{PATH}/{world.key_id()}", {"active": False})

    found = [world.ask("GET", PATH).json[0]["usage"]["image"]["used"] for _ in range(3)]

    assert found == [1, 1, 1]


def test_keys_that_were_stored_elsewhere_are_there_too(world: World):
    world.app.keychain.set(Address("openai", "work"), Secret("made-up-value"), force=True, fields={"owner": "user:42"})

    (shown,) = world.ask("GET", PATH).json

    assert (shown["name"], shown["tier_id"], shown["usage"]) == ("openai/work", None, {})


def test_a_key_whose_tier_is_gone_is_shown_without_usage(world: World):
    world.add_key()
    world.app.lending.tiers.delete("pro")

    (shown,) = world.ask("GET", PATH).json

    assert shown["usage"] == {}


def test_one_key_is_shown_as_in_the_list(world: World):
    world.add_key("k1")
    world.add_key("k2")

    for each in world.ask("GET", PATH).json:
        assert world.ask("GET", f"{PATH}/{each['id']}").json == each


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_an_id_that_there_is_not_is_not_found_and_not_repeated(world: World, unknown: str):
    world.add_key()

    for found in (
        world.ask("GET", f"{PATH}/{unknown}"),
        world.ask("PATCH", f"{PATH}/{unknown}", {"active": False}),
        world.ask("DELETE", f"{PATH}/{unknown}"),
    ):
        assert found.status == 404
        assert unknown not in found.json["error"]
    assert world.key(feature="image").status == 200


# PATCH


@pytest.mark.parametrize("name", ["active", "is_active"])
def test_a_key_is_disabled_and_enabled(world: World, name: str):
    world.add_key()
    path = f"{PATH}/{world.key_id()}"

    for active in (False, False, True):
        changed = world.ask("PATCH", path, {name: active})
        assert (changed.status, changed.json["is_active"]) == (200, active)
        assert world.ask("GET", path).json["is_active"] is active


@pytest.mark.parametrize("given", [{}, {"active": None}, {"active": 0}, {"active": True, "is_active": True}, {"on": 1}])
def test_what_is_no_change_is_a_bad_request(world: World, given: dict[str, Any]):
    world.add_key()

    assert world.ask("PATCH", f"{PATH}/{world.key_id()}", given).status == 400


# DELETE


def test_a_key_is_taken_away_with_its_secrets_and_metadata(world: World):
    world.add_key(metadata={"a": 1}, secrets={"w": "made-up-bound"})
    path = f"{PATH}/{world.key_id()}"

    gone = world.ask("DELETE", path)

    assert (gone.status, gone.json) == (200, {"status": "deleted"})
    assert world.ask("DELETE", path).status == 404
    assert world.app.keychain.there() == set()
    world.app.keychain.set(Address("custom", "k1"), Secret("made-up-value"), force=True, fields={"tier": "pro"})
    found = world.key(feature="image").json
    assert (found["metadata"], found["secrets"]) == ({}, {})


def test_each_change_of_a_key_is_recorded(world: World):
    world.add_key()
    world.ask("PATCH", f"{PATH}/{world.key_id()}", {"active": False})
    world.add_key()
    world.ask("DELETE", f"{PATH}/{world.key_id()}")

    found = [(each["action"], each["outcome"]) for each in world.records() if each["address"] == "custom/k1"]

    assert found == [("set", "ok"), ("edit", "ok"), ("remove", "ok")]


# health


def test_health_counts_the_keys(world: World):
    world.add_key()

    found = world.ask("GET", "/admin/health")

    assert (found.status, found.json) == (200, {"pool_size": 1, "encryption": False})
