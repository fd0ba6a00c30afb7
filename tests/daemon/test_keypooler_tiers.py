from __future__ import annotations

from typing import Any

import pytest

from ringlet_py.errors import ConsentNeeded
from tests.daemon.keypooler_world import Asked, World

PATH = "/admin/tiers"
SCRAPE = {"rate_limit": 10, "window_seconds": 60}


@pytest.fixture
def world(on_each_ledger: World) -> World:
    return on_each_ledger


def features(world: World, name: str = "pro") -> Any:
    return next(each["features"] for each in world.ask("GET", PATH).json if each["name"] == name)


# POST


def test_a_limit_that_is_a_number_is_for_each_minute(world: World):
    made = world.ask("POST", PATH, {"name": "pro", "features": {"image-generation": 100}})

    assert made.status == 201
    assert made.json["name"] == "pro"
    assert made.json["features"] == {"image-generation": 100}
    assert world.app.lending.tiers.get("pro").table() == {"image-generation": ["100/minute"]}


def test_a_limit_that_is_an_object_has_its_window(world: World):
    given = {"name": "firecrawl", "description": "pooled", "features": {"firecrawl_scrape": SCRAPE}}

    made = world.ask("POST", PATH, given)

    assert made.status == 201
    assert {name: made.json[name] for name in given} == given
    assert world.app.lending.tiers.get("firecrawl").table() == {"firecrawl_scrape": ["10/minute"]}


@pytest.mark.parametrize("given", [{"rate_limit": 10}, {"rate_limit": 10, "window_seconds": 0}])
def test_without_a_window_it_is_a_minute(world: World, given: dict[str, int]):
    assert world.add_tier(scrape=given).json["features"] == {"scrape": SCRAPE}


def test_a_tier_can_have_limits_of_both_kinds(world: World):
    world.add_tier(image=100, scrape=SCRAPE)

    assert features(world) == {"image": 100, "scrape": SCRAPE}


def test_the_id_stays_the_same(world: World):
    made = world.add_tier().json["id"]

    assert world.ask("GET", PATH).json[0]["id"] == made
    assert len(made) == 36


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "pro"},
        {"features": {"image": 1}},
        {"name": "", "features": {"image": 1}},
        {"name": "pro", "features": {}},
        {"name": "pro", "features": [1]},
        {"name": 7, "features": {"image": 1}},
        {"name": "a b", "features": {"image": 1}},
        {"name": "pro", "features": {"a b": 1}},
        {"name": "pro", "features": {"image": 1}, "descripton": "x"},
        {"name": "pro", "features": {"image": "100"}},
        {"name": "pro", "features": {"image": True}},
        {"name": "pro", "features": {"image": 1.5}},
        {"name": "pro", "features": {"image": None}},
        {"name": "pro", "features": {"image": {"rate_limit": 1, "window": 60}}},
        {"name": "pro", "features": {"image": {"rate_limit": "1"}}},
        {"name": "pro", "features": {"image": {"rate_limit": True}}},
        {"name": "sk-ant-api03-abcdefghijklmnop", "features": {"image": 1}},
    ],
)
def test_what_is_no_tier_is_a_bad_request_and_leaves_nothing(world: World, given: dict[str, Any]):
    made = world.ask("POST", PATH, given)

    assert made.status == 400
    assert made.json["error"]
    assert world.ask("GET", PATH).json == []


@pytest.mark.parametrize(
    "limit",
    [0, -1, 10**10, {}, {"rate_limit": 0}, {"rate_limit": -5}, {"rate_limit": 5, "window_seconds": -1}],
)
def test_a_limit_that_would_never_serve_is_refused(world: World, limit: object):
    assert world.add_tier(image=limit).status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"name":"a","name":"b"}', b"[" * 100_000])
def test_what_is_no_json_object_is_a_bad_request(world: World, body: bytes):
    (made,) = world.ask_all([Asked("POST", PATH, token=world.admin, body=body)])

    assert made.status == 400


def test_a_second_tier_of_a_name_is_a_conflict_and_leaves_the_first_as_it_is(world: World):
    world.ask("POST", PATH, {"name": "pro", "description": "first", "features": {"image": 100}})

    made = world.ask("POST", PATH, {"name": "pro", "description": "second", "features": {"image": SCRAPE}})

    assert made.status == 409
    assert made.json["error"] == "tier already exists: pro"
    (there,) = world.ask("GET", PATH).json
    assert (there["description"], there["features"]) == ("first", {"image": 100})


def test_of_a_tier_that_was_made_meanwhile_nothing_is_changed(world: World):
    tiers = world.app.lending.tiers
    tiers.create("pro", {"image": "1/minute"})

    with pytest.raises(ConsentNeeded):
        tiers.create("pro", {"image": "2/minute"})
    assert tiers.get("pro").table() == {"image": ["1/minute"]}


# GET


def test_tiers_are_a_bare_list_sorted_by_name(world: World):
    assert world.ask("GET", PATH).json == []
    world.add_tier("b")
    world.add_tier("a")

    assert [each["name"] for each in world.ask("GET", PATH).json] == ["a", "b"]


