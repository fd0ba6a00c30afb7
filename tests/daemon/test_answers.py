"""What the daemon tells of an error: the next step as it is taken over HTTP, and nothing that is the owner's alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon.asgi import routes
from ringlet_py.daemon.contract import Who
from ringlet_py.entry import Address
from ringlet_py.secret import Secret
from tests.daemon.keypooler_world import Asked, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.daemon.contract import Told

TOLD = [each for each in routes() if each.contract.who is not Who.ANYBODY]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.app.keychain.set(Address("openai", "a"), Secret("made-up-openai-a-0123456789"), force=True)
    world.app.lending.pools.create("images", {"provider": "openai", "limits": ["1/hour"]})
    yield world
    world.close()


def token(world: World, scope: str = "provider=openai", *, max_uses: str = "") -> str:
    return world.app.tokens.create("bot", scope=scope, max_uses=max_uses)[1].reveal()


# hints


def test_a_body_that_is_no_json_says_which_header_to_send(world: World) -> None:
    (answer,) = world.ask_all([Asked("POST", "/leases", token=world.admin, body=b"{}", content_type="text/plain")])

    assert (answer.status, answer.json["hint"]) == (400, "send Content-Type: application/json")


def test_a_request_without_anything_is_told_what_to_send(world: World) -> None:
    assert world.ask("POST", "/leases", {}).json["hint"] == 'send "provider", "pool" or "feature"'


def test_what_cannot_be_understood_is_told_where_everything_is_described(world: World) -> None:
    answer = world.ask("POST", "/leases", {"pool": "images", "nonsense": 1})

    assert answer.json["hint"] == "GET /openapi.json tells what there is"


def test_an_exhausted_pool_says_to_wait_as_http_says_it(world: World) -> None:
    answers = [world.ask("POST", "/leases", {"pool": "images"}) for _ in range(2)]

    assert answers[1].json["hint"] == "wait as long as Retry-After says"


def test_commands_are_for_the_admin_alone(world: World) -> None:
    own = token(world)
    said = {"pool": "nowhere", "provider": "openai"}

    assert world.ask("POST", "/leases", said).json["hint"].startswith("ringlet pools create nowhere")
    assert world.ask("POST", "/leases", said, token=own).json["hint"] == "ask whoever runs ringlet"
    assert world.ask("GET", "/metrics", token=own).json["hint"] == "use the admin token"
    wider = world.ask("POST", "/leases", {"provider": "groq"}, token=own).json["hint"]
    assert wider == "ask for a token with a wider scope"
    assert "ringlet " not in world.ask("GET", "/leases", token="").body.decode()


def test_a_token_that_is_used_up_for_ever_says_so(world: World) -> None:
    world.app.keychain.set(Address("openai", "b"), Secret("made-up-openai-b-0123456789"), force=True)
    own = token(world, max_uses="1")
    answers = [world.ask("POST", "/leases", {"provider": "openai"}, token=own) for _ in range(2)]

    assert [each.status for each in answers] == [201, 429]
    assert (answers[1].json["why"], answers[1].json["hint"]) == (
        "its uses are spent",
        "ask whoever gave you the token",
    )


def test_a_token_that_is_used_up_for_now_says_until_when(world: World) -> None:
    own = token(world, max_uses="1/hour")
    answers = [world.ask("POST", "/leases", {"provider": "openai"}, token=own) for _ in range(2)]

    assert answers[1].json["why"].startswith("the next is free at ")


# queries


@pytest.mark.slow
@pytest.mark.parametrize("route", TOLD, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_refuses_what_its_query_does_not_know(world: World, route: Told) -> None:
    path = route.path.replace("{id}", "x").replace("{provider}", "x").replace("{name}", "x").replace("{tier}", "x")

    assert world.ask(route.method, path, nonsense="1").status == 400
    assert world.ask(route.method, path, token="", nonsense="1").status == 401


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"al": "true"}, "did you mean 'all'?"),
        ({"all": "tru"}, "did you mean 'true'?"),
        ({"all": ""}, "there are: false, true"),
    ],
)
def test_a_wrong_query_is_told_the_nearest(world: World, query: dict[str, str], why: str) -> None:
    answer = world.ask("GET", "/leases", **query)

    assert (answer.status, answer.json["why"]) == (400, why)


def test_a_query_that_is_said_twice_is_refused(world: World) -> None:
    (answer,) = world.ask_all([Asked("GET", "/leases", token=world.admin, query="all=true&all=true")])

    assert answer.status == 400


def test_who_may_not_ask_is_told_that_first(world: World) -> None:
    assert world.ask("GET", "/metrics", token=token(world), nonsense="1").status == 403


# an admin token that others could read


def test_an_admin_token_that_others_could_read_is_told_to_the_owner_alone_and_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    now = 0.0
    monkeypatch.setattr(world.app, "say", said.append)
    monkeypatch.setattr(world.daemon.metrics, "steady", lambda: now)
    os.chmod(world.app.tokens.admin.path, 0o644)

    answers = [world.ask("GET", "/leases") for _ in range(3)]
    now = 61.0
    answers.append(world.ask("GET", "/leases"))

    assert {(each.status, each.json["code"]) for each in answers} == {(503, "insecure-permissions")}
    assert not [each for each in answers if "http_token" in each.body.decode() or "chmod" in each.body.decode()]
    assert len(said) == 2
    assert world.app.tokens.admin.path in said[0]


# what is broken here


def test_a_ledger_that_is_broken_is_told_to_the_owner_and_its_place_to_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(world.app, "say", said.append)
    own, path = token(world), Path(world.app.folders.state, "ledger.sqlite")
    for each in path.parent.glob("ledger.sqlite-*"):
        each.unlink()
    path.unlink()
    path.touch(mode=0o600)
    path.write_bytes(b"this is no ledger " * 500)

    answers = [world.ask("GET", "/leases", token=each) for each in (own, world.admin, own)]

    assert [(each.status, each.json["code"]) for each in answers] == [(503, "store-corrupt")] * 3
    assert answers[0].json["error"] == "ledger.sqlite is not a ledger of ringlet's"
    assert answers[0].json["hint"] == "ask whoever runs ringlet"
    assert str(world.home.path) not in answers[0].body.decode()
    assert str(path) in answers[1].json["error"]
    (line,) = said
    assert line.startswith(f"ringlet: error: {path} is not a ledger of ringlet's: ")


def test_an_audit_that_cannot_be_written_sends_a_caller_to_the_owner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = token(world)
    monkeypatch.setattr(world.app, "say", lambda _: None)
    audit = Path(world.app.folders.state, "audit.jsonl")
    world.app.audit.close()
    audit.unlink()
    audit.mkdir()

    answer = world.ask("POST", "/leases", {"provider": "openai"}, token=own)

    assert answer.status >= 500
    assert answer.json["hint"] == "ask whoever runs ringlet"
    assert str(world.home.path) not in answer.body.decode()
