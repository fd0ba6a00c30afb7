"""`ringlet keychain` edit, rename and remove: for one key that is named, or for all that a filter describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import keychain_fields as options
from ringlet_py.cli import output
from ringlet_py.cli.session import Session, session_of
from ringlet_py.entry import DEFAULT_ALIAS
from ringlet_py.errors import KeyInUse, UsageError
from ringlet_py.fields import differences

if TYPE_CHECKING:
    from ringlet_py.entry import Address, Entry

NewAlias = Annotated[str, typer.Argument(help="The new alias.")]
Named = Annotated[str, typer.Argument(help="Who sells the API; none with --where.")]


def edit_keys(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    provider: Named = "",
    alias: options.Alias = DEFAULT_ALIAS,
    where: options.Where = None,
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
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop-secret", metavar="NAME", help="Take this bound secret away (repeatable)."),
    ] = None,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Change what is known about keys, all or none of it; "" takes a field back, --secret stores a bound secret."""
    fields = options.given(
        label=label, org=org, owner=owner, tier=tier, source=source, login=login, batch=batch,
        expires=expires, active=active, max_uses=max_uses, base_url=base_url, weight=weight,
    )  # fmt: skip
    _edit(session_of(context), (provider, alias), where, fields, secrets=(secret, drop), yes=yes, json=json)


def _edit(
    session: Session,
    names: tuple[str, str],
    where: list[str] | None,
    fields: dict[str, Any],
    *,
    secrets: tuple[list[str] | None, list[str] | None],
    yes: bool,
    json: bool,
) -> None:
    new, drop = secrets
    keychain = session.app.keychain
    if not (fields or new or drop):
        raise UsageError("there is nothing to change", hint="give a field, for example --label LABEL")
    keychain.check_fields(fields)
    entries = options.meant(session.app, *names, where, doing="edit")
    if where and (new or drop):
        raise UsageError(
            "a bound secret is stored or dropped for one key at a time",
            hint="ringlet keychain edit PROVIDER ALIAS --secret NAME",
        )
    if where:
        _ask_for_all(session, entries, "edit", yes=yes)
    bound = options.read_bound(session, entries[0].address, new)
    changed = keychain.edit([entry.address for entry in entries], fields, bound=bound, drop=drop or [])
    if json:
        output.document(changed=[_change(before, after) for before, after in changed])
        return
    for before, after in changed:
        _say_change(before, after, list(bound))


def _change(before: Entry, after: Entry) -> dict[str, Any]:
    fields = {name: {"before": old, "after": new} for name, old, new in differences(before, after)}
    return {"address": str(after.address), "fields": fields}


def _say_change(before: Entry, after: Entry, bound: list[str]) -> None:
    """One line for each field that differs; that a value was stored anew is said without it."""
    changes = [f"{name}: {old or '-'} -> {new or '-'}" for name, old, new in differences(before, after)]
    changes += [f"secret {name}: stored anew" for name in bound if name in before.secrets]
    for change in changes or ["nothing was changed"]:
        output.say(output.printable(f"{after.address}: {change}"))


def rename_key(
    context: typer.Context,
    provider: options.Provider,
    alias: options.Alias,
    new: NewAlias,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Give a key another alias; the profiles that name it go along."""
    from ringlet_py import drafting
    from ringlet_py.moving import made

    session = session_of(context)
    app = session.app
    old, target = options.address_of(app, provider, alias), options.address_of(app, provider, new)
    using = app.profiles.using(old) if old != target else []
    if using and not yes:
        again = f"ringlet keychain rename {provider} {alias} {new} --yes"
        _ask(session, f"{old} is used by {', '.join(using)}", "change them too?", again)

    def meanwhile() -> None:
        drafting.readdress(app.profiles, using, old, target)
        made.receipts(app.folders).readdress(str(old), str(target))

    app.keychain.rename(old, target, meanwhile=meanwhile)
    for name in using:
        output.say(f"changed the profile {name}")
    _say_unreadable(app.profiles.unreadable(), old)
    output.say(f"renamed {old} to {target}")
    if json:
        output.document(before=str(old), after=str(target), profiles=using)


def _say_unreadable(names: list[str], old: Address) -> None:
    if names:
        output.say(f"note: these profiles cannot be read and may use {old}: {', '.join(names)}")


def remove_keys(
    context: typer.Context,
    provider: Named = "",
    alias: Annotated[str, typer.Argument(help="Which of the provider's keys.")] = "",
    where: options.Where = None,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Remove a key with its bound secrets, or all keys that fit --where."""
    session = session_of(context)
    app = session.app
    provider, alias = options.parted(provider, alias)
    if provider and not alias:
        raise UsageError("the alias is missing", hint=f"ringlet keychain remove {provider} {DEFAULT_ALIAS}")
    if provider and not where:
        addresses = [options.address_of(app, provider, alias)]
        if not yes:
            _ask_its_users(session, addresses[0])
    else:
        entries = options.meant(app, provider, alias, where, doing="remove")
        _ask_for_all(session, entries, "remove", yes=yes)
        addresses = [entry.address for entry in entries]
    for address in addresses:
        app.keychain.remove(address)
        output.say(f"removed {address}")
    if json:
        output.document(removed=[str(address) for address in addresses])


def _ask_for_all(session: Session, entries: list[Entry], doing: str, *, yes: bool) -> None:
    """Says how many keys fit the filter and which, with the profiles that use them, and asks."""
    if not yes:
        for entry in entries:
            used = f", used by {', '.join(using)}" if (using := session.app.profiles.using(entry.address)) else ""
            output.say(f"{entry.address}{used}")
        if doing == "remove":
            _say_needed(session, [entry.address for entry in entries])
    count = f"{len(entries)} key{'s' * (len(entries) != 1)}"
    session.confirm(f"{doing} {count}?", otherwise="look at them, and say --yes", yes=yes)


def _ask_its_users(session: Session, address: Address) -> None:
    """A key that profiles name, or that could not be put back where it was, is removed only with consent."""
    using, unreadable = session.app.profiles.using(address), session.app.profiles.unreadable()
    used = [f"{address} is used by {', '.join(using)}"] if using else []
    used += [f"these profiles cannot be read and may use {address}: {', '.join(unreadable)}"] if unreadable else []
    used += _needed(session, [address])
    if not used:
        return
    session.app.keychain.check_there(address)
    _ask(session, "; ".join(used), "remove it?", f"ringlet keychain remove {address.provider} {address.alias} --yes")


def _say_needed(session: Session, addresses: list[Address]) -> None:
    notes = _needed(session, addresses)
    if unreadable := session.app.profiles.unreadable():
        notes.append(f"these profiles cannot be read and may use them: {', '.join(unreadable)}")
    for note in notes:
        output.say(f"note: {note}")


def _needed(session: Session, addresses: list[Address]) -> list[str]:
    """What could not be put back where it was without these keys."""
    from ringlet_py.moving import made

    return [output.printable(each) for each in made.receipts(session.app.folders).needing(*map(str, addresses))]


def _ask(session: Session, used: str, question: str, again: str) -> None:
    if not session.can_ask:
        raise KeyInUse(used, hint=again)
    session.confirm(f"{used}; {question}", otherwise=again, yes=False)
