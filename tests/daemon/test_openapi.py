from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.daemon.access import Failures
from ringlet_py.daemon.asgi import routes
from ringlet_py.daemon.contract import Named, Told, Who
from ringlet_py.daemon.openapi import document, schema_of
from tests.daemon import conformance
from tests.daemon.keypooler_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUTES = routes()
NO_STORE = {"cache-control": "no-store", "content-type": "application/json"}


def name_of(route: Told) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def test_whoever_has_a_token_may_read_it_and_nobody_else(world: World):
    _, secret = world.app.tokens.create("bot", scope="provider=nothing")

    for token in (world.admin, secret.reveal()):
        assert world.ask("GET", "/openapi.json", token=token).json == document(ROUTES)
    assert world.ask("GET", "/openapi.json", token="").status == 401


def test_every_route_is_told_once_with_what_it_does(world: World):
    told = [each for path in document(ROUTES)["paths"].values() for each in path.values()]
    served = world.application.routes

    assert [name_of(route) for route in served if isinstance(route, Told)] == list(map(name_of, ROUTES))
    assert len(told) == len(served) == len({each["operationId"] for each in told})
    assert all(each["summary"].endswith(".") for each in told)


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_what_a_route_takes_is_what_it_reads(route: Told):
    source = inspect.getsource(route.endpoint)
    read = re.findall(r"object_of\(request, (\w+)\)", source)
    contract = route.contract

    assert [inspect.unwrap(route.endpoint).__globals__[name] for name in read] == (
        [] if contract.body is None else [contract.body]
    )
    assert set(contract.needs) <= set(contract.body or ())
    assert bool(contract.query) == ("query_params" in source)
    assert source.count("object_of(") == len(read)


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_route_answers_those_that_it_tells_and_nobody_else(world: World, route: Told):
    _, secret = world.app.tokens.create("bot", scope="provider=*")
    path = re.sub(r"{\w+}", "x", route.path)

    def status(token: str) -> int:
        world.daemon.failures = Failures()
        return world.ask(route.method, path, {"nonsense": 1}, token=token).status

    refused = (401, 403)
    who = route.contract.who
    assert (status("") in refused, status("rlt_" + "x" * 43) in refused) == ((who is not Who.ANYBODY,) * 2)
    assert (status(secret.reveal()) == 403) == (who is Who.ADMIN)
    assert status(world.admin) not in refused


@pytest.mark.parametrize("path", ["/health", "/leases", "/leases/x", "/admin/tiers", "/users/x/keys/openai"])
def test_a_method_that_is_not_there_is_told_those_that_are(world: World, path: str):
    told = conformance.whole()["paths"].get(re.sub("x", "{id}", path).replace("openai", "{provider}"))
    answer = world.ask("OPTIONS", path)

    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == {method.upper() for method in told}


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (str, {"type": "string"}),
        ((int, None), {"type": ["integer", "null"]}),
        ([float], {"type": "array", "items": {"type": "number"}}),
        (Named(bool), {"type": "object", "additionalProperties": {"type": "boolean"}}),
        ({"a": dict}, {"type": "object", "required": ["a"], "properties": {"a": {"type": "object"}}}),
        ((None, [str]), {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "string"}}]}),
    ],
)
def test_a_shape_is_told_as_a_schema(shape: Any, schema: dict[str, Any]):
    assert schema_of(shape) == schema


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (409, NO_STORE, b"{}"),
        (200, {"content-type": "application/json"}, b'{"status":"ok"}'),
        (200, {**NO_STORE, "content-type": "text/plain"}, b'{"status":"ok"}'),
        (200, NO_STORE, b'{"status":1}'),
        (200, NO_STORE, b'{"status":"ok","more":1}'),
        (200, NO_STORE, b"{}"),
    ],
)
def test_an_answer_that_is_not_told_would_be_noticed(status: int, headers: dict[str, str], body: bytes):
    conformance.check("GET", "/health", 200, NO_STORE, b'{"status":"ok"}')

    with pytest.raises(AssertionError):
        conformance.check("GET", "/health", status, headers, body)
