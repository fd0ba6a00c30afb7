from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.entry import Address
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from tests.daemon.keypooler_world import Answer, World

HOUR = 3600.0


@pytest.fixture
def world(on_each_ledger: World) -> World:
    on_each_ledger.app.keychain.set(Address("openai", "a"), Secret("made-up-openai-a-0123456789"), force=True)
    return on_each_ledger


def ends_in(world: World, seconds: float, token: dict[str, Any]) -> bool:
    return abs(datetime.fromisoformat(token["expires_at"]).timestamp() - world.clock() - seconds) < 5


def create(world: World, name: str, *, token: str | None = None, **terms: object) -> Answer:
    return world.ask("POST", "/tokens", {"name": name, **terms}, token=token)


def made(world: World, name: str, *, token: str | None = None, **terms: object) -> str:
    answer = create(world, name, token=token, **{"scope": "provider=openai", **terms})
    assert answer.status == 201, answer.body
    return str(answer.json["value"])


def names(world: World, token: str | None = None) -> list[str]:
    return [each["name"] for each in world.ask("GET", "/tokens", token=token).json["tokens"]]


def claim(world: World, token: str, alias: str = "a") -> int:
    return world.ask("POST", "/leases", {"provider": "openai", "alias": alias}, token=token).status


def test_a_token_is_shown_once_and_works(world: World) -> None:
    answer = create(world, "ci", scope="provider=openai", ttl="8h", max_uses=2, quota="20/day")
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    value = answer.json["value"]
    said = answer.json["token"]
    assert (said["name"], said["scope"], said["under"]) == ("ci", "provider=openai", None)
    assert ends_in(world, 8 * HOUR, said)
    assert (said["max_uses"], said["uses_left"], said["quota"], said["quota_left"]) == ("2", 2, "20/day", 20)
    assert [claim(world, value) for _ in range(3)] == [201, 201, 429]
    (listed,) = world.ask("GET", "/tokens").json["tokens"]
    assert (listed["uses_left"], listed["quota_left"]) == (0, 18)
    assert value.encode() not in world.ask("GET", "/tokens").body
    assert not any(value in str(record) for record in world.records())


def test_a_number_of_seconds_is_a_ttl_too(world: World) -> None:
    said = create(world, "ci", scope="provider=*", ttl=90).json["token"]
    assert ends_in(world, 90, said)


def test_a_caller_makes_narrower_tokens_which_die_with_its_own(world: World) -> None:
    above = made(world, "above")
    below = made(world, "below", token=above, scope="provider=openai alias=b")
    assert (names(world, above), names(world, below)) == (["below"], [])
    assert names(world) == ["above", "above/below"]
    assert (claim(world, above), claim(world, below)) == (201, 403)
    wider = create(world, "wider", token=above, scope="provider=*")
    assert (wider.status, wider.json["code"]) == (403, "out-of-scope")
    assert world.ask("DELETE", "/tokens/above").json["revoked"]
    assert [world.ask("GET", "/leases", token=each).status for each in (above, below)] == [401, 401]
    assert names(world) == []


def test_without_a_scope_a_caller_makes_its_equal_and_the_admin_none(world: World) -> None:
    above = made(world, "above")
    assert create(world, "below", token=above).json["token"]["scope"] == "provider=openai"
    refused = create(world, "everything")
    assert (refused.status, refused.json["error"]) == (400, "the token has no scope")


def test_a_caller_touches_no_tokens_but_those_below_its_own(world: World) -> None:
    one, other = made(world, "one"), made(world, "other")
    for name in ("one", "other"):
        assert world.ask("DELETE", f"/tokens/{name}", token=one).status == 404
        assert world.ask("POST", f"/tokens/{name}/rotate", token=one).status == 404
    assert (claim(world, one), claim(world, other)) == (201, 201)


