from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from ringlet_py.daemon.users import address_of
from ringlet_py.entry import Address, utc
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from tests.daemon.keypooler_world import World

ONE = "sk-proj-" + "m4d3up" * 8
OTHER = "sk-proj-" + "0th3r1" * 8
PATH = "/users/42/keys/openai"
STRANGE = ["@bob:matrix.example", "b;m", "x" * 60, "\u00fc", "-1", "user:7", ".."]


@pytest.fixture
def world(on_each_ledger: World) -> World:
    return on_each_ledger


def path(user: str) -> str:
    return f"/users/{user}/keys/openai"


def value(world: World, user: str) -> Any:
    return world.key(provider="openai", user=user).json.get("value")


def test_a_users_own_key_is_stored_and_lent_to_him_alone(world: World):
    made = world.ask("PUT", PATH, {"key": ONE})

    assert made.status == 201
    assert (made.json["provider"], made.json["owner"]) == ("openai", "user:42")
    assert value(world, "42") == ONE
    assert value(world, "7") is None
    assert world.key(provider="openai").status == 404


def test_another_one_takes_its_place(world: World):
    first = world.ask("PUT", PATH, {"key": ONE, "base_url": "https://llm.example/v1"})
    world.clock.advance(1)

    before, again = utc(world.clock()), world.ask("PUT", PATH, {"key": OTHER})

    assert (first.status, again.status) == (201, 200)
    assert again.json["base_url"] is None
    assert before <= again.json["replaced_at"] <= utc(world.clock())
    assert value(world, "42") == OTHER
    assert len(world.ask("GET", "/users/42/keys").json["keys"]) == 1


def test_it_is_never_shown_again(world: World):
    made = world.ask("PUT", PATH, {"key": ONE})
    listed = world.ask("GET", "/users/42/keys")

    for answer in (made, listed, world.ask("GET", "/admin/keys"), world.ask("DELETE", PATH)):
        assert ONE.encode() not in answer.body
    assert ONE not in str(world.records())
    assert world.ask("GET", PATH).status == 405


def test_it_travels_with_its_base_url(world: World):
    world.ask("PUT", "/users/42/keys/gitea", {"key": "made-up-value", "base_url": "https://git.example"})

    assert world.key(provider="gitea", user="42").json["base_url"] == "https://git.example"


def test_a_user_lists_his_own_keys_alone(world: World):
    world.ask("PUT", PATH, {"key": ONE})
    world.ask("PUT", "/users/42/keys/anthropic", {"key": "sk-ant-api03-" + "m4d3up" * 8})
    world.ask("PUT", path("7"), {"key": OTHER})
    world.app.keychain.set(Address("openai", "mine"), Secret("made-up-value"), force=True, fields={"owner": "user:42"})

    found = world.ask("GET", "/users/42/keys")

    assert found.status == 200
    assert [each["address"] for each in found.json["keys"]] == ["anthropic/user-42", "openai/mine", "openai/user-42"]
    assert world.ask("GET", "/users/nobody/keys").json == {"keys": []}


def test_it_is_taken_away(world: World):
    world.ask("PUT", PATH, {"key": ONE})

    gone = world.ask("DELETE", PATH)

    assert (gone.status, gone.body) == (204, b"")
    assert world.key(provider="openai", user="42").status == 404
    assert world.ask("DELETE", PATH).status == 404


@pytest.mark.parametrize("user", STRANGE)
def test_every_id_that_an_owner_may_have_is_one(world: World, user: str):
    assert world.ask("PUT", path(user), {"key": ONE}).status == 201
    assert value(world, user) == ONE
    assert world.ask("DELETE", path(user)).status == 204


def test_nobody_can_call_himself_like_anothers_alias(world: World):
    strange = "@bob:matrix.example"
    world.ask("PUT", path(strange), {"key": ONE})
    digest = hashlib.sha256(strange.encode()).hexdigest()[:40]

    for user in (digest, f".{digest}", f"user.{digest}"):
        assert world.ask("PUT", path(user), {"key": OTHER}).status == 201
    assert value(world, strange) == ONE


def test_two_users_may_have_one_key_and_neither_hears_of_it(world: World):
    world.ask("PUT", PATH, {"key": ONE})

    found = world.ask("PUT", path("7"), {"key": ONE})

    assert found.status == 201
    assert b"user-42" not in found.body


def test_a_key_of_that_alias_that_is_not_his_stays(world: World):
    address = address_of("42", "openai")
    world.app.keychain.set(address, Secret("made-up-value"), force=True)

    assert world.ask("PUT", PATH, {"key": ONE}).status == 409
    assert world.ask("DELETE", PATH).status == 404
    assert world.key(provider="openai", user="7").json["value"] == "made-up-value"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"key": ""},
        {"key": None},
        {"key": 7},
        {"key": "a blank"},
        {"key": "two\nlines"},
        {"key": ONE, "owner": "user:7"},
        {"key": ONE, "base_url": "no url"},
        {"key": ONE, "base_url": "http://plain.example"},
    ],
    ids=str,
)
def test_what_cannot_be_stored_is_a_bad_request(world: World, given: dict[str, Any]):
    found = world.ask("PUT", PATH, given)

    assert found.status == 400
    assert world.ask("GET", "/users/42/keys").json == {"keys": []}


@pytest.mark.parametrize("key", ["your-api-key-here", "sk-ant-api03-" + "m4d3up" * 8])
def test_what_is_no_key_of_the_provider_is_asked_about(world: World, key: str):
    found = world.ask("PUT", PATH, {"key": key})

    assert found.status == 409
    assert key.encode() not in found.body


def test_what_looks_like_a_key_is_no_id_and_not_repeated(world: World):
    found = world.ask("PUT", path("sk-ant-api03-abcdefghijklmnop"), {"key": ONE})

    assert found.status == 400
    assert b"abcdefghijklmnop" not in found.body


@pytest.mark.parametrize("user", ["a b", "x" * 129, "a\nb", "\u200b"])
def test_what_is_no_id_is_a_bad_request(world: World, user: str):
    assert world.ask("PUT", path(user), {"key": ONE}).status == 400
    assert world.ask("GET", f"/users/{user}/keys").status == 400
    assert world.ask("DELETE", path(user)).status == 400


def test_what_is_no_provider_is_a_bad_request(world: World):
    assert world.ask("PUT", "/users/42/keys/a b", {"key": ONE}).status == 400


def test_a_provider_that_is_nearly_one_is_asked_about(world: World):
    found = world.ask("PUT", "/users/42/keys/opnai", {"key": ONE})

    assert found.status == 409
    assert "openai" in found.json["error"]


@pytest.mark.parametrize(("method", "there"), [("GET", "/users/42/keys"), ("PUT", PATH), ("DELETE", PATH)])
def test_it_is_for_the_admin_alone(world: World, method: str, there: str):
    _, secret = world.app.tokens.create("bot")
    body = {"key": ONE} if method == "PUT" else None

    assert world.ask(method, there, body, token="").status == 401
    assert world.ask(method, there, body, token=secret.reveal()).status == 403
    assert world.app.keychain.entries() == []


def test_an_id_in_a_path_is_the_same_as_in_a_query(world: World):
    world.ask("PUT", path("@b&b"), {"key": ONE})

    assert world.ask("GET", "/key", provider="openai", user="@b&b").json["value"] == ONE
    assert quote("@b&b", safe="") == "%40b%26b"
