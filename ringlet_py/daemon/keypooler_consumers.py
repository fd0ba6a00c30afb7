"""`/admin/consumers`: tokens of callers, whose scope names the tiers that they may claim from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.bodies import object_of
from ringlet_py.daemon.keypooler_admin import check_no_key, for_admin
from ringlet_py.daemon.keypooler_notes import CONSUMER, Notes
from ringlet_py.daemon.keypooler_shapes import id_of, scope_with, tiers_in
from ringlet_py.errors import ConsentNeeded, NotFound, TokenExists, TokenNotFound, UsageError
from ringlet_py.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.app import App
    from ringlet_py.daemon.bodies import Kinds
    from ringlet_py.ledger.tokens import Token
    from ringlet_py.secret import Secret

ADDED: Kinds = {"name": str, "description": str}
GRANTED: Kinds = {"tier": str}


async def list_consumers(request: HttpRequest) -> Response:
    """Every caller's token, the oldest first, without its text."""
    daemon = await for_admin(request)
    return answer(await daemon.look(_all, daemon.app))


async def add_consumer(request: HttpRequest) -> Response:
    """A token that may claim nothing until it is given a scope; its text is shown this once."""
    daemon = await for_admin(request)
    given = await object_of(request, ADDED)
    if not given.get("name"):
        raise UsageError("name is required")
    token, secret = await daemon.work(_add, daemon.app, given["name"], given.get("description", ""))
    return answer(_with_text(token, secret), status=201)


async def delete_consumer(request: HttpRequest) -> Response:
    """Revokes the token, and all that were made under it."""
    daemon = await for_admin(request)
    await daemon.work(_delete, daemon.app, request.path_params["id"])
    return answer({"status": "deleted"})


async def rotate_consumer(request: HttpRequest) -> Response:
    """Another text for the token; the old one is refused from now on."""
    daemon = await for_admin(request)
    token, secret = await daemon.work(_rotate, daemon.app, request.path_params["id"])
    return answer(_with_text(token, secret))


async def grant_scope(request: HttpRequest) -> Response:
    """Lets the consumer claim from a tier too; once more changes nothing."""
    daemon = await for_admin(request)
    given = await object_of(request, GRANTED)
    if not given.get("tier"):
        raise UsageError("tier is required")
    await daemon.work(_grant, daemon.app, request.path_params["id"], given["tier"])
    return answer({"consumer_id": request.path_params["id"], "tier": given["tier"]}, status=201)


async def revoke_scope(request: HttpRequest) -> Response:
    """The consumer may no longer claim from the tier; 404 if it could not."""
    daemon = await for_admin(request)
    await daemon.work(_withdraw, daemon.app, request.path_params["id"], request.path_params["tier"])
    return answer({"status": "deleted"})


def _all(app: App) -> list[dict[str, Any]]:
    notes, now = Notes(app).all(CONSUMER), app.clock()
    tokens = sorted(app.tokens.list(), key=lambda token: (token.created_at, token.name))
    return [_shown(token, notes.get(token.name, {}), now=now) for token in tokens]


def _add(app: App, name: str, description: str) -> tuple[Token, Secret]:
    check_no_key(app, name)
    notes = Notes(app)
    with notes.alone():
        if any(token.name == name for token in app.tokens.list()):
            raise TokenExists(f"consumer already exists: {name}", hint="choose another name")
        with notes.making(CONSUMER, name, {"description": description}):
            return app.tokens.create(name, scope=scope_with(Scope(), ()))


def _delete(app: App, consumer_id: str) -> None:
    notes = Notes(app)
    with notes.alone():
        names = {token.id: token.name for token in app.tokens.list()}
        for gone in app.tokens.revoke(_token(app, consumer_id).id):
            notes.forget(CONSUMER, names[gone])


def _rotate(app: App, consumer_id: str) -> tuple[Token, Secret]:
    return app.tokens.rotate(_token(app, consumer_id).id)


def _grant(app: App, consumer_id: str, tier: str) -> None:
    app.lending.tiers.get(tier)
    with Notes(app).alone():
        token = _token(app, consumer_id)
        app.tokens.rescope(token.id, lambda scope: scope_with(scope, [*_tiers_of(token, scope), tier]))


def _withdraw(app: App, consumer_id: str, tier: str) -> None:
    with Notes(app).alone():
        token = _token(app, consumer_id)

        def without(scope: Scope) -> str:
            tiers = _tiers_of(token, scope)
            if tier in tiers:
                return scope_with(scope, [one for one in tiers if one != tier])
            why = "its tier is not in it"
            raise NotFound(f"{token.name} has no such scope", why=why, hint="GET /admin/consumers")

        app.tokens.rescope(token.id, without, is_less=True)


def _tiers_of(token: Token, scope: Scope) -> list[str]:
    """The tiers in its scope; ConsentNeeded if it names none, since the first one would take all others away."""
    if scope.names("tier"):
        return tiers_in(scope)
    why = "it may claim from every tier, and would then from this one alone"
    raise ConsentNeeded(
        f"the scope of {token.name} names no tiers", why=why, hint=f"ringlet tokens revoke {token.name}"
    )


def _token(app: App, consumer_id: str) -> Token:
    for token in app.tokens.list():
        if id_of(CONSUMER, token.name) == consumer_id:
            return token
    raise TokenNotFound("consumer not found", why="no token has this id", hint="GET /admin/consumers")


def _with_text(token: Token, secret: Secret) -> dict[str, Any]:
    return {"id": id_of(CONSUMER, token.name), "name": token.name, "token": secret.reveal()}


def _shown(token: Token, note: Mapping[str, Any], *, now: float) -> dict[str, Any]:
    scope = Scope.parse(token.scope)
    return {
        "id": id_of(CONSUMER, token.name),
        "name": token.name,
        "description": note.get("description", ""),
        "is_active": not 0 < token.expires_at <= now * 1000,
        "scopes": tiers_in(scope),
        "scope": token.scope,
    }
