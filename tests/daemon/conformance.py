"""Holds answers against what the daemon promises in its OpenAPI document."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema_rs import validator_for
from starlette.routing import Match

from ringlet_py.daemon.asgi import routes
from ringlet_py.daemon.openapi import document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.daemon.contract import Told


def check(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """That the route promises such an answer: its status, its headers and exactly its fields."""
    if method == "HEAD":  # as GET, without the body
        return
    promised = _promised(_pattern(method, path), method.lower())
    if promised is None:
        assert status in (404, 405), f"{method} {path} is answered and not told"
        return
    assert str(status) in promised, f"{method} {path} answers {status}, which it does not tell"
    told = _resolved(promised[str(status)])
    for name, header in told["headers"].items():
        assert not _resolved(header).get("required") or name.lower() in headers, (method, path, status, name)
    ((kind, _),) = told.get("content", {"": {}}).items()
    assert headers.get("content-type", "").partition(";")[0] == kind
    if kind == "application/json":
        problems = [problem.message for problem in _validator(method, path, status).iter_errors(json.loads(body))]
        assert not problems, f"{method} {path} answers {status} with another shape: {problems}"


@cache
def whole() -> dict[str, Any]:
    """The document."""
    return document(_routes())


@cache
def _routes() -> list[Told]:
    return list(routes())


def _pattern(method: str, path: str) -> str:
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    found = [route.path for route in _routes() if route.matches(scope)[0] is Match.FULL]
    return found[0] if found else ""


@cache
def _promised(path: str, method: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = whole()["paths"].get(path, {}).get(method, {}).get("responses")
    return found


def _resolved(part: Any) -> Any:
    return whole()["components"][(way := part["$ref"].split("/"))[2]][way[3]] if "$ref" in part else part


@cache
def _validator(method: str, path: str, status: int) -> Any:
    told = _resolved((_promised(_pattern(method, path), method.lower()) or {})[str(status)])
    return validator_for(_strict(_resolved(told["content"]["application/json"]["schema"])))


def _strict(schema: Any) -> Any:
    """The schema, without room for names that are not told."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _strict(each) for name, each in schema.items()}
    return {**found, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else found
