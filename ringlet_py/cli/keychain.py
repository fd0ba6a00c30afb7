"""`ringlet keychain`: set and list.  Keys are write-only: nothing here shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py import values
from ringlet_py.cli import keychain_changes, keychain_check, keychain_manage, keychain_move, keychain_status, output
from ringlet_py.cli import keychain_fields as options
from ringlet_py.cli.input import Input, read_secrets
from ringlet_py.cli.nearly import say_slips_of_filters
from ringlet_py.cli.session import app_of, session_of
from ringlet_py.entry import DEFAULT_ALIAS
from ringlet_py.fields import chosen

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.entry import Address, Entry


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Keys: store, list, edit and remove them. They are never shown.", no_args_is_help=True)
    group.command("set")(set_key)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_keys)
    group.command("edit")(keychain_changes.edit_keys)
    group.command("rename")(keychain_changes.rename_key)
    for name in ("remove", "rm", "delete"):
        group.command(name, hidden=name != "remove")(keychain_changes.remove_keys)
    group.command("check")(keychain_check.check_keys)
    group.command("move")(keychain_move.move_keys)
    group.command("status")(keychain_status.show_status)
    group.command("manage")(keychain_manage.manage_keys)
    return group


def set_key(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    provider: options.Provider,
    alias: options.Alias = DEFAULT_ALIAS,
    from_env: Annotated[
        str, typer.Option("--from-env", metavar="VARIABLE", help="Take the value of this variable.")
    ] = "",
    from_file: Annotated[str, typer.Option("--from-file", metavar="PATH", help="Take the content of this file.")] = "",
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask for the value twice.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the key that is there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Store it although it looks wrong.")] = False,
    label: options.Label = None,
    org: options.Org = None,
    owner: options.Owner = None,
    tier: options.Tier = None,
    source: options.Source = None,
    login: options.Login = None,
    batch: options.Batch = None,
    expires: options.Expires = None,
    active: options.Active = None,
    max_uses: options.MaxUses = None,
    base_url: options.BaseUrl = None,
    weight: options.Weight = None,
    secret: options.SecretNames = None,
    json: options.Json = False,
) -> None:
    """Store a key: typed at a hidden prompt, or piped in; with --secret one value a line, the key first."""
    fields = options.given(
        label=label, org=org, owner=owner, tier=tier, source=source, login=login, batch=batch,
        expires=expires, active=active, max_uses=max_uses, base_url=base_url, weight=weight,
    )  # fmt: skip
    how = Input(from_env=from_env, from_file=from_file, confirm=confirm)
    stored, warnings = _set(context, (provider, alias), fields, secret or [], how=how, replace=replace, force=force)
    if json:
        place = app_of(context).keychain.backend.place
        output.document(stored=str(stored), secrets=secret or [], place=place, warnings=warnings)


def _set(
    context: typer.Context,
    names: tuple[str, str],
    fields: dict[str, Any],
    bound: list[str],
    *,
    how: Input,
    replace: bool,
    force: bool,
) -> tuple[Address, list[str]]:
    """Everything that can be wrong is said before a person types a value; the address, and warnings."""
    session = session_of(context)
    keychain = session.app.keychain
    address = options.address_of(session.app, *names)
    if not force:
        values.check_provider(address.provider, session.app.catalog.providers)
    keychain.check_fields(fields)
    secrets = options.bound_addresses(address, bound)
    if not replace and session.can_ask:
        keychain.check_free(address)
    prompts = [f"Key for {address}", *(f"Secret {name} for {address}" for name in secrets)]
    key, *others = read_secrets(session, prompts, how)
    given = dict(zip(secrets, others, strict=True))
    warnings = keychain.set(address, key, replace=replace, force=force, fields=fields, bound=given)
    for warning in warnings:
        output.say(f"warning: {warning}")
    output.say(f"stored {address} in {keychain.backend.place}")
    return address, warnings


def list_keys(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    where: options.Where = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this provider's.")] = None,
    label: options.Label = None,
    org: options.Org = None,
    owner: options.Owner = None,
    tier: options.Tier = None,
    source: options.Source = None,
    login: options.Login = None,
    batch: options.Batch = None,
    active: options.Active = None,
    expired: Annotated[bool | None, typer.Option("--expired/--not-expired", help="Whether its date has come.")] = None,
    json: options.Json = False,
) -> None:
    """List the keys that are there, one address a line; with options only those whose fields say so."""
    app = app_of(context)
    entries = app.keychain.entries()
    _say_what_is_amiss(app, entries)
    wanted = options.filters(
        where, provider=provider, label=label, org=org, owner=owner, tier=tier, source=source, login=login,
        batch=batch, active=options.truth(active), expired=options.truth(expired),
    )  # fmt: skip
    found = chosen(entries, wanted, now=app.clock())
    if not found:
        say_slips_of_filters(wanted, entries)
    if json:
        output.document(entries=[options.document(entry) for entry in found])
    else:
        output.lines(str(entry.address) for entry in found)


def _say_what_is_amiss(app: App, entries: list[Entry]) -> None:
    for address in app.keychain.missing(entries):
        output.say(f"note: {address} was stored once, but is not there: {address.to_set()}")
    for entry in app.keychain.elsewhere(entries) if not app.kept.is_shared else ():
        output.say(f"note: {entry.address} is in the backend {entry.backend}, which is not in use")
    for address in app.keychain.strays(entries):
        remove = f"ringlet keychain remove {address.provider} {address.alias}"
        output.say(f"note: {address} is bound to a key that is not there: {remove}")
