"""Tokens over HTTP: a caller makes narrower ones for its sub-agents, the admin any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.access import caller_of
from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.bodies import object_of
from ringlet_py.daemon.contract import Contract, Told
from ringlet_py.errors import TokenExists, TokenNotFound, UsageError
from ringlet_py.tokens.making import checked_term
from ringlet_py.tokens.shown import as_data

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.app import App
    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.ledger.tokens import Token
    from ringlet_py.secret import Secret
    from ringlet_py.tokens import Caller

CREATE: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "scope": str,
    "ttl": (int, str),
    "max_uses": (int, str),
    "quota": str,
}

TOKEN = {
    **dict.fromkeys(("id", "name", "scope"), str),
    **dict.fromkeys(("under", "created_at", "expires_at", "quota"), (str, None)),
    "expired": bool,
    "max_uses": (str, None),
    **dict.fromkeys(("uses_left", "quota_left"), (int, None)),
}
NEW = {"token": TOKEN, "value": str}


def routes() -> list[Told]:
    """What `/tokens` answers."""
    one = "/tokens/{id}"
    made = Contract(answers={201: NEW}, errors=(TokenExists,), body=CREATE, needs=("name",))
    return [
        Told("POST", "/tokens", create, made),
        Told("GET", "/tokens", list_tokens, Contract(answers={200: {"tokens": [TOKEN]}})),
        Told("DELETE", one, revoke, Contract(answers={200: {"revoked": [str]}}, errors=(TokenNotFound,))),
        Told("POST", f"{one}/rotate", rotate, Contract(answers={200: NEW}, errors=(TokenNotFound,))),
    ]


async def create(request: HttpRequest) -> Response:
    """A token under the caller's own, no wider than that; it is in the answer, and never shown again."""
    daemon, caller = await _asked(request)
    said = await object_of(request, CREATE)
    if "name" not in said:
        raise UsageError("the token has no name", hint='for example {"name": "sub-agent", "scope": "pool=openai"}')
    if caller.is_admin and "scope" not in said:
        raise UsageError("the token has no scope", why="it could claim every key", hint='"provider=*" says so')
    for term in ("ttl", "max_uses", "quota"):
        checked_term(term, str(said.get(term, "none")))
    ttl = f"{said['ttl']}s" if isinstance(said.get("ttl"), int) else said.get("ttl", "")
    terms = {"scope": said.get("scope", ""), "ttl": ttl, "quota": said.get("quota", "")}
    terms["max_uses"] = str(said.get("max_uses", ""))
    token, secret = await daemon.work(daemon.app.tokens.create, said["name"], **terms, under=caller)
    return await _with_value(daemon, caller, token, secret, status=201)


async def list_tokens(request: HttpRequest) -> Response:
    """Those made under the caller's own, expired ones too; all of them for the admin."""
    daemon, caller = await _asked(request)
    return answer({"tokens": await daemon.look(_told, daemon.app, caller)})


async def rotate(request: HttpRequest) -> Response:
    """Another text for the token; the old one is refused from the next request on."""
    daemon, caller = await _asked(request)
    token, secret = await daemon.work(daemon.app.tokens.rotate, _id(request), under=caller)
    return await _with_value(daemon, caller, token, secret)


async def revoke(request: HttpRequest) -> Response:
    """Takes it away with all that were made under it."""
    daemon, caller = await _asked(request)
    gone = await daemon.work(daemon.app.tokens.revoke, _id(request), under=caller)
    return answer({"revoked": gone})


async def _asked(request: HttpRequest) -> tuple[Daemon, Caller]:
    return request.app.state.daemon, await caller_of(request)


async def _with_value(daemon: Daemon, caller: Caller, token: Token, secret: Secret, *, status: int = 200) -> Response:
    (said,) = await daemon.work(_told, daemon.app, caller, token)
    return answer({"token": said, "value": secret.reveal()}, status=status)


def _told(app: App, caller: Caller, *those: Token) -> list[dict[str, Any]]:
    """These tokens, else all that the caller may see; their names as it calls them."""
    tokens = app.tokens.list(caller)
    return as_data(those or tokens, tokens, claims=app.kept.claims, now=app.clock(), top=caller.top)


def _id(request: HttpRequest) -> str:
    return str(request.path_params["id"])
