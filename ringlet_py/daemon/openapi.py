"""`GET /openapi.json`: the routes' contracts as an OpenAPI 3.1 document, made when it is asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ringlet_py import __version__
from ringlet_py.daemon.access import caller_of
from ringlet_py.daemon.answers import JSON, answer
from ringlet_py.daemon.contract import Contract, Named, Told, Who

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.daemon.contract import Shape

    Schema = dict[str, Any]

# what every route may answer, and what those do that need a token
ANYWHERE = {
    400: "the request makes no sense, or has a token in its address",
    403: "not for this token; or the request came from a web page",
    408: "the request took too long to arrive",
    413: "the body of the request is too long",
    421: "the header Host names another host",
    431: "the head of the request is too long",
    500: "something is broken here",
    503: "the keychain or the ledger cannot be asked, there are too many connections or requests, or the daemon stops",
}
WITH_TOKEN = {
    401: "there is no token, or it is unknown, revoked or expired",
    429: "no key is free now, or too many wrong tokens came; Retry-After says when to come again, if ever",
}
_TYPES: Mapping[type | None, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    None: "null",
}
_ERROR = {
    "type": "object",
    "required": ["error", "code", "why", "hint"],
    "properties": {
        "error": {"type": "string", "description": "what happened"},
        "code": {"type": "string", "description": "the same for programs; it does not change"},
        "why": {"type": "string"},
        "hint": {"type": "string", "description": "the next step"},
        "retry_at": {"type": ["number", "null"], "description": "when a key is free, in seconds since 1970"},
        **{
            name: {"type": "string", "description": "where a key is to be had: only in answers of GET /key"}
            for name in ("provider", "display_name", "sign_up", "command")
        },
    },
}
_ABOUT = "Keys of this machine for programs of this machine. Every request but GET /health needs a bearer token."


def routes() -> list[Told]:
    """What `/openapi.json` answers."""
    return [Told("GET", "/openapi.json", show, Contract(answers={200: dict}))]


async def show(request: HttpRequest) -> Response:
    """What is answered here; it holds no secret, and is for whoever holds a token, as all but GET /health."""
    await caller_of(request)
    return answer(document(request.app.routes))


def document(routes: Iterable[Told]) -> Schema:
    """The routes as OpenAPI 3.1 tells them."""
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    responses = {str(status): _refusal(status, text) for status, text in {**ANYWHERE, **WITH_TOKEN}.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ringlet", "version": __version__, "description": _ABOUT},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
            "headers": {"NoStore": {"required": True, "schema": {"type": "string", "const": "no-store"}}},
            "responses": responses,
        },
    }


def schema_of(shape: Shape) -> Schema:
    """The shape as JSON Schema; names that are not told may come with a later version."""
    if isinstance(shape, Named):
        return {"type": "object", "additionalProperties": schema_of(shape.each)}
    if isinstance(shape, list):
        return {"type": "array", "items": schema_of(shape[0])}
    if isinstance(shape, dict):
        fields = {name: schema_of(each) for name, each in shape.items()}
        return {"type": "object", "required": list(fields), "properties": fields}
    if isinstance(shape, tuple):
        schemas = [schema_of(each) for each in shape]
        are_plain = all(schema.keys() == {"type"} for schema in schemas)
        return {"type": [schema["type"] for schema in schemas]} if are_plain else {"anyOf": schemas}
    return {"type": _TYPES[shape]}


def _operation(route: Told) -> Schema:
    contract, tag = route.contract, re.split(r"\W", route.path)[1]
    found: Schema = {
        "operationId": f"{tag}_{route.name}",
        "tags": [tag],
        "summary": " ".join((route.endpoint.__doc__ or "").split()),
        "responses": _responses(contract),
    }
    if contract.who is not Who.CALLER:
        found["security"] = [{"bearer": ["admin"]}] if contract.who is Who.ADMIN else []
    named = dict.fromkeys(re.findall(r"{(\w+)}", route.path), ())
    if parameters := [*_parameters("path", named), *_parameters("query", contract.query)]:
        found["parameters"] = parameters
    if contract.body is not None:
        content = {JSON: {"schema": _body(contract.body, contract.needs)}}
        found["requestBody"] = {"required": not contract.may_be_empty, "content": content}
    return found


def _parameters(place: str, named: Mapping[str, tuple[str, ...]]) -> list[Schema]:
    """The parameters, with the texts that each may be."""
    found: list[Schema] = []
    for name, texts in named.items():
        schema: Schema = {"type": "string", "enum": list(texts)} if texts else {"type": "string"}
        found.append({"name": name, "in": place, "required": place == "path", "schema": schema})
    return found


def _body(kinds: Mapping[str, type | tuple[type, ...]], needs: Iterable[str]) -> Schema:
    """A JSON object as `object_of` takes it: null counts as left out."""
    fields = {}
    for name, kind in kinds.items():
        several = kind if isinstance(kind, tuple) else (kind,)
        types = dict.fromkeys(_TYPES[each] for each in several)
        if "number" in types:  # an integer is one of these
            types.pop("integer", None)
        fields[name] = {"type": [*types] if name in needs else [*types, "null"]}
    return {"type": "object", "required": list(needs), "properties": fields, "additionalProperties": False}


def _responses(contract: Contract) -> Schema:
    found: Schema = {str(status): _success(shape, contract.kind) for status, shape in contract.answers.items()}
    common = ANYWHERE if contract.who is Who.ANYBODY else {**ANYWHERE, **WITH_TOKEN}
    codes: dict[int, list[str]] = {}
    for error in contract.errors:
        codes.setdefault(error.http_status, []).append(error.code)
    found |= {str(status): _refusal(status, " or ".join(those)) for status, those in codes.items()}
    return found | {str(status): {"$ref": f"#/components/responses/{status}"} for status in common}


def _success(shape: Shape, kind: str) -> Schema:
    found: Schema = {"description": "it went well", "headers": _headers()}
    if shape is not None:
        found["content"] = {kind: {"schema": schema_of(shape)}}
    return found


def _refusal(status: int, text: str) -> Schema:
    headers = _headers()
    if status == 401:
        headers["WWW-Authenticate"] = {"required": True, "schema": {"type": "string", "const": "Bearer"}}
    if status in (429, 503):
        headers["Retry-After"] = {"description": "seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": text, "headers": headers, "content": content}


def _headers() -> Schema:
    return {"Cache-Control": {"$ref": "#/components/headers/NoStore"}}
