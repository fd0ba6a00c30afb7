"""Users' own keys, as a bot stores them for its users: they are written, replaced and taken away, and never read."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from ringlet_py import values
from ringlet_py.daemon.answers import answer, nothing
from ringlet_py.daemon.bodies import object_of
from ringlet_py.daemon.contract import KEYCHAIN, Contract, Told, Who
from ringlet_py.daemon.keypooler_admin import check_no_key, for_admin
from ringlet_py.entry import Address
from ringlet_py.errors import InvalidName, KeyExists, KeyNotFound, UsageError
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.app import App
    from ringlet_py.daemon.bodies import Kinds
    from ringlet_py.entry import Entry

STORED: Kinds = {"key": str, "base_url": str}
OWN = {
    **dict.fromkeys(("provider", "address", "owner"), str),
    "active": bool,
    **dict.fromkeys(("base_url", "created_at", "replaced_at", "expires_at"), (str, None)),
}
_LONGEST = 128  # characters of an id
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,59}")  # with what stands before it at most 64, as an alias has


def routes() -> list[Told]:
    """The routes below /users, for the admin alone."""
    keys, one = "/users/{id}/keys", "/users/{id}/keys/{provider}"
    listed = Contract(who=Who.ADMIN, answers={200: {"keys": [OWN]}})
    stored = Contract(
        who=Who.ADMIN, answers={200: OWN, 201: OWN}, errors=(KeyExists, *KEYCHAIN), body=STORED, needs=("key",)
    )
    deleted = Contract(who=Who.ADMIN, answers={204: None}, errors=(KeyNotFound, *KEYCHAIN))
    return [
        Told("GET", keys, list_keys, listed),
        Told("PUT", one, put_key, stored),
        Told("DELETE", one, delete_key, deleted),
    ]


async def list_keys(request: HttpRequest) -> Response:
    """What is known of the user's own keys, without their values."""
    daemon = await for_admin(request)
    user = checked_id("user", request.path_params["id"])
    entries = await daemon.look(daemon.app.keychain.entries)
    return answer({"keys": [_shown(entry) for entry in entries if entry.owner == _owner(user)]})


async def put_key(request: HttpRequest) -> Response:
    """Stores the user's own key for the provider, in place of the one stored so before; 201 for the first."""
    daemon = await for_admin(request)
    given = await object_of(request, STORED)
    if "key" not in given:
        raise UsageError("key is required")
    secret = secret_of(given.pop("key"))
    user = checked_id("user", request.path_params["id"])
    address = address_of(user, request.path_params["provider"])
    is_new, entry = await daemon.work(_put, daemon.app, user, address, secret, given)
    return answer(_shown(entry), status=201 if is_new else 200)


async def delete_key(request: HttpRequest) -> Response:
    """Takes the key away that was stored so."""
    daemon = await for_admin(request)
    user = checked_id("user", request.path_params["id"])
    await daemon.work(_delete, daemon.app, user, address_of(user, request.path_params["provider"]))
    return nothing()


def secret_of(text: str) -> Secret:
    """The value out of a body, wrapped; InvalidSecret, without repeating it."""
    return Secret.from_input(text.encode("utf-8", "surrogatepass"))


def checked_id(kind: str, text: str) -> str:
    """The id of a user or channel, if an owner can have it: no blank, no slash, nothing that cannot be shown."""
    if len(text) > _LONGEST or not text.isprintable() or not set(text).isdisjoint(" /"):
        hint = f"an id has no blank, no slash and at most {_LONGEST} characters"
        raise InvalidName(f"the {kind} has an id that is not allowed", hint=hint)
    return text


def address_of(user: str, provider: str) -> Address:
    """Where the user's own key for the provider is kept; no two users have the same."""
    if _PLAIN.fullmatch(user):
        return Address(provider, f"user-{user}")
    # another character after `user`, so that nobody can call himself like another's digest
    return Address(provider, f"user.{hashlib.sha256(user.encode()).hexdigest()[:40]}")


def _owner(user: str) -> str:
    return f"user:{user}"


def _put(app: App, user: str, address: Address, secret: Secret, given: Mapping[str, str]) -> tuple[bool, Entry]:
    check_no_key(app, user)
    values.check(address, secret, app.catalog.providers, force=False)
    before = _entry(app, address)
    if before is not None and before.owner != _owner(user):
        what = f"{address} is there already, and is {before.owner}'s"
        raise KeyExists(what, hint=f"ringlet keychain rename {address.provider} {address.alias} ALIAS")
    fields: dict[str, Any] = {"owner": _owner(user), "active": True, "base_url": given.get("base_url", "")}
    # forced, since two users may well share a key, and neither is to hear of the other's
    app.keychain.set(address, secret, replace=True, force=True, fields=fields)
    return before is None, app.keychain.entry(address)


def _delete(app: App, user: str, address: Address) -> None:
    entry = _entry(app, address)
    if entry is not None and entry.owner != _owner(user):
        raise app.keychain.not_found(address)
    app.keychain.remove(address)


def _entry(app: App, address: Address) -> Entry | None:
    return next((entry for entry in app.keychain.entries() if entry.address == address), None)


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "provider": entry.address.provider,
        "address": str(entry.address),
        "owner": entry.owner,
        "active": entry.active,
        "base_url": entry.base_url or None,
        "created_at": entry.created_at or None,
        "replaced_at": entry.replaced_at or None,
        "expires_at": entry.expires_at or None,
    }
