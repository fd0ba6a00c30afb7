from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon.keypooler import routes

if TYPE_CHECKING:
    from tests.daemon.keypooler_world import World

ROUTES = [(method, route.path) for route in routes() for method in sorted(route.methods or ()) if method != "HEAD"]
ADMIN = [(method, path) for method, path in ROUTES if path.startswith("/admin/")]


@pytest.fixture
def world(on_each_ledger: World) -> World:
    on_each_ledger.add_tier()
    on_each_ledger.add_key()
    return on_each_ledger


def test_the_paths_and_methods_are_keypoolers_and_what_it_lacks():
    assert {f"{method} {path}" for method, path in ADMIN} == {
        "GET /admin/tiers",
        "POST /admin/tiers",
        "PATCH /admin/tiers",
        "DELETE /admin/tiers/{name}",
        "GET /admin/keys",
        "POST /admin/keys",
        "GET /admin/keys/{id}",
        "PATCH /admin/keys/{id}",
        "DELETE /admin/keys/{id}",
        "GET /admin/consumers",
        "POST /admin/consumers",
        "DELETE /admin/consumers/{id}",
        "POST /admin/consumers/{id}/rotate",
        "POST /admin/consumers/{id}/scopes",
        "DELETE /admin/consumers/{id}/scopes/{tier}",
        "GET /admin/usage",
        "GET /admin/health",
    }


def test_the_health_of_the_whole_is_for_everybody(world: World):
    found = world.ask("GET", "/health", token="")

    assert (found.status, found.json) == (200, {"status": "ok"})


def test_no_admin_route_answers_without_the_admin_token_whatever_the_body_is(world: World):
    _, token = world.consumer("pro")
    for method, path in ADMIN:
        body = "no object" if method in ("POST", "PATCH") else None
        assert world.ask(method, path, body, token=token).status == 403, (method, path)
    assert [world.ask(method, path, token="").status for method, path in ADMIN] == [401] * 10 + [429] * (
        len(ADMIN) - 10
    )


def test_a_path_that_there_is_not_is_not_found(world: World):
    assert world.ask("GET", "/admin/nothing").status == 404


@pytest.mark.parametrize(("method", "path"), [("PUT", "/admin/tiers"), ("POST", "/key"), ("DELETE", "/admin/usage")])
def test_a_method_that_a_path_has_not_is_not_allowed(world: World, method: str, path: str):
    assert world.ask(method, path).status == 405


def test_every_answer_says_that_nobody_may_keep_it(world: World):
    consumer, _ = world.consumer("pro")
    asked = [
        world.key(feature="image"),
        world.key(feature="nothing"),
        world.ask("GET", "/admin/keys"),
        world.ask("POST", f"/admin/consumers/{consumer}/rotate"),
        world.ask("POST", "/admin/consumers", {"name": "x"}),
    ]

    assert {each.headers["cache-control"] for each in asked} == {"no-store"}
