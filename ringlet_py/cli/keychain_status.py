"""`ringlet keychain status`: what is known about each key, and how many of a kind can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import keychain_fields as options
from ringlet_py.cli import output
from ringlet_py.cli.session import app_of
from ringlet_py.entry import DEFAULT_ALIAS, Address
from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.entry import Entry
    from ringlet_py.status import Status

_KEYS = ("ADDRESS", "BACKEND", "CREATED", "REPLACED", "LAST USED", "PROFILES", "STATE")
_GROUPS = ("PROVIDER", "SOURCE", "LOGIN", "BATCH", "TOTAL", "ACTIVE", "EXPIRED", "USABLE", "RESTING", "NEXT EXPIRY")


def show_status(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="A provider.")] = "",
    alias: Annotated[str, typer.Argument(help="One of its keys.")] = DEFAULT_ALIAS,
    json: options.Json = False,
) -> None:
    """Show what is known about the keys: where, since when, last used, by which profiles, and how many can be used."""
    from dataclasses import asdict

    from ringlet_py import status

    app = app_of(context)
    keychain, now = app.keychain, app.clock()
    entries = [keychain.entry(options.address_of(app, provider, alias))] if provider else keychain.entries()
    resting = _resting(app)
    found = status.of(entries, profiles=app.profiles, folder=app.folders.state, now=now, resting=resting)
    counted = status.groups(entries, now=now, resting=resting)
    _warn_of_expiry(status.expiring(entries, now=now))
    if json:
        groups = [asdict(group) | {"next_expiry": group.next_expiry or None} for group in counted]
        output.document(place=app.backend.place, entries=[_document(one) for one in found], groups=groups)
        return
    output.say(f"keys are kept in {app.backend.place}")
    output.table(_KEYS, [_shown(_cells(one)) for one in found])
    if counted and not provider:
        output.say("")
        output.table(_GROUPS, [_shown(tuple(asdict(group).values())) for group in counted])


def _resting(app: App) -> set[Address]:
    """The keys that rest for every feature; where the ledger cannot say so, that is no reason to say nothing."""
    try:
        return {Address.parse(address) for address in app.kept.claims.resting()}
    except RingletError as problem:
        output.say(output.printable(f"note: which keys rest cannot be told: {problem.what}"))
        return set()


def _warn_of_expiry(entries: list[Entry]) -> None:
    for entry in entries:
        output.say(f"warning: {entry.address} expires at {entry.expires_at}: {entry.address.to_set(replace=True)}")


def _cells(one: Status) -> tuple[str, ...]:
    entry = one.entry
    dates = (entry.created_at, entry.replaced_at, one.last_used_at)
    return (str(entry.address), entry.backend, *dates, ", ".join(one.profiles), one.state)


def _shown(cells: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(output.printable(str(cell)) or "-" for cell in cells)


def _document(one: Status) -> dict[str, Any]:
    known = {"last_used_at": one.last_used_at or None, "profiles": list(one.profiles), "state": one.state}
    return options.document(one.entry) | known
