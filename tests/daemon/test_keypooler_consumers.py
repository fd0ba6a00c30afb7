from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.daemon.keypooler_world import World

PATH = "/admin/consumers"
UNKNOWN = ["3f2b8c1e-9a44-4d0e-8d5a-1c2f3b4a5d6e", "bot", "not a uuid"]


@pytest.fixture
def world(on_each_ledger: World) -> World:
    on_each_ledger.add_tier("pro", image=100)
    on_each_ledger.add_tier("free", image=5)
    on_each_ledger.add_key()
    return on_each_ledger


def consumers(world: World) -> Any:
    return world.ask("GET", PATH).json


# making


def test_a_consumer_is_made_with_a_token_that_is_shown_once(world: World):
    made = world.ask("POST", PATH, {"name": "my-service", "description": "all it does"})

    assert made.status == 201
    assert set(made.json) == {"id", "name", "token"}
    assert made.json["name"] == "my-service"
    (there,) = consumers(world)
    assert {name: there[name] for name in ("id", "name", "description", "is_active", "scopes")} == {
        "id": made.json["id"],
        "name": "my-service",
        "description": "all it does",
        "is_active": True,
        "scopes": [],
    }
    assert made.json["token"] not in str(there)
    assert made.json["token"] not in str(world.records())


@pytest.mark.parametrize(
    "given", [{}, {"name": ""}, {"name": None}, {"name": 7}, {"name": "a b"}, {"name": "admin"}, {"name": "a", "x": 1}]
)
def test_what_is_no_consumer_is_a_bad_request(world: World, given: dict[str, Any]):
    assert world.ask("POST", PATH, given).status == 400
    assert consumers(world) == []


def test_a_name_that_is_taken_is_a_conflict_and_leaves_the_first_as_it_is(world: World):
    world.ask("POST", PATH, {"name": "bot", "description": "first"})

    found = world.ask("POST", PATH, {"name": "bot", "description": "second"})

    assert found.status == 409
    assert found.json["error"] == "consumer already exists: bot"
    assert consumers(world)[0]["description"] == "first"


def test_consumers_are_a_bare_list_the_oldest_first(world: World):
    assert consumers(world) == []
    for name in ("c", "a", "b"):
        world.consumer(name=name)
        world.clock.advance(1)

    assert [each["name"] for each in consumers(world)] == ["c", "a", "b"]


def test_tokens_made_elsewhere_are_consumers_too_and_say_their_scope(world: World):
    world.app.tokens.create("cli", scope="provider=openai tier=pro,free", ttl="1h")
    world.clock.advance(3601)

    (there,) = consumers(world)

    assert (there["scopes"], there["scope"]) == (["free", "pro"], "provider=openai tier=free,pro")
    assert there["is_active"] is False


# deleting


def test_a_consumer_is_gone_with_its_token(world: World):
    consumer, token = world.consumer("pro")

    gone = world.ask("DELETE", f"{PATH}/{consumer}")

    assert (gone.status, gone.json) == (200, {"status": "deleted"})
    assert consumers(world) == []
    assert world.key(token=token, feature="image").status == 401


def test_another_consumer_of_that_name_has_nothing_of_it(world: World):
    consumer = world.ask("POST", PATH, {"name": "bot", "description": "first"}).json["id"]
    world.ask("DELETE", f"{PATH}/{consumer}")
    world.app.tokens.create("bot", scope="provider=openai")

    assert (consumers(world)[0]["scopes"], consumers(world)[0]["description"]) == ([], "")


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_a_consumer_that_there_is_not_is_not_found(world: World, unknown: str):
    world.consumer("pro")

    for found in (
        world.ask("DELETE", f"{PATH}/{unknown}"),
        world.ask("POST", f"{PATH}/{unknown}/rotate"),
        world.ask("POST", f"{PATH}/{unknown}/scopes", {"tier": "free"}),
        world.ask("DELETE", f"{PATH}/{unknown}/scopes/pro"),
    ):
        assert found.status == 404
    assert [each["scopes"] for each in consumers(world)] == [["pro"]]


# rotating


def test_a_rotated_token_is_another_one_and_the_old_one_is_refused(world: World):
    consumer, old = world.consumer("pro")

    rotated = world.ask("POST", f"{PATH}/{consumer}/rotate")

    assert rotated.status == 200
    assert (rotated.json["id"], rotated.json["name"]) == (consumer, "bot")
    assert world.key(token=old, feature="image").status == 401
    assert world.key(token=rotated.json["token"], feature="image").status == 200


# scopes


def test_a_scope_is_granted_and_once_more_changes_nothing(world: World):
    consumer, _ = world.consumer()

    for _ in range(2):
        found = world.ask("POST", f"{PATH}/{consumer}/scopes", {"tier": "pro"})
        assert (found.status, found.json) == (201, {"consumer_id": consumer, "tier": "pro"})
    assert consumers(world)[0]["scopes"] == ["pro"]


@pytest.mark.parametrize("given", [{}, {"tier": ""}, {"tier": None}, {"tier": 7}, {"tier": "pro", "x": 1}])
def test_what_is_no_scope_is_a_bad_request(world: World, given: dict[str, Any]):
    consumer, _ = world.consumer()

    assert world.ask("POST", f"{PATH}/{consumer}/scopes", given).status == 400


@pytest.mark.parametrize("tier", ["nowhere", "*", "pro,free", "pro provider=openai"])
def test_a_tier_that_there_is_not_is_not_found(world: World, tier: str):
    consumer, _ = world.consumer()

    found = world.ask("POST", f"{PATH}/{consumer}/scopes", {"tier": tier})

    assert found.status == 404
    assert consumers(world)[0]["scopes"] == []


def test_a_scope_is_revoked_and_the_others_stay(world: World):
    consumer, _ = world.consumer("pro", "free")

    gone = world.ask("DELETE", f"{PATH}/{consumer}/scopes/pro")

    assert (gone.status, gone.json) == (200, {"status": "deleted"})
    assert consumers(world)[0]["scopes"] == ["free"]
    assert world.ask("DELETE", f"{PATH}/{consumer}/scopes/pro").status == 404
    assert world.ask("DELETE", f"{PATH}/{consumer}/scopes/free").status == 200
    assert consumers(world)[0]["scopes"] == []


def test_a_token_whose_scope_names_no_tiers_is_not_narrowed_unawares(world: World):
    world.app.tokens.create("cli", scope="provider=custom")

    found = world.ask("POST", f"{PATH}/{consumers(world)[0]['id']}/scopes", {"tier": "pro"})

    assert found.status == 409
    assert consumers(world)[0]["scope"] == "provider=custom"


def test_the_rest_of_a_tokens_scope_stays(world: World):
    world.app.tokens.create("cli", scope="provider=custom tier=pro")

    world.ask("POST", f"{PATH}/{consumers(world)[0]['id']}/scopes", {"tier": "free"})

    assert consumers(world)[0]["scope"] == "provider=custom tier=free,pro"


def test_each_change_of_a_consumer_is_recorded(world: World):
    consumer, _ = world.consumer("pro")
    world.ask("POST", f"{PATH}/{consumer}/rotate")
    world.ask("DELETE", f"{PATH}/{consumer}")

    found = [each["action"] for each in world.records() if each["purpose"].startswith("bot")]

    assert found == ["token-create", "token-change", "token-rotate", "token-revoke"]
