from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.daemon.keypooler_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOON = "2026-11-18T13:06:40.5+01:00"  # an hour and half a second after the world's clock


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.add_tier("pro", image=100, talk=100)
    world.add_tier("other", image=100)
    world.add_key()
    yield world
    world.close()


def path(world: World) -> str:
    return f"/key/{world.key_id()}/exhausted"


def test_a_key_rests_for_every_feature_until_then(world: World):
    found = world.ask("POST", path(world), {"until": SOON})

    assert (found.status, found.json) == (200, {"status": "exhausted", "until": "2026-11-18T12:06:40Z"})
    for feature in ("image", "talk"):
        refused = world.key(feature=feature)
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) == pytest.approx(3600, abs=5)
    assert world.ask("GET", "/admin/keys").json[0]["exhausted_until"].startswith("2026-11-18T12:06:4")


def test_a_moment_that_is_past_changes_nothing(world: World):
    assert world.ask("POST", path(world), {"until": "2026-11-18T00:00:00Z"}).status == 200
    assert world.key(feature="image").status == 200


def test_a_caller_reports_on_keys_in_its_scope_alone(world: World):
    _, own = world.consumer("pro", name="own")
    _, other = world.consumer("other", name="other")

    unknown = f"/key/{'0' * 8}-0000-5000-8000-{'0' * 12}/exhausted"
    outside = world.ask("POST", path(world), {"until": SOON}, token=other)
    assert outside.status == 404
    assert outside.body == world.ask("POST", unknown, {"until": SOON}, token=other).body
    assert world.key(feature="image").status == 200
    assert world.ask("POST", path(world), {"until": SOON}, token=own).status == 200
    assert world.key(feature="image").status == 429


def test_a_caller_has_a_key_rest_for_a_day_at_most(world: World):
    _, own = world.consumer("pro", name="own")

    found = world.ask("POST", path(world), {"until": "2027-06-01T00:00:00Z"}, token=own)

    assert found.json["until"] == "2026-11-19T11:06:40Z"
    assert world.ask("POST", path(world), {"until": "2027-06-01T00:00:00Z"}).json["until"] == "2027-06-01T00:00:00Z"


@pytest.mark.parametrize(
    "given",
    [{}, {"x": 1}, *({"until": text} for text in ("", "soon", "2026-13-01T00:00:00Z", "2099-01-01T00:00:00Z"))],
)
def test_what_is_no_moment_is_a_bad_request(world: World, given: dict[str, Any]):
    assert world.ask("POST", path(world), given).status == 400
    assert world.key(feature="image").status == 200


def test_an_id_that_there_is_not_is_not_found(world: World):
    assert world.ask("POST", "/key/nothing/exhausted", {"until": SOON}).status == 404


def test_without_a_token_it_is_unauthorized(world: World):
    assert world.ask("POST", path(world), {"until": SOON}, token="").status == 401
