"""`/admin/keys`: entries with their secrets, as keypooler's clients add, list, disable and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.bodies import object_of
from ringlet_py.daemon.keypooler_admin import check_no_key, for_admin
from ringlet_py.daemon.keypooler_counts import Counts
from ringlet_py.daemon.keypooler_notes import KEY, TIER, Notes
from ringlet_py.daemon.keypooler_shapes import check_moment, id_of, max_uses, moment, usage_limit
from ringlet_py.daemon.users import secret_of
from ringlet_py.entry import Address, check_name
from ringlet_py.errors import InvalidSecret, KeyNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.app import App
    from ringlet_py.daemon.bodies import Kinds
    from ringlet_py.entry import Entry
    from ringlet_py.secret import Secret

CUSTOM = "custom"  # the provider of a key that is added without one
ADDED: Kinds = {
    "name": str,
    "key": str,
    "tier": str,
    "provider": str,
    "expires_at": str,
    "usage_limit": int,
    "usage_window_seconds": int,
    "metadata": dict,
    "secrets": dict,
}
CHANGED: Kinds = {"active": bool, "is_active": bool}
# what keypooler counts in money; ringlet does not
_MONEY = ("budget", "remaining", "resets_at", "balance")


async def list_keys(request: HttpRequest) -> Response:
    """Every key that is there, the oldest first, and what is used of its limits."""
    daemon = await for_admin(request)
    return answer(await daemon.look(_all, daemon.app))


async def show_key(request: HttpRequest) -> Response:
    """One key; 404 for an id that there is not."""
    daemon = await for_admin(request)
    return answer(await daemon.look(_one, daemon.app, request.path_params["id"]))


async def add_key(request: HttpRequest) -> Response:
    """A new key; 409 if there is one of that name, 404 for a tier that there is not."""
    daemon = await for_admin(request)
    given = await object_of(request, ADDED)
    if not all(given.get(name) for name in ("name", "key", "tier")):
        raise UsageError("name, key, and tier are required")
    secret, bound = secret_of(given.pop("key")), _bound(given.pop("secrets", {}))
    return answer(await daemon.work(_add, daemon.app, secret, bound, given), status=201)


async def change_key(request: HttpRequest) -> Response:
    """Disables the key, or enables it again."""
    daemon = await for_admin(request)
    given = await object_of(request, CHANGED)
    if len(given) != 1:
        raise UsageError("there is nothing to change", why="a key is set active, or not: one of the two")
    (active,) = given.values()
    return answer(await daemon.work(_change, daemon.app, request.path_params["id"], active))


async def delete_key(request: HttpRequest) -> Response:
    """Takes the key away with its bound secrets; 404 for an id that there is not."""
    daemon = await for_admin(request)
    await daemon.work(_delete, daemon.app, request.path_params["id"])
    return answer({"status": "deleted"})


async def health(request: HttpRequest) -> Response:
    """How many keys there are, and whether their values are encrypted where they are kept."""
    daemon = await for_admin(request)
    return answer(await daemon.look(_health, daemon.app))


def entry_of(app: App, key_id: str) -> Entry:
    """The key of that id; KeyNotFound, which does not repeat what may be a key."""
    for entry in app.keychain.entries():
        if id_of(KEY, str(entry.address)) == key_id:
            return entry
    raise no_key()


def no_key() -> KeyNotFound:
    """The error for an id that is no key's, or none that the caller may know of."""
    return KeyNotFound("key not found", why="no key has this id", hint="GET /admin/keys")


def _bound(given: Mapping[str, object]) -> dict[str, Secret]:
    bound: dict[str, Secret] = {}
    for name, value in given.items():
        check_name("bound secret", name)
        if not isinstance(value, str):
            raise InvalidSecret(f"the bound secret {name} is not a text")
        bound[name] = secret_of(value)
    return bound


def _add(app: App, secret: Secret, bound: Mapping[str, Secret], given: Mapping[str, Any]) -> dict[str, Any]:
    check_no_key(app, given["name"])
    address = Address(given.get("provider") or CUSTOM, given["name"])
    limit, window = given.get("usage_limit"), given.get("usage_window_seconds")
    fields = {
        "tier": given["tier"],
        "expires_at": check_moment("expires_at", given.get("expires_at", "")),
        "max_uses": max_uses(limit, window),
    }
    notes, metadata = Notes(app), given.get("metadata", {})
    with notes.alone():
        app.keychain.check_free(address)
        with notes.making(KEY, str(address), {"metadata": metadata}):
            app.keychain.set(address, secret, force=True, fields=fields, bound=bound)
    return {
        "id": id_of(KEY, str(address)),
        "name": given["name"],
        "tier": given["tier"],
        "expires_at": given.get("expires_at"),
        "usage_limit": limit,
        "usage_window_seconds": window,
        "metadata": metadata,
        "secret_names": sorted(bound),
        "address": str(address),
    }


def _all(app: App) -> list[dict[str, Any]]:
    version = app.kept.claims.version()
    entries = app.keychain.entries()
    entries.sort(key=lambda entry: (entry.created_at, entry.address))
    return _listed(app, entries, version)


def _one(app: App, key_id: str) -> dict[str, Any]:
    version = app.kept.claims.version()
    (shown,) = _listed(app, [entry_of(app, key_id)], version, part=key_id)
    return shown


def _change(app: App, key_id: str, active: bool) -> dict[str, Any]:  # noqa: FBT001 - called by way of `work`
    app.keychain.edit([entry_of(app, key_id).address], {"active": active})
    return _one(app, key_id)


def _listed(app: App, entries: list[Entry], version: str, *, part: str = "") -> list[dict[str, Any]]:
    counts, notes = Counts.of(app, entries, version=version, part=part), Notes(app).all(KEY)
    return [_shown(entry, counts, notes.get(str(entry.address), {})) for entry in entries]


def _delete(app: App, key_id: str) -> None:
    notes = Notes(app)
    with notes.alone():
        address = entry_of(app, key_id).address
        app.keychain.remove(address)
        notes.forget(KEY, str(address))


def _health(app: App) -> dict[str, Any]:
    return {"pool_size": len(app.keychain.entries()), "encryption": app.backend.name != "file"}


def _shown(entry: Entry, counts: Counts, note: Mapping[str, Any]) -> dict[str, Any]:
    address = entry.address
    limit, window = usage_limit(entry.max_uses)
    return {
        "id": id_of(KEY, str(address)),
        "name": address.alias if address.provider == CUSTOM else str(address),
        "tier_id": id_of(TIER, entry.tier) if entry.tier else None,
        "is_active": entry.active,
        "expires_at": moment(entry.expires_at),
        "exhausted_until": counts.resting_until(address),
        "usage_limit": limit,
        "usage_count": counts.uses(entry),
        **dict.fromkeys(_MONEY),
        "spent": 0,
        "metadata": note.get("metadata", {}),
        "secret_names": list(entry.secrets),
        "usage": counts.usage(entry),
        "address": str(address),
        "tier": entry.tier or None,
        "usage_window_seconds": window,
    }
