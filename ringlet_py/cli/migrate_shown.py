"""How `ringlet migrate` shows what it found and what it would do; never a value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ringlet_py.cli import output
from ringlet_py.cli.migrate_chosen import short
from ringlet_py.moving.finding import is_sure
from ringlet_py.moving.judging import LEFT, PERHAPS, SURE
from ringlet_py.moving.redacting import difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringlet_py.moving.applying import Plan
    from ringlet_py.moving.finding import Find

HEADINGS = {
    SURE: "to be moved by: ringlet migrate apply",
    PERHAPS: "perhaps keys; moved with --select",
    LEFT: "left where they are",
}


def finds(found: Sequence[Find], *, home: str, headings: Mapping[str, str] = HEADINGS) -> None:
    """A table for each level that has a heading."""
    for level, heading in headings.items():
        own = [find for find in found if find.level == level]
        if own:
            output.say(f"{heading}:")
            output.table(("WHERE", "NAME", "VALUE", "ADDRESS", "NOTE"), [_row(find, home) for find in own])


def _row(find: Find, home: str) -> tuple[str, ...]:
    where = short(find.place, home) + (f":{find.line}" if find.line else "")
    notes = [find.why, "in the keychain already" if find.stored and find.level == SURE else "", _removal(find)]
    cells = (where, find.name, find.tail, find.address or "-", "; ".join(filter(None, notes)))
    return tuple(output.printable(cell) for cell in cells)


def _removal(find: Find) -> str:
    return f"remove it there: {find.remove}" if find.remove else ""


def as_json(find: Find) -> dict[str, Any]:
    """The find for programs."""
    return {
        "place": find.place,
        "kind": find.kind,
        "line": find.line or None,
        "variable": find.name,
        "provider": find.judgement.provider,
        "address": find.address,
        "stored": find.stored,
        "tail": find.tail,
        "level": find.level,
        "certain": is_sure(find),
        "why_not": find.why,
        "remove": find.remove,
    }


def notes(texts: Iterable[str]) -> None:
    """What could not be looked at, or is worth knowing."""
    for text in texts:
        output.say(output.printable(f"note: {text}"))


def next_step(found: Sequence[Find], *, complete: bool) -> None:
    """What a person would type now; nothing is said of what could not be looked at."""
    if not found:
        output.say("no keys lie about" if complete else "no keys were found in what could be looked at")
    elif any(map(is_sure, found)):
        output.say("move them: ringlet migrate apply")


def plan(planned: Plan, *, home: str) -> None:
    """What would be stored, and each file's change as a diff without values."""
    for address in planned.addresses:
        own = [find for find in planned.finds if find.address == address]
        verb = "is in the keychain already" if own[0].stored else f"store {own[0].tail}"
        output.line(output.printable(f"{address}: {verb} ({', '.join(dict.fromkeys(_at(f, home) for f in own))})"))
    for find in planned.variables:
        output.line(output.printable(f"{find.place}: take out {find.name}"))
    sys.stdout.flush()
    for cut in planned.cuts:
        source = cut.text.source
        if source.real != source.path:
            output.line(f"# {short(source.path, home)} is a link to {short(source.real, home)}")
        diff(short(source.path, home), *cut.shown)
        notes(cut.notes)


def _at(find: Find, home: str) -> str:
    return f"{find.name} in {short(find.place, home)}" + (f":{find.line}" if find.line else "")


def diff(name: str, before: str, after: str) -> None:
    """A unified diff."""
    output.lines(output.printable(line) for line in difference(name, before, after))
    sys.stdout.flush()  # what is said next must not overtake it where both go into one file