def test_no_answer_tells_a_caller_which_names_others_have(world: World) -> None:
    made(world, "deploy")
    own = made(world, "own")
    made(world, "deploy", token=own)
    beneath = made(world, "middle", token=own)
    made(world, "deploy", token=beneath)

    again = create(world, "deploy", token=beneath)
    assert (again.status, again.json["error"]) == (409, "there is a token deploy already")
    assert [names(world, each) for each in (beneath, own)] == [["deploy"], ["deploy", "middle", "middle/deploy"]]
    assert world.ask("POST", "/tokens/deploy/rotate", token=beneath).json["token"]["name"] == "deploy"
    low = next(
        each for each in world.ask("GET", "/tokens", token=own).json["tokens"] if each["name"] == "middle/deploy"
    )
    assert world.ask("DELETE", f"/tokens/{low['id']}", token=own).status == 200
    assert names(world) == ["deploy", "own", "own/deploy", "own/middle"]


def test_no_lease_tells_a_caller_what_the_tokens_above_its_own_are_called(world: World) -> None:
    top = made(world, "top")
    middle = made(world, "middle", token=top)
    low = made(world, "low", token=middle)
    asked = {"provider": "openai", "alias": "a"}
    told = [world.ask("POST", "/leases", asked, token=each).json["lease"]["caller"] for each in (top, middle, low)]

    assert told == ["token:top", "token:middle", "token:low"]
    seen = world.ask("GET", "/leases", token=middle).json["leases"]
    assert sorted(each["caller"] for each in seen) == ["token:middle", "token:middle/low"]
    everything = sorted(each["caller"] for each in world.ask("GET", "/leases").json["leases"])
    assert everything == ["token:top", "token:top/middle", "token:top/middle/low"]


def test_a_rotated_token_has_another_text(world: World) -> None:
    old = made(world, "ci")
    answer = world.ask("POST", "/tokens/ci/rotate")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["token"]["name"] == "ci"
    assert (claim(world, old), claim(world, answer.json["value"])) == (401, 201)


def test_a_token_goes_by_its_id_too(world: World) -> None:
    one = create(world, "ci", scope="provider=*").json["token"]["id"]
    assert world.ask("DELETE", f"/tokens/{one}").json == {"revoked": [one]}
    assert world.ask("DELETE", f"/tokens/{one}").status == 404


@pytest.mark.parametrize(
    ("terms", "status", "code"),
    [
        ({"name": None}, 400, "usage"),
        ({"name": "no blank"}, 400, "invalid-name"),
        ({"name": "admin"}, 400, "invalid-name"),
        ({"scope": "colour=red"}, 400, "scope-invalid"),
        ({"ttl": "soon"}, 400, "invalid-field"),
        ({"ttl": -5}, 400, "invalid-field"),
        ({"ttl": 0}, 400, "invalid-field"),
        ({"ttl": 1.5}, 400, "usage"),
        ({"ttl": ""}, 400, "invalid-field"),
        ({"max_uses": ""}, 400, "invalid-field"),
        ({"quota": " "}, 400, "invalid-field"),
        ({"quota": "many"}, 400, "limit-invalid"),
        ({"max_uses": 0}, 400, "limit-invalid"),
        ({"max_uses": -1}, 400, "limit-invalid"),
        ({"nonsense": 1}, 400, "usage"),
        ({"name": "taken"}, 409, "token-exists"),
    ],
)
def test_what_cannot_be_a_token_makes_none(world: World, terms: dict[str, object], status: int, code: str) -> None:
    made(world, "taken")
    answer = world.ask("POST", "/tokens", {"name": "ci", "scope": "provider=*", **terms})
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert names(world) == ["taken"]


def test_who_has_no_token_makes_none(world: World) -> None:
    asked = [("POST", "/tokens"), ("GET", "/tokens"), ("DELETE", "/tokens/ci"), ("POST", "/tokens/ci/rotate")]
    for method, path in asked:
        assert world.ask(method, path, {"name": "x"}, token="nonsense").status == 401
    assert names(world) == []
