"""`ringlet keychain`: set, list, remove, status.  Keys are write-only: nothing here shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py import status, values
from ringlet_py.cli import output
from ringlet_py.cli.input import read_secret
from ringlet_py.cli.session import Session, app_of, session_of
from ringlet_py.entry import DEFAULT_ALIAS, Address
from ringlet_py.errors import KeyInUse

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.entry import Entry

Provider = Annotated[str, typer.Argument(help="Who sells the API, for example anthropic.")]
Alias = Annotated[str, typer.Argument(help="Which of the provider's keys.")]
Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Keys: store, list and remove them. They are never shown.", no_args_is_help=True)
    group.command("set")(set_key)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_keys)
    for name in ("remove", "rm", "delete"):
        group.command(name, hidden=name != "remove")(remove_key)
    group.command("status")(show_status)
    return group


def set_key(
    context: typer.Context,
    provider: Provider,
    alias: Alias = DEFAULT_ALIAS,
    from_env: Annotated[
        str, typer.Option("--from-env", metavar="VARIABLE", help="Take the value of this variable.")
    ] = "",
    from_file: Annotated[str, typer.Option("--from-file", metavar="PATH", help="Take the content of this file.")] = "",
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask for the value twice.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the key that is there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Store it although it looks wrong.")] = False,
) -> None:
    """Store a key: typed at a hidden prompt, or piped in."""
    session = session_of(context)
    keychain = session.app.keychain
    address = _address(session.app, provider, alias)
    if not force:
        values.check_provider(provider, session.app.catalog.providers)
    if not replace and session.can_ask:
        keychain.check_free(address)
    secret = read_secret(session, f"Key for {address}", from_env=from_env, from_file=from_file, confirm=confirm)
    for warning in keychain.set(address, secret, replace=replace, force=force):
        output.say(f"warning: {warning}")
    output.say(f"stored {address} in {keychain.backend.place}")


def list_keys(context: typer.Context, json: Json = False) -> None:
    """List the keys that are there, one address a line."""
    keychain = app_of(context).keychain
    entries = keychain.entries()
    for address in keychain.missing(entries):
        again = f"ringlet keychain set {address.provider} {address.alias}"
        output.say(f"note: {address} was stored once, but is not there: {again}")
    if json:
        output.document(entries=[_entry(entry) for entry in entries])
    else:
        output.lines(str(entry.address) for entry in entries)


def remove_key(context: typer.Context, provider: Provider, alias: Alias, yes: Yes = False) -> None:
    """Remove a key."""
    session = session_of(context)
    address = _address(session.app, provider, alias)
    if not yes:
        _ask_its_users(session, address)
    session.app.keychain.remove(address)
    output.say(f"removed {address}")


def _address(app: App, provider: str, alias: str) -> Address:
    return values.check_address(Address(provider, alias), app.catalog.providers)


def _ask_its_users(session: Session, address: Address) -> None:
    """A key that profiles name is removed only with somebody's consent."""
    using, unreadable = session.app.profiles.using(address), session.app.profiles.unreadable()
    if not (using or unreadable):
        return
    session.app.keychain.check_there(address)
    used = f"{address} is used by {', '.join(using)}" if using else ""
    if unreadable:
        used = "; ".join(
            filter(None, [used, f"these profiles cannot be read and may use {address}: {', '.join(unreadable)}"])
        )
    if not session.can_ask:
        raise KeyInUse(used, hint=f"ringlet keychain remove {address.provider} {address.alias} --yes")
    session.confirm(f"{used}; remove it?", otherwise="add --yes", yes=False)


def show_status(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="A provider.")] = "",
    alias: Annotated[str, typer.Argument(help="One of its keys.")] = DEFAULT_ALIAS,
    json: Json = False,
) -> None:
    """Show what is known about the keys: where, since when, last used, by which profiles."""
    app = app_of(context)
    entries = [app.keychain.entry(_address(app, provider, alias))] if provider else app.keychain.entries()
    found = status.of(entries, profiles=app.profiles, folder=app.folders.state)
    if json:
        output.document(place=app.backend.place, entries=[_status(one) for one in found])
        return
    output.say(f"keys are kept in {app.backend.place}")
    output.table(
        ("ADDRESS", "BACKEND", "CREATED", "REPLACED", "LAST USED", "PROFILES"),
        [tuple(text or "-" for text in _cells(one)) for one in found],
    )


def _cells(one: status.Status) -> tuple[str, ...]:
    entry = one.entry
    return (
        str(entry.address),
        entry.backend,
        entry.created_at,
        entry.replaced_at,
        one.last_used_at,
        ", ".join(one.profiles),
    )


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "address": str(entry.address),
        "provider": entry.address.provider,
        "alias": entry.address.alias,
        "backend": entry.backend,
        "created_at": entry.created_at or None,
        "replaced_at": entry.replaced_at or None,
    }


def _status(one: status.Status) -> dict[str, Any]:
    return _entry(one.entry) | {"last_used_at": one.last_used_at or None, "profiles": list(one.profiles)}
