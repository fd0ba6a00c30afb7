"""The options of `ringlet pools` that say what a pool is, and what is checked of them before anything is written."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py import values
from ringlet_py.cli import output
from ringlet_py.entry import Address, check_name
from ringlet_py.errors import CatalogNotFound, InvalidField, InvalidName
from ringlet_py.fields import parse_filter
from ringlet_py.limits import tier_named
from ringlet_py.suggest import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.app import App
    from ringlet_py.entry import Entry
    from ringlet_py.fields import Filter
    from ringlet_py.pools import Pool

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Name = Annotated[str, typer.Argument(help="The pool.")]
Provider = Annotated[str, typer.Argument(help="Who sells the API, for example openai.")]
Alias = Annotated[str, typer.Argument(help="Which of the provider's keys.")]
Feature = Annotated[str, typer.Option("--feature", help="What the key is wanted for, for example image.")]

Policy = Annotated[str | None, typer.Option("--policy", help="Which key is next: round-robin by default.")]
Limit = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="RATE", help="On each key, for each feature: 4/minute (repeatable)."),
]
PoolLimit = Annotated[
    list[str] | None, typer.Option("--pool-limit", metavar="RATE", help="On all keys together (repeatable).")
]
OrgLimit = Annotated[
    list[str] | None, typer.Option("--org-limit", metavar="RATE", help="On the keys of each org (repeatable).")
]
Quota = Annotated[
    list[str] | None,
    typer.Option("--quota", metavar="RATE", help="For each caller and feature, of keys not its own (repeatable)."),
]
Bypass = Annotated[
    list[str] | None, typer.Option("--bypass", metavar="CALLER", help="A caller whom no quota counts (repeatable).")
]
Tier = Annotated[str | None, typer.Option("--tier", help="Only keys of this tier.")]
Owner = Annotated[
    str | None, typer.Option("--owner", help="Only keys of this owner: everyone (default), user:ID or channel:ID.")
]
Org = Annotated[str | None, typer.Option("--org", help="Only keys of this org.")]
Label = Annotated[str | None, typer.Option("--label", help="Only keys with this label.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="FIELD=VALUE", help="Only keys whose field says so (repeatable)."),
]


def rates(**options: list[str] | None) -> dict[str, list[str] | None]:
    """Repeatable options as a pool takes them: None where nothing was said, and none for ""."""
    return {name: None if given is None else [text for text in given if text] for name, given in options.items()}


def conditions(before: Iterable[Filter], where: list[str] | None, **own: str | None) -> list[str] | None:
    """The conditions that follow from those before; None where nothing was said.

    An option, or --where FIELD=VALUE, takes the place of what was said of that field; an option with "" takes it away,
    and --where "" takes all away.
    """
    said = {name: text for name, text in own.items() if text is not None}
    if where is None and not said:
        return None
    given = [parse_filter(text) for text in where or [] if text]
    given += [parse_filter(f"{name}={text}") for name, text in said.items() if text]
    anew = {one.field for one in given}.union(said)
    kept = [] if "" in (where or []) else [one for one in before if one.field not in anew]
    return [f"{one.field}={one.text}" for one in (*kept, *given)]


def check_words(app: App, name: str, *texts: str) -> None:
    """What people say of pools is no secret, and it is listed: a key that was pasted there is refused."""
    providers = app.catalog.providers
    why = "a key is never given on the command line; this one is now in your shell's history"
    hint = "take it out of the history, make a new key, and store that: ringlet keychain set PROVIDER"
    if values.looks_like_key(name, providers):
        raise InvalidName("the name looks like a key", why=why, hint=hint)
    if any(values.looks_like_key(text, providers) for text in texts):
        raise InvalidField("what the pool is to say looks like a key", why=why, hint=hint)
    if not all(text.isprintable() for text in texts):
        raise InvalidField("the pool would have a character that cannot be shown", hint="write it on one line")


def check_tiers(app: App, where: Iterable[str] | None) -> None:
    """A tier that is not there is a slip: TierNotFound, with the nearest one."""
    found = [one.text for one in map(parse_filter, where or []) if one.field == "tier" and one.text]
    if not found:
        return
    tiers = app.lending.tiers.all()
    for name in found:
        tier_named(name, tiers)


def check_provider(app: App, name: str, entries: Iterable[Entry]) -> str:
    """The name, if the catalog or some key knows it, or nothing that is known is near: else CatalogNotFound."""
    address = values.check_address(Address(check_name("provider", name)), app.catalog.providers)
    known = {*app.catalog.providers, *(entry.address.provider for entry in entries)}
    if name not in known and nearest(name, known):
        raise CatalogNotFound(
            f"there is no provider {name!a} in the catalog, and no key of it",
            why=did_you_mean(name, known),
            hint=f"if it is right, store a key of it first: {address.to_set()} --force",
        )
    return name


def entry_of(app: App, provider: str, alias: str) -> Entry:
    """What is known of the key; KeyNotFound, with the nearest one."""
    address = values.check_address(Address(provider, alias), app.catalog.providers)
    found = app.kept.entries.entry(address)
    if found is None:
        raise app.keychain.not_found(address)
    return found


def differences(before: Pool, after: Pool) -> list[tuple[str, str, str]]:
    """The fields that differ, as their options are called: name, text before and text after."""
    old, new = document(before), document(after)
    return [
        (_OPTIONS.get(name, name), in_words(old[name]), in_words(new[name])) for name in new if old[name] != new[name]
    ]


def in_words(value: Any) -> str:
    """What a field of a pool says, for people."""
    return (", ".join(value) if isinstance(value, list) else str(value)) or "-"


def document(pool: Pool) -> dict[str, Any]:
    """The pool for programs, with the fields too that are at their default."""
    said = pool.table()
    lists = {name: said.get(name.replace("_", "-"), []) for name in _LISTS}
    return {"name": pool.name, "provider": pool.provider, "policy": pool.policy, **lists}


_LISTS = ("limits", "pool_limits", "org_limits", "quota", "bypass", "where")
_OPTIONS = {"limits": "limit", "pool_limits": "pool-limit", "org_limits": "org-limit"}
# the conditions that a key fits if it is stored with the option of that name
_GIVEN = ("label", "org", "owner", "tier", "source", "login", "batch")


def warn_if_empty(pool: Pool, members: list[Entry]) -> None:
    """A pool without keys is allowed, and every claim on it fails."""
    if members:
        return
    fits = " and ".join(f"{one.field}={one.text}" for one in pool.where)
    fields = "".join(
        f" --{one.field} {shlex.quote(one.text)}" for one in pool.where if one.field in _GIVEN and one.text
    )
    what = f"no key of {pool.provider} with {fits}" if fits else f"no key of {pool.provider}"
    output.say(output.printable(f"warning: {what} yet: ringlet keychain set {pool.provider} ALIAS{fields}"))