def test_of_a_tier_made_elsewhere_the_first_rate_is_shown(world: World):
    rates = {"image": ["4/minute", "100/day"], "talk": ["7/day@UTC"], "once": ["3"]}
    world.app.lending.tiers.put("gold", rates)

    (there,) = world.ask("GET", PATH).json

    assert there["features"] == {
        "image": {"rate_limit": 4, "window_seconds": 60},
        "talk": {"rate_limit": 7, "window_seconds": 86400},
        "once": {"rate_limit": 3, "window_seconds": 0},
    }
    assert (there["description"], there["rates"]) == ("", rates)


# PATCH


def test_a_change_replaces_all_features(world: World):
    world.add_tier(image=100, talk=5)

    changed = world.ask("PATCH", PATH, {"name": "pro", "features": {"scrape": SCRAPE}})

    assert changed.status == 200
    assert changed.json["features"] == {"scrape": SCRAPE}
    assert features(world) == {"scrape": SCRAPE}


def test_a_description_stays_unless_another_one_is_given(world: World):
    world.ask("POST", PATH, {"name": "pro", "description": "first", "features": {"image": 1}})

    def change(**more: object) -> str:
        said = world.ask("PATCH", PATH, {"name": "pro", "features": {"image": 2}, **more}).json["description"]
        assert world.ask("GET", PATH).json[0]["description"] == said
        return str(said)

    assert change() == "first"
    assert change(description=None) == "first"
    assert change(description="second") == "second"
    assert change(description="") == ""


def test_a_change_counts_at_once_and_keeps_what_was_counted(world: World):
    world.add_tier(image=5)
    world.add_key()
    world.key(feature="image")
    world.key(feature="image")

    world.ask("PATCH", PATH, {"name": "pro", "features": {"image": 2}})

    assert world.key(feature="image").status == 429


@pytest.mark.parametrize("given", [{"name": "pro"}, {"features": {"image": 1}}, {"name": "pro", "description": "x"}])
def test_a_change_needs_name_and_features(world: World, given: dict[str, Any]):
    world.add_tier()

    assert world.ask("PATCH", PATH, given).status == 400


def test_a_change_of_a_tier_that_there_is_not_is_not_found(world: World):
    found = world.ask("PATCH", PATH, {"name": "nowhere", "features": {"image": 1}})

    assert found.status == 404
    assert world.ask("GET", PATH).json == []


def test_a_change_that_is_refused_leaves_the_tier_as_it_is(world: World):
    world.ask("POST", PATH, {"name": "pro", "description": "first", "features": {"image": 100}})

    found = world.ask("PATCH", PATH, {"name": "pro", "description": "x", "features": {"image": 1, "talk": 0}})

    assert found.status == 400
    (there,) = world.ask("GET", PATH).json
    assert (there["description"], there["features"]) == ("first", {"image": 100})


# DELETE


def test_a_tier_is_taken_away_with_what_was_noted_of_it(world: World):
    world.ask("POST", PATH, {"name": "pro", "description": "first", "features": {"image": 100}})

    gone = world.ask("DELETE", f"{PATH}/pro")

    assert (gone.status, gone.json) == (200, {"status": "deleted"})
    assert world.ask("GET", PATH).json == []
    world.app.lending.tiers.put("pro", {"image": "100/minute"})
    assert world.ask("GET", PATH).json[0]["description"] == ""


def test_a_tier_that_there_is_not_cannot_be_taken_away(world: World):
    assert world.ask("DELETE", f"{PATH}/nowhere").status == 404


def test_a_tier_that_keys_have_stays(world: World):
    world.add_tier()
    world.add_key()

    gone = world.ask("DELETE", f"{PATH}/pro")

    assert gone.status == 409
    assert gone.json["error"] == "tier still has keys; delete them first"
    assert world.key(feature="image").status == 200


def test_the_next_tier_of_that_name_is_in_nobodys_scope(world: World):
    world.add_tier()
    world.add_tier("other")
    _, token = world.consumer("other", "pro")

    world.ask("DELETE", f"{PATH}/pro")
    world.add_tier()
    world.add_key()

    assert world.ask("GET", "/admin/consumers").json[0]["scopes"] == ["other"]
    assert world.key(token=token, feature="image").status == 403


# all


def test_each_change_is_recorded(world: World):
    world.add_tier()
    world.ask("PATCH", PATH, {"name": "pro", "features": {"image": 1}})
    world.ask("DELETE", f"{PATH}/pro")

    found = [(each["action"], each["purpose"]) for each in world.records() if each["action"].startswith("tier")]

    assert found == [("tier-set", "pro"), ("tier-set", "pro"), ("tier-delete", "pro")]


def test_a_tier_that_goes_leaves_the_scopes_of_tokens_below_a_consumers_too(world: World):
    for name in ("pro", "free"):
        world.add_tier(name)
    _, above = world.consumer("pro", "free")
    below = world.ask("POST", "/tokens", {"name": "sub", "scope": "tier=pro"}, token=above)
    assert below.status == 201

    assert world.ask("DELETE", f"{PATH}/pro").status == 200

    world.add_tier("pro")
    world.add_key()
    assert world.key(feature="image", token=below.json["value"]).status == 403
