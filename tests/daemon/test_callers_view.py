"""What a caller hears of keys, pools and owners that its token's scope does not admit: nothing, not even whether."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.entry import Address
from ringlet_py.secret import Secret
from tests.daemon.keypooler_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.keypooler_world import Answer

NAMES = ("work", "hidden", "images", "secretpool", "theirs", "user-42", "credentials.toml", "ringlet ", "nightly")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Keys of two providers, one of them a user's, and pools of each."""
    world = World(tmp_path)
    world.app.lending.tiers.put("nightly", {"scrape": "5/hour"})
    stored(world, "anthropic", "work")
    stored(world, "openai", "a")
    stored(world, "openai", "hidden", tier="nightly", base_url="https://elsewhere.example/v1")
    stored(world, "openai", "user-42", owner="user:42")
    for name, provider in {"secretpool": "anthropic", "images": "openai"}.items():
        world.app.lending.pools.create(name, {"provider": provider})
    world.app.lending.pools.create("theirs", {"provider": "openai", "where": ["owner=user:42"]})
    yield world
    world.close()


def stored(world: World, provider: str, alias: str, **fields: str) -> None:
    address = Address(provider, alias)
    world.app.keychain.set(address, Secret(f"made-up-{provider}-{alias}-0123"), force=True, fields=fields)


def token(world: World, scope: str) -> str:
    return world.app.tokens.create(f"bot-{len(world.app.tokens.list())}", scope=scope)[1].reveal()


def both(world: World, scope: str, said: dict[str, Any]) -> list[Answer]:
    """What `POST /leases` and `GET /key` answer."""
    own = token(world, scope)
    return [world.ask("POST", "/leases", said, token=own), world.key(token=own, **said)]


def told(answer: Answer) -> dict[str, Any]:
    return {name: text for name, text in answer.json.items() if name in ("error", "code", "why", "hint")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "there", "absent"),
    [
        ("provider=openai", {"pool": "secretpool"}, {"pool": "nowherepool"}),
        (
            "provider=openai",
            {"pool": "secretpool", "provider": "openai"},
            {"pool": "nowherepool", "provider": "openai"},
        ),
        ("pool=images", {"pool": "secretpool"}, {"pool": "nowherepool"}),
        ("alias=a", {"pool": "secretpool"}, {"pool": "nowherepool"}),
        ("alias=a", {"provider": "openai", "alias": "hidden"}, {"provider": "openai", "alias": "absent"}),
        ("tier=pro", {"provider": "openai", "alias": "hidden"}, {"provider": "openai", "alias": "absent"}),
        ("host=api.openai.com", {"provider": "openai", "alias": "hidden"}, {"provider": "openai", "alias": "absent"}),
        ("tier=pro host=x", {"provider": "openai", "alias": "hidden"}, {"provider": "openai", "alias": "absent"}),
        ("pool=images user=*", {"provider": "openai", "user": "42"}, {"provider": "openai", "user": "43"}),
        ("alias=nothing user=*", {"provider": "openai", "user": "42"}, {"provider": "openai", "user": "43"}),
        ("alias=nothing", {"provider": "openai"}, {"provider": "groq"}),
        ("alias=nothing user=*", {"pool": "theirs", "user": "7"}, {"pool": "nowhere", "user": "7"}),
        ("provider=groq", {"feature": "scrape"}, {"feature": "sleep"}),
        ("tier=pro", {"feature": "scrape"}, {"feature": "sleep"}),
    ],
)
def test_what_is_out_of_scope_cannot_be_told_from_what_is_not_there(
    world: World, scope: str, there: dict[str, str], absent: dict[str, str]
) -> None:
    for one, other in zip(both(world, scope, there), both(world, scope, absent), strict=True):
        said, expected = told(one), told(other)
        for name, text in there.items():  # what the request itself said may be repeated
            expected["error"] = expected["error"].replace(absent[name], text)
        assert (one.status, said) == (other.status, expected)
        assert one.status in ((404,) if scope == "provider=openai" and "provider" in there else (403,))


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        {"provider": "anthropic", "alias": "nope"},
        {"provider": "anthropic", "alias": "wrk"},
        {"pool": "secretpoo"},
        {"pool": "secretpool", "provider": "openai"},
        {"pool": "theirs", "user": "7"},
        {"provider": "opnai"},
        {"provider": "groq"},
        {"feature": "skrape"},
    ],
)
@pytest.mark.parametrize(
    "scope", ["provider=* user=*", "provider=*", "provider=anthropic", "pool=images", "tier=pro", "alias=nope"]
)
def test_no_error_suggests_lists_or_counts(world: World, scope: str, said: dict[str, str]) -> None:
    for answer in both(world, scope, said):
        assert answer.status in (400, 403, 404, 429), answer.body
        text = answer.body.decode().partition(',"provider":')[0]  # where a key is to be had is no secret
        for name in said.values():
            text = text.replace(name, "")
        assert not [name for name in (*NAMES, str(world.home.path), "you have", " keys of") if name in text], text


def test_the_admin_is_told_as_ever(world: World) -> None:
    assert "secretpool" in world.ask("POST", "/leases", {"pool": "secretpoo"}).json["why"]
    assert "anthropic/work" in world.ask("POST", "/leases", {"provider": "anthropic", "alias": "nope"}).json["why"]


def test_an_empty_pool_tells_a_caller_of_no_other_keys(world: World) -> None:
    world.app.lending.pools.create("none", {"provider": "openai", "where": ["label=none"]})

    (answer, _) = both(world, "pool=none", {"pool": "none"})

    assert (answer.status, answer.json["code"], answer.json["why"]) == (404, "pool-empty", "")


def test_the_keys_that_are_passed_over_are_those_of_the_scope(world: World) -> None:
    world.app.lending.pools.edit("images", {"limits": ["1/hour"]})
    own = token(world, "alias=a")
    answers = [world.ask("POST", "/leases", {"pool": "images"}, token=own) for _ in range(2)]

    assert [each.status for each in answers] == [201, 429]
    assert "openai/a" in answers[1].json["why"]
    assert not [name for name in NAMES[1:] if name in answers[1].json["why"]]


def test_no_provider_is_named_that_nobody_asked_for(world: World) -> None:
    _, consumer = world.consumer()

    answer = world.key(token=consumer, feature="scrape")

    assert answer.status == 403
    assert "openai" not in answer.body.decode()
