"""The names that a shell's text gives values, and the spots that are made of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Spot
from ringlet_py.moving.formats.loose import loose
from ringlet_py.moving.formats.uses import Uses
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.moving.formats.commands import Command, Script

EXPANDED = "the shell puts it together from an expansion"
PIECES = "it stands there in pieces or with escapes"
UNCLEAN = "it holds control characters or bytes that are not text"
ADDED = "it is added to what the name holds before"
PREFIX = "only the command behind it gets it"
ARGUMENT = "it stands within an argument of a command"
APART = "its command runs in a pipeline or in the background"
REDIRECTED = "its command has a redirection"
OPTIONS = "its command has options that may change the value"
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f\udc80-\udcff]")
_APART = frozenset({"|", "|&", "&", "&|", "&!", ">|"})


@dataclass(frozen=True, kw_only=True)
class Given:
    """A name and its value in a text; `word` is its place among the words of the command, where it stands in one."""

    name: str
    start: int
    end: int
    why_not: str = ""
    command: Command | None = None
    word: int = -1


def in_order(text: str, script: Script, found: Iterable[Given]) -> list[Given]:
    """What was found, and what stands behind the certain part, in the order of the text; what is used again says so."""
    every = list(found)
    if script.lost >= 0:
        line = _line_of(text, script.lost)
        every += loosely(text, script.lost, len(text), f"what the shell makes of it from line {line} on is unclear")
    uses = Uses.of(text, script.comments, script.again)
    return [_unless_used(text, each, uses) for each in sorted(every, key=lambda each: (each.start, -each.end))]


def _unless_used(text: str, each: Given, uses: Uses) -> Given:
    each = unless_unclean(text, each)
    if each.why_not:
        return each
    place = uses.after(each.name, each.start, each.end)
    return replace(each, why_not=f"it is used again in line {_line_of(text, place)}") if place >= 0 else each


def unless_unclean(text: str, each: Given) -> Given:
    """The same, or uncertain because of the characters in its value."""
    return replace(each, why_not=each.why_not or (UNCLEAN if _UNCLEAN.search(text, each.start, each.end) else ""))


def _line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def loosely(text: str, start: int, end: int, why_not: str) -> list[Given]:
    """What looks like an assignment there, all of it uncertain."""
    return [Given(name=name, start=at, end=to, why_not=why_not) for name, at, to in loose(text, start, end)]


def apart(command: Command) -> str:
    """Why what the command does cannot be told from its words alone, if so."""
    if command.redirected:
        return REDIRECTED
    return APART if command.after in _APART or command.before in _APART - {"&", "&!"} else ""


def spots_of(text: str, found: Iterable[Given]) -> list[Spot]:
    """The spots of what was found."""
    lines = [end.start() for end in re.finditer("\n", text)]
    return [
        Spot(
            name=each.name,
            line=bisect_right(lines, each.start - 1) + 1,
            start=each.start,
            end=each.end,
            value=Secret(text[each.start : each.end]),
            why_not=each.why_not,
        )
        for each in found
    ]
