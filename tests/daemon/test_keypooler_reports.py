from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.daemon.lent import MOST, Lent
from ringlet_py.entry import Address, utc
from ringlet_py.lease import Lease
from ringlet_py.secret import Secret
from ringlet_py.testing import FakeClock
from ringlet_py.tokens import Caller

if TYPE_CHECKING:
    from tests.daemon.keypooler_world import World

HOUR = 3600.0
LATER = "2027-06-01T00:00:00Z"  # than a caller may say


@pytest.fixture
def world(on_each_ledger: World) -> World:
    on_each_ledger.add_tier("pro", image=100, talk=100)
    on_each_ledger.add_tier("other", image=100)
    on_each_ledger.add_key()
    return on_each_ledger


def path(world: World) -> str:
    return f"/key/{world.key_id()}/exhausted"


def soon(world: World) -> str:
    """An hour and half a second from now, as it is written further east."""
    found = datetime.fromtimestamp(int(world.clock()) + HOUR + 0.5, timezone(timedelta(hours=1)))
    return found.isoformat(timespec="milliseconds")


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def test_a_key_rests_for_every_feature_until_then(world: World):
    until = soon(world)
    found = world.ask("POST", path(world), {"until": until})

    assert (found.status, found.json) == (200, {"status": "exhausted", "until": utc(seconds(until))[:19] + "Z"})
    for feature in ("image", "talk"):
        refused = world.key(feature=feature)
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) == pytest.approx(3600, abs=5)
    resting = world.ask("GET", "/admin/keys").json[0]["exhausted_until"]
    assert seconds(resting) == pytest.approx(seconds(until), abs=5)


def test_a_moment_that_is_past_changes_nothing(world: World):
    assert world.ask("POST", path(world), {"until": "2026-11-18T00:00:00Z"}).status == 200
    assert world.key(feature="image").status == 200


def test_a_caller_reports_on_keys_in_its_scope_alone(world: World):
    _, own = world.consumer("pro", name="own")
    _, other = world.consumer("other", name="other")

    unknown = f"/key/{'0' * 8}-0000-5000-8000-{'0' * 12}/exhausted"
    outside = world.ask("POST", path(world), {"until": soon(world)}, token=other)
    assert outside.status == 404
    assert outside.body == world.ask("POST", unknown, {"until": soon(world)}, token=other).body
    assert world.key(feature="image", token=own).status == 200
    assert world.ask("POST", path(world), {"until": soon(world)}, token=own).status == 200
    assert world.key(feature="image").status == 429


def test_a_caller_reports_on_keys_alone_that_it_was_lent_within_the_hour(world: World, monkeypatch: pytest.MonkeyPatch):
    _, own = world.consumer("pro", name="own")
    _, other = world.consumer("pro", name="twin")
    clock = FakeClock()
    monkeypatch.setattr(world.daemon, "lent", Lent(steady=clock))
    assert world.key(feature="image", token=own).status == 200

    refused = world.ask("POST", path(world), {"until": soon(world)}, token=other)
    assert (refused.status, refused.json["code"]) == (403, "out-of-scope")
    assert world.key(feature="image").status == 200

    clock.advance(HOUR + 1)
    assert world.ask("POST", path(world), {"until": soon(world)}, token=own).status == 403
    claimed = world.ask("POST", "/leases", {"provider": "custom"}, token=own)
    assert claimed.status == 201
    assert world.ask("POST", path(world), {"until": soon(world)}, token=own).status == 200
    assert world.key(feature="image").status == 429


def test_of_what_was_lent_no_more_is_remembered_than_is_good():
    lent, caller = Lent(steady=FakeClock()), Caller(name="bot", id="1")

    for number in range(MOST + 5):
        lent.note(caller, Lease(Address("custom", f"k{number}"), backend="file", secret=Secret("made-up")))

    assert len(lent._found) == MOST
    lent.note(caller, Lease(Address("custom", "env"), backend="environment", secret=Secret("made-up")))
    assert not lent.is_lent(caller, Address("custom", "env"))
    assert not lent.is_lent(caller, Address("custom", "k4"))
    assert lent.is_lent(caller, Address("custom", "k5"))


def test_a_caller_has_a_key_rest_for_a_day_at_most(world: World):
    _, own = world.consumer("pro", name="own")
    assert world.key(feature="image", token=own).status == 200

    found = world.ask("POST", path(world), {"until": LATER}, token=own)

    assert seconds(found.json["until"]) == pytest.approx(world.clock() + 24 * HOUR, abs=5)
    assert world.ask("POST", path(world), {"until": LATER}).json["until"] == LATER


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [{}, {"x": 1}, *({"until": text} for text in ("", "soon", "2026-13-01T00:00:00Z", "2099-01-01T00:00:00Z"))],
)
def test_what_is_no_moment_is_a_bad_request(world: World, given: dict[str, Any]):
    assert world.ask("POST", path(world), given).status == 400
    assert world.key(feature="image").status == 200


def test_an_id_that_there_is_not_is_not_found(world: World):
    assert world.ask("POST", "/key/nothing/exhausted", {"until": soon(world)}).status == 404


def test_without_a_token_it_is_unauthorized(world: World):
    assert world.ask("POST", path(world), {"until": soon(world)}, token="").status == 401
