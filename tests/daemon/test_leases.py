from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.app import App
from ringlet_py.daemon.leases import TEXTS
from ringlet_py.entry import Address, utc
from ringlet_py.errors import DaemonBusy
from ringlet_py.lease import Lease, Request
from ringlet_py.secret import Secret
from ringlet_py.tokens import Caller
from tests.daemon.keypooler_world import Asked, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.keypooler_world import Answer

HOUR = 3600.0
VALUES = {alias: f"made-up-openai-{alias}-0123456789" for alias in ("a", "b")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two keys of openai in a pool, each for three uses an hour."""
    world = World(tmp_path)
    for alias, value in VALUES.items():
        world.app.keychain.set(Address("openai", alias), Secret(value), force=True)
    world.app.lending.pools.create("images", {"provider": "openai", "limits": ["3/hour"]})
    yield world
    world.close()


def lend(world: World, *, token: str | None = None, **said: Any) -> Answer:
    return world.ask("POST", "/leases", {"pool": "images", **said}, token=token)


def token(world: World, name: str, *, ttl: str = "") -> str:
    _, secret = world.app.tokens.create(name, scope="provider=*", ttl=ttl)
    return secret.reveal()


def states(world: World) -> dict[str, str]:
    return {each["id"]: each["state"] for each in world.ask("GET", "/leases", all="true").json["leases"]}


def test_a_claim_gives_the_key_its_reason_and_its_end(world: World) -> None:
    answer = lend(world, feature="image", purpose="a picture", ttl="8h")
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json
    lease = found["lease"]
    assert found["key"] == VALUES[lease["address"].partition("/")[2]]
    assert found["reason"] == lease["reason"]
    assert found["remaining"] == 2
    assert (lease["state"], lease["pool"], lease["feature"]) == ("running", "images", "image")
    assert lease["expires_at"] == utc(world.clock() + 8 * HOUR)
    assert found["base_url"] is found["ready_at"] is found["key_expires_at"] is None


def test_a_key_can_be_asked_for_by_its_alias(world: World) -> None:
    answer = world.ask("POST", "/leases", {"provider": "openai", "alias": "b"})
    assert (answer.status, answer.json["key"]) == (201, VALUES["b"])
    assert answer.json["remaining"] is None


def test_only_the_claim_itself_tells_the_value(world: World) -> None:
    one = lend(world).json["lease"]["id"]
    others = [
        world.ask("GET", "/leases"),
        world.ask("GET", f"/leases/{one}"),
        world.ask("POST", f"/leases/{one}/renew", {"ttl": 5}),
        world.ask("POST", f"/leases/{one}/report", {"outcome": "ok"}),
        world.ask("POST", f"/leases/{one}/release"),
    ]
    assert [each.status for each in others] == [200] * 5
    assert not any(value.encode() in each.body for each in others for value in VALUES.values())
    assert not any(value in json.dumps(world.records()) for value in VALUES.values())


def test_who_has_no_token_gets_nothing(world: World) -> None:
    one = lend(world).json["lease"]["id"]
    asked = [("POST", "/leases"), ("GET", "/leases"), ("GET", f"/leases/{one}"), ("DELETE", f"/leases/{one}")]
    asked += [("POST", f"/leases/{one}/{verb}") for verb in ("renew", "release", "report")]
    for method, path in asked:
        answer = world.ask(method, path, {"nonsense": 1}, token="rlt_" + "x" * 43)
        assert answer.status in (401, 429), (method, path)
    assert states(world) == {one: "running"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        {"pool": "images", "nonsense": 1},
        {"pool": 1},
        {"pool": "images", "provider": "openai", "alias": "a"},
        {"alias": "a"},
        {},
        {"pool": "images", "wait": 61},
        {"pool": "images", "wait": -1},
        {"pool": "images", "wait": "5"},
        {"pool": "images", "ttl": 0},
        {"pool": "images", "ttl": "31d"},
        {"pool": "images", "ttl": "tomorrow"},
        {"pool": "images", "ttl": True},
        {"pool": "images", "soonest_ready": 1},
        {"pool": "images", "purpose": "x" * 257},
        {"pool": "images", "purpose": "a\nb"},
        {"pool": "images", "purpose": "with sk-ant-api03-MADEUPmadeup0123456789"},
        {"pool": "sk-ant-api03-MADEUPmadeup0123456789"},
        {"provider": "openai", "alias": "../a"},
        {"pool": "images", "feature": "no blank"},
        ["pool"],
    ],
)
def test_what_makes_no_sense_takes_nothing(world: World, said: object) -> None:
    answer = world.ask("POST", "/leases", said)
    assert answer.status == 400, answer.body
    assert answer.json["error"]
    assert states(world) == {}
    assert lend(world).json["remaining"] == 2


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"pool": "imagse"}, 404, "pool-not-found"),
        ({"provider": "openai", "alias": "c"}, 404, "key-not-found"),
        ({"provider": "nobody"}, 404, "key-not-found"),
    ],
)
def test_what_is_not_there_is_said(world: World, said: dict[str, str], status: int, code: str) -> None:
    answer = world.ask("POST", "/leases", said)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_an_exhausted_pool_says_when_to_come_again(world: World) -> None:
    assert [lend(world).status for _ in range(7)] == [201] * 6 + [429]
    answer = lend(world)
    assert answer.json["code"] == "pool-exhausted"
    assert 0 < int(answer.headers["retry-after"]) <= HOUR
    assert len(states(world)) == 6


def test_renewed_released_revoked_and_expired(world: World) -> None:
    ids = [lend(world, ttl=60).json["lease"]["id"] for _ in range(4)]
    renewed = world.ask("POST", f"/leases/{ids[0]}/renew", {"ttl": "2h"}).json["lease"]
    assert renewed["expires_at"] == utc(world.clock() + 2 * HOUR)
    assert world.ask("POST", f"/leases/{ids[1]}/release").json["lease"]["state"] == "released"
    assert world.ask("DELETE", f"/leases/{ids[2]}").json["lease"]["state"] == "revoked"
    world.clock.advance(61)
    assert states(world) == dict(zip(ids, ["running", "released", "revoked", "expired"], strict=True))
    assert [each["id"] for each in world.ask("GET", "/leases").json["leases"]] == ids[:1]
    for one in ids[1:]:
        for method, path in (("POST", "/renew"), ("POST", "/release"), ("DELETE", "")):
            answer = world.ask(method, f"/leases/{one}{path}")
            assert (answer.status, answer.json["code"]) == (410, "lease-ended")
    actions = Counter(each["action"] for each in world.records() if each["outcome"] == "ok")
    assert actions["lease-renew"] == actions["release"] == actions["lease-revoke"] == 1
    assert actions["claim"] == 4


def test_without_a_body_a_lease_is_renewed_for_an_hour(world: World) -> None:
    one = lend(world, ttl=60).json["lease"]["id"]
    renewed = world.ask("POST", f"/leases/{one}/renew").json["lease"]
    assert renewed["expires_at"] == utc(world.clock() + HOUR)


def test_a_release_makes_room(world: World) -> None:
    ids = [lend(world).json["lease"]["id"] for _ in range(6)]
    assert lend(world).status == 429
    assert world.ask("POST", f"/leases/{ids[0]}/release").status == 200
    assert [lend(world).status, lend(world).status] == [201, 429]


def test_a_use_of_a_token_stays_counted_whatever_becomes_of_the_lease(world: World) -> None:
    _, secret = world.app.tokens.create("bot", scope="provider=*", max_uses="1")
    token = secret.reveal()
    one = lend(world, token=token).json["lease"]["id"]

    released = world.ask("POST", f"/leases/{one}/release", token=token)

    assert (released.status, released.json["lease"]["state"]) == (200, "released")
    assert lend(world, token=token).status == 429
    assert [each["outcome"] for each in world.records() if each["action"] == "release"] == ["ok"]


def test_of_many_releases_at_once_one_goes_well(world: World) -> None:
    one = lend(world).json["lease"]["id"]
    asked = Asked("POST", f"/leases/{one}/release", token=world.admin)
    assert Counter(each.status for each in world.ask_all([asked] * 10)) == {200: 1, 410: 9}


def test_a_report_rests_the_key_for_all(world: World) -> None:
    first = lend(world).json["lease"]
    told = world.ask("POST", f"/leases/{first['id']}/report", {"outcome": "rate-limited", "retry_after": 30})
    assert told.status == 200
    assert {lend(world).json["lease"]["address"] for _ in range(3)}.isdisjoint({first["address"]})
    assert lend(world).headers["retry-after"] == "30"


def test_a_key_that_nobody_got_since_too_many_wait_is_not_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object, **__: object) -> None:
        raise DaemonBusy("the daemon has too much to do")

    with monkeypatch.context() as patched:
        patched.setattr(world.daemon, "work", busy)
        answers = [lend(world) for _ in range(6)]

    assert {(each.status, each.headers["retry-after"]) for each in answers} == {(503, "1")}
    assert [lend(world).status for _ in range(7)] == [201] * 6 + [429]


def test_what_a_program_says_is_invalid_rests_for_an_hour_and_the_admin_sees_who_said_so(world: World) -> None:
    bot = token(world, "bot")
    lease = lend(world, token=bot).json["lease"]
    said = world.ask("POST", f"/leases/{lease['id']}/report", {"outcome": "invalid"}, token=bot)
    assert said.status == 200
    others = {lend(world).json["lease"]["address"] for _ in range(3)}
    assert len(others) == 1
    assert lease["address"] not in others
    assert lend(world).headers["retry-after"] == "3600"
    (record,) = [each for each in world.records() if each["action"] == "report"]
    assert (record["address"], record["caller"], record["purpose"]) == (lease["address"], "token:bot", "invalid")


def test_who_says_that_a_key_is_exhausted_is_recorded(world: World) -> None:
    bot = token(world, "bot")
    address = lend(world, token=bot).json["lease"]["address"]
    key = next(each["id"] for each in world.ask("GET", "/admin/keys").json if each["address"] == address)
    until = {"until": utc(world.clock() + 60)}
    for each in (bot, None):
        assert world.ask("POST", f"/key/{key}/exhausted", until, token=each).status == 200
    records = [each for each in world.records() if each["action"] == "report"]
    assert [each.get("caller", "") for each in records] == ["token:bot", ""]


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "rate-limited"},
        {"outcome": "rate-limited", "retry_after": "7"},
        {"outcome": "rate-limited", "until": "2026-11-24T00:00:00Z"},
        {"outcome": "quota-spent"},
        {"outcome": "quota-spent", "whole_org": False},
        {"outcome": "invalid"},
        {"outcome": "ok"},
    ],
)
def test_what_can_be_reported(world: World, said: dict[str, Any]) -> None:
    one = lend(world).json["lease"]["id"]
    assert world.ask("POST", f"/leases/{one}/report", said).status == 200


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"outcome": "broken"},
        {"outcome": "rate-limited", "retry_after": -1},
        {"outcome": "rate-limited", "retry_after": "soon"},
        {"outcome": "rate-limited", "until": "soon"},
        {"outcome": "rate-limited", "until": "2026-11-24T00:00:00"},
        {"outcome": "rate-limited", "until": "2026-11-24T00:00:00Z", "retry_after": 5},
    ],
)
def test_what_cannot_be_reported(world: World, said: dict[str, Any]) -> None:
    one = lend(world).json["lease"]["id"]
    answer = world.ask("POST", f"/leases/{one}/report", said)
    assert (answer.status, answer.json["code"]) == (400, "usage")


def test_a_caller_has_its_own_leases_alone(world: World) -> None:
    one, other = token(world, "one"), token(world, "other")
    lease = lend(world, token=one).json["lease"]["id"]
    assert world.ask("GET", f"/leases/{lease}", token=one).json["lease"]["caller"] == "token:one"
    strange = [
        world.ask("GET", f"/leases/{lease}", token=other),
        world.ask("POST", f"/leases/{lease}/renew", token=other),
        world.ask("POST", f"/leases/{lease}/release", token=other),
        world.ask("POST", f"/leases/{lease}/report", {"outcome": "invalid"}, token=other),
        world.ask("DELETE", f"/leases/{lease}", token=other),
    ]
    unknown = world.ask("GET", f"/leases/{'0' * 24}", token=other)
    assert {each.status for each in (*strange, unknown)} == {404}
    assert {each.body.replace(lease.encode(), b"0" * 24) for each in strange} == {unknown.body}
    assert world.ask("GET", "/leases", token=other).json == {"leases": []}
    assert world.ask("DELETE", f"/leases/{lease}", token=one).status == 200


def test_a_revoked_token_renews_nothing(world: World) -> None:
    one = token(world, "one")
    lease = lend(world, token=one).json["lease"]["id"]
    world.app.tokens.revoke("one")
    assert world.ask("POST", f"/leases/{lease}/renew", token=one).status == 401
    assert world.ask("POST", f"/leases/{lease}/renew").status == 410
    assert states(world) == {lease: "revoked"}


def test_a_lease_ends_with_its_token(world: World) -> None:
    one = token(world, "one", ttl="10m")
    lease = lend(world, token=one, ttl="8h").json["lease"]
    assert lease["expires_at"] == utc(world.clock() + 600)


def test_what_is_lent_is_on_disk_for_the_next_daemon(world: World) -> None:
    lease = lend(world).json["lease"]
    later = App(world.home.environ, clock=world.clock)
    assert [each.id for each in later.leasing.list(Caller(name="admin"))] == [lease["id"]]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["\ud800", "\0", "images", "openai", "a", "8h", "ok", "rate-limited", "x" * 300]),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-24T00:00:00Z"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
BODIES = {
    "": (*TEXTS, "soonest_ready", "ttl"),
    "/renew": ("ttl",),
    "/report": ("outcome", "retry_after", "until", "whole_org"),
    "/release": ("anything",),
}


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), path=st.sampled_from(sorted(BODIES)))
def test_whatever_is_said_is_answered(world: World, data: st.DataObject, path: str) -> None:
    said = data.draw(st.dictionaries(st.sampled_from(BODIES[path]), ODD, max_size=4))
    claimed = Lease(Address("openai", "a"), backend="file", secret=Secret(""))
    lease = world.app.leasing.remember(claimed, Request())
    answer = world.ask("POST", f"/leases/{lease.id}{path}" if path else "/leases", said)
    assert answer.status in (200, 201, 400, 403, 404, 410, 429)
    assert answer.json.keys() >= ({"error", "code"} if answer.status >= 400 else {"lease"})
