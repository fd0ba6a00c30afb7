"""`/admin/tiers`: ringlet's tiers, with limits written as keypooler's clients write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.bodies import object_of
from ringlet_py.daemon.keypooler_admin import check_no_key, for_admin
from ringlet_py.daemon.keypooler_notes import TIER, Notes
from ringlet_py.daemon.keypooler_shapes import features_of, id_of, numbers_in, rates_of, scope_with, tiers_in
from ringlet_py.errors import ConsentNeeded, UsageError
from ringlet_py.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.app import App
    from ringlet_py.daemon.bodies import Kinds
    from ringlet_py.limits import Tier

TIER_BODY: Kinds = {"name": str, "description": str, "features": dict}


async def list_tiers(request: HttpRequest) -> Response:
    """Every tier, sorted by name."""
    daemon = await for_admin(request)
    return answer(await daemon.look(_all, daemon.app))


async def add_tier(request: HttpRequest) -> Response:
    """A new tier; 409 if there is one of that name."""
    daemon = await for_admin(request)
    given = await object_of(request, TIER_BODY)
    return answer(await daemon.work(_add, daemon.app, given), status=201)


async def change_tier(request: HttpRequest) -> Response:
    """Replaces all features of the tier that the body names, and its description if it is said."""
    daemon = await for_admin(request)
    given = await object_of(request, TIER_BODY)
    return answer(await daemon.work(_change, daemon.app, given))


async def delete_tier(request: HttpRequest) -> Response:
    """Takes the tier away, and out of every consumer's scope; 409 while keys have it."""
    daemon = await for_admin(request)
    await daemon.work(_delete, daemon.app, request.path_params["name"])
    return answer({"status": "deleted"})


def _all(app: App) -> list[dict[str, Any]]:
    notes = Notes(app).all(TIER)
    return [_shown(tier, notes.get(tier.name, {})) for tier in app.lending.tiers.all().values()]


def _add(app: App, given: Mapping[str, Any]) -> dict[str, Any]:
    name, features = _required(given)
    check_no_key(app, name)
    tiers, notes = app.lending.tiers, Notes(app)
    rates, note = rates_of(features), _note(features, given.get("description", ""))
    with notes.alone():
        if name in tiers.all():  # asked first, since putting a note down makes every claim look again
            raise _there_already(name)
        with notes.making(TIER, name, note):
            tier = tiers.create(name, rates)
    app.audit.append("tier-set", "ok", purpose=name)
    return _shown(tier, note)


def _change(app: App, given: Mapping[str, Any]) -> dict[str, Any]:
    name, features = _required(given)
    tiers, notes = app.lending.tiers, Notes(app)
    rates = rates_of(features)
    with notes.alone():
        tiers.get(name)
        with notes.making(TIER, name, _note(features, given.get("description"))) as note:
            tier = tiers.put(name, rates)
    app.audit.append("tier-set", "ok", purpose=name)
    return _shown(tier, note)


def _delete(app: App, name: str) -> None:
    notes = Notes(app)
    with notes.alone():
        app.lending.tiers.get(name)
        if any(entry.tier == name for entry in app.kept.entries.entries()):
            hint = f"ringlet keychain list --where tier={name}"
            raise ConsentNeeded("tier still has keys; delete them first", hint=hint)
        _withdraw(app, name)
        app.lending.tiers.delete(name)
        notes.forget(TIER, name)
    app.audit.append("tier-delete", "ok", purpose=name)


def _withdraw(app: App, tier: str) -> None:
    """So that no consumer has the next tier of that name without being given it."""
    for token in app.tokens.list():
        if tier in tiers_in(Scope.parse(token.scope)):
            app.tokens.rescope(token.id, lambda scope: _without(scope, tier), is_less=True)


def _without(scope: Scope, tier: str) -> str:
    tiers = tiers_in(scope)
    return scope_with(scope, [one for one in tiers if one != tier]) if tier in tiers else str(scope)


def _required(given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if not (given.get("name") and given.get("features")):
        raise UsageError("name and features are required")
    return given["name"], given["features"]


def _note(features: Mapping[str, Any], description: str | None) -> dict[str, Any]:
    return {"description": description, "numbers": numbers_in(features)}


def _shown(tier: Tier, note: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": id_of(TIER, tier.name),
        "name": tier.name,
        "description": note.get("description") or "",
        "features": features_of(tier.rates, note.get("numbers", ())),
        "rates": tier.table(),
    }


def _there_already(name: str) -> ConsentNeeded:
    return ConsentNeeded(f"tier already exists: {name}", hint="change it: PATCH /admin/tiers")
