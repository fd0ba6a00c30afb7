"""Takes members out of `{…}`, each with one comma, so that what is left is as valid as it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.moving.formats import Spot


@dataclass
class Member:
    """One `name: value`, from its name to the end of its value; `comma` is where the comma behind it stands."""

    name: str
    start: int
    end: int = -1
    comma: int = -1
    spots: list[Spot] = field(default_factory=list)


@dataclass
class Table:
    """What stands between two braces, which are left out of `start` and `end`."""

    start: int
    end: int = -1
    members: list[Member] = field(default_factory=list)


def without(text: str, table: Table, cut: set[int]) -> Iterator[Edit]:
    """The edits that take out the members which start at these places."""
    members = table.members
    left = [number for number, member in enumerate(members) if member.start not in cut]
    if len(left) == len(members):
        return
    if not left and _only_blanks_around(text, table):
        yield Edit(start=table.start, end=table.end, left="")
        return
    last = left[-1] if left else len(members)
    for number, member in enumerate(members):
        if number < last and number not in left:
            yield from _with_comma_after(text, members, number)
        elif number > last:
            yield from _with_comma_before(text, members[number - 1].comma, member)


def _only_blanks_around(text: str, table: Table) -> bool:
    """Whether no comment stands between the members, or before and after them."""
    place, between = table.start, ""
    for member in table.members:
        between += text[place : member.start]
        place = member.end
    return not (between + text[place : table.end]).replace(",", "").strip()


def _with_comma_after(text: str, members: list[Member], number: int) -> Iterator[Edit]:
    """The member, its comma, and the white space to the next member; a comment in between stays."""
    member = members[number]
    if member.comma < 0:
        yield Edit(start=member.start, end=member.end, left="")
        return
    following = members[number + 1].start if number + 1 < len(members) else member.comma + 1
    if text[member.end : following].strip() == ",":
        yield Edit(start=member.start, end=following, left="")
        return
    yield Edit(start=member.start, end=member.end, left="")
    yield Edit(start=member.comma, end=member.comma + 1, left="")


def _with_comma_before(text: str, comma: int, member: Member) -> Iterator[Edit]:
    """The comma before the member, the white space in between, and the member; a comment in between stays."""
    if not text[comma + 1 : member.start].strip():
        yield Edit(start=comma, end=member.end, left="")
        return
    yield Edit(start=comma, end=comma + 1, left="")
    yield Edit(start=member.start, end=member.end, left="")
