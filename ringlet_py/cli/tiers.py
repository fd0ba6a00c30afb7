"""`ringlet tiers`: named limits, for each feature its rates; keys say which tier they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py import values
from ringlet_py.cli import output
from ringlet_py.cli.session import app_of, session_of
from ringlet_py.errors import ConsentNeeded, InvalidName, UsageError
from ringlet_py.limits import Tier, tier_named
from ringlet_py.pools.store import TIER

if TYPE_CHECKING:
    from ringlet_py.app import App

Name = Annotated[str, typer.Argument(help="The tier.")]
Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_EXAMPLE = "for example ringlet tiers set gold image=4/minute,100/day '*=10/minute'"
_SHOWN = 20  # a longer word may be a key


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Tiers: named limits for keys, feature by feature.", no_args_is_help=True)
    group.command("set")(set_tier)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_tiers)
    for name in ("delete", "rm", "remove"):
        group.command(name, hidden=name != "delete")(delete_tier)
    return group


def set_tier(
    context: typer.Context,
    name: Name,
    rates: Annotated[
        list[str], typer.Argument(metavar="FEATURE=RATE[,RATE]...", help="The rates of a feature; * is every other.")
    ],
    json: Json = False,
) -> None:
    """Make a tier, or replace it: tiers set gold image=4/minute,100/day '*=10/minute'."""
    app = app_of(context)
    if values.looks_like_key(name, app.catalog.providers):
        raise InvalidName("the name looks like a key", why="a key is never given on the command line")
    table = _table(rates)
    before = app.lending.tiers.all().get(name)
    tier = app.lending.tiers.put(name, table)
    if json:
        output.document(tier={"name": name, "rates": tier.table()})
        return
    _say_changes(name, before.table() if before else {}, tier.table())


def list_tiers(context: typer.Context, json: Json = False) -> None:
    """List the tiers, with the rates of each feature, and how many keys have them."""
    app = app_of(context)
    tiers = app.lending.tiers.all()
    if json:
        found = [
            {"name": tier.name, "rates": tier.table(), "keys": _using(app, tier.name)[0]} for tier in tiers.values()
        ]
        output.document(tiers=found)
        return
    output.table(("TIER", "FEATURE", "RATES", "KEYS"), [row for tier in tiers.values() for row in _rows(app, tier)])


def delete_tier(context: typer.Context, name: Name, yes: Yes = False, json: Json = False) -> None:
    """Delete a tier; one that keys use only with a yes, since these can then not be claimed."""
    session = session_of(context)
    app = session.app
    # by name alone: a tier that cannot be read can be deleted
    tier_named(name, {each.name: Tier(each.name, {}) for each in app.kept.documents.documents(TIER)})
    keys, pools = _using(app, name)
    used = " and ".join(filter(None, [_listed("key", keys), _listed("pool", pools)]))
    again = f"ringlet tiers delete {name} --yes"
    if used and not yes:
        if not session.can_ask:
            raise ConsentNeeded(f"the tier {name} is used by {used}", why=_THEN, hint=again)
        session.confirm(f"the tier {name} is used by {used}; {_THEN}; delete it?", otherwise=again, yes=False)
    app.lending.tiers.delete(name)
    output.say(f"deleted {name}")
    if keys:
        output.say(f"note: {_THEN}: ringlet keychain edit --where tier={name} --tier ''")
    if json:
        output.document(deleted=name, keys=keys)


_THEN = "keys whose tier is not there cannot be claimed"


def _table(given: list[str]) -> dict[str, list[str]]:
    """The tier's table as people write it; UsageError for a word that is no feature with its rates."""
    table: dict[str, list[str]] = {}
    for text in given:
        feature, equals, rates = text.partition("=")
        if not (feature and equals):
            shown = f"{text!a}" if len(text) < _SHOWN else "a word"
            raise UsageError(f"{shown} is not a feature with its rates", hint=_EXAMPLE)
        if feature in table:
            raise UsageError(f"the feature {feature!a} is given twice", hint="put its rates together: image=4/m,100/d")
        table[feature] = rates.split(",")
    return table


def _say_changes(name: str, before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    changed = [feature for feature in {**before, **after} if before.get(feature) != after.get(feature)]
    for feature in changed:
        old, new = (", ".join(rates.get(feature, [])) or "-" for rates in (before, after))
        output.say(f"{name}: {feature}: {old} -> {new}")
    if not changed:
        output.say(f"{name}: nothing was changed")


def _rows(app: App, tier: Tier) -> list[tuple[str, ...]]:
    count = str(len(_using(app, tier.name)[0]))
    return [(tier.name, feature, ", ".join(rates), count) for feature, rates in tier.table().items()]


def _using(app: App, name: str) -> tuple[list[str], list[str]]:
    """The keys that have the tier, and the pools that are of such keys."""
    keys = [str(entry.address) for entry in app.kept.entries.entries() if entry.tier == name]
    pools = app.lending.pools.all().values()
    return keys, [pool.name for pool in pools if any((one.field, one.text) == ("tier", name) for one in pool.where)]


def _listed(what: str, names: list[str]) -> str:
    return f"the {what}{'s' * (len(names) != 1)} {', '.join(names)}" if names else ""
