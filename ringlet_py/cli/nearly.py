"""Where a filter leaves nothing, or a name is taken that there is not yet: which known name was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.cli import output
from ringlet_py.scope import Scope
from ringlet_py.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ringlet_py.app import App
    from ringlet_py.entry import Entry
    from ringlet_py.fields import Filter

_OF_ADDRESS = ("provider", "alias")
_OF_ENTRY = ("label", "org", "owner", "tier", "source", "login", "batch", "backend")


def say_slips(given: Mapping[str, str], known: Mapping[str, Iterable[str]]) -> None:
    """One note for each given name that is none of the known ones of its kind, but nearly one."""
    for kind, name in given.items():
        names = set(known.get(kind, ()))
        near = nearest(name, names) if name and name not in names else ""
        if near:
            output.say(output.printable(f"note: there is no {kind} {name!a}; did you mean {near!r}?"))


def say_slips_of_filters(wanted: Iterable[Filter], entries: Iterable[Entry]) -> None:
    """The notes for filters that no entry fits."""
    there = list(entries)
    known = {field: {str(getattr(entry.address, field)) for entry in there} for field in _OF_ADDRESS}
    known |= {field: {str(getattr(entry, field)) for entry in there} for field in _OF_ENTRY}
    say_slips({one.field: one.text for one in wanted}, known)


def say_slips_of_scope(app: App, text: str) -> None:
    """The notes for providers, pools and agents in a scope, which may name what comes later."""
    keys = {entry.address.provider for entry in app.kept.entries.entries()}
    known = {"provider": {*app.catalog.providers, *keys}, "pool": {*app.lending.pools.all()}}
    known["agent"] = {*app.catalog.agents}
    for kind, patterns in Scope.parse(text).patterns:
        for name in patterns if kind in known else ():
            if "*" not in name and name not in known[kind]:
                near = nearest(name, known[kind])
                rest = f"; did you mean {near!r}?" if near else " yet"
                output.say(output.printable(f"note: there is no {kind} {name!a}{rest}"))


def say_slips_of_records(query: Any, records: Iterable[Mapping[str, Any]]) -> None:
    """The notes for a query of the audit that no record fits."""
    known: dict[str, set[str]] = {field: set() for field in ("key", "profile", "action", "outcome")}
    for record in records:
        address = str(record.get("address") or "")
        known["key"] |= {address, address.partition("/")[0]} - {""}
        for field in ("profile", "action", "outcome"):
            known[field].add(str(record.get(field) or ""))
    say_slips({field: getattr(query, field) for field in known}, known)
