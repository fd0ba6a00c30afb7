"""What formats have in common whose assignments are whole statements, or entries of one: nushell and PowerShell."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit, mark
from ringlet_py.moving.formats.given import Given, spots_of, unless_unclean
from ringlet_py.moving.formats.statements import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.moving.formats import Spot
    from ringlet_py.moving.formats.statements import Statement, Statements

    Span = tuple[int, int]
    Moved = list[tuple[Spot, str]]

UNCLEAR = "it is not a plain string in a statement of its own"
_SEPARATOR = re.compile(r"[ \t]*;[ \t]*")


@dataclass(frozen=True, kw_only=True)
class Said:
    """A value that is given to a name, what goes with it, and the statement, which goes if all of it does."""

    given: Given
    cut: Span = (0, 0)
    statement: Span = (0, 0)


class ByStatement:
    """A format with `#` comments whose empty statements do nothing; a language says what its statements say."""

    tokens: re.Pattern[str]
    loose: re.Pattern[str]  # what looks like an assignment: groups of names and values by turns
    use: re.Pattern[str]  # what uses a variable; its groups are names

    def said(self, text: str, statement: Statement) -> Iterable[Said]:
        """The values that the statement gives, if that is certain."""
        raise NotImplementedError

    def spots(self, text: str) -> list[Spot]:
        return spots_of(text, (each.given for each in self._all(text, Reader(text, self.tokens).read())))

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        read = Reader(text, self.tokens).read()
        every = {each.given.start: each for each in self._all(text, read)}
        left = {start: each.statement for start, each in every.items()}
        for spot, _ in cut:
            del left[spot.start]
        gone: dict[Span, Moved] = {}
        for spot, address in cut:
            each = every[spot.start]
            part = each.cut if each.statement in left.values() else each.statement
            gone.setdefault(part, []).append((spot, address))
        return _edits(text, read, gone)

    def _all(self, text: str, read: Statements) -> list[Said]:
        exact = [said for statement in read.found for said in self.said(text, statement)]
        known = {said.given.start for said in exact}
        every = [*exact, *(said for said in self._loosely(text, read) if said.given.start not in known)]
        uses = self._uses(text, read)
        every = [self._unless_used(text, said, uses) for said in every]
        return sorted(every, key=lambda said: said.given.start)

    def _loosely(self, text: str, read: Statements) -> Iterable[Said]:
        unclear = f"what the shell makes of it from line {text.count(chr(10), 0, max(read.lost, 0)) + 1} on is unclear"
        for found in self.loose.finditer(text):
            name, value = (number for number in range(1, len(found.groups()) + 1) if found[number] is not None)
            start, end = found.span(value)
            why_not = unclear if 0 <= read.lost <= start else UNCLEAR
            if not _within(start, read.comments):
                yield Said(given=Given(name=found[name], start=start, end=end, why_not=why_not))

    def _uses(self, text: str, read: Statements) -> dict[str, int]:
        found = (use for use in self.use.finditer(text) if not _within(use.start(), read.comments))
        return {use[use.lastindex or 0].lower(): use.start() for use in found}

    def _unless_used(self, text: str, said: Said, uses: dict[str, int]) -> Said:
        given = unless_unclean(text, said.given)
        if not given.why_not and given.name.lower() in uses:
            line = text.count("\n", 0, uses[given.name.lower()]) + 1
            given = replace(given, why_not=f"it is used in line {line}")
        return replace(said, given=given)


def with_separator(text: str, start: int, end: int) -> Span:
    """The place of a statement with the `;` behind it."""
    separator = _SEPARATOR.match(text, end)
    return start, separator.end() if separator else end


def _within(place: int, spans: Sequence[Span]) -> bool:
    before = bisect_left(spans, (place + 1, 0)) - 1
    return before >= 0 and spans[before][1] > place


def _edits(text: str, read: Statements, gone: dict[Span, Moved]) -> list[Edit]:
    """The edits that take these parts out; a whole line becomes its mark, other marks stand at the ends of lines."""
    edits: list[Edit] = []
    lines: dict[int, Moved] = {}
    for (start, end), moved in gone.items():
        whole = _is_line(text, start, end)
        edits.append(Edit(start=start, end=end, left=f"# {mark(moved)}" if whole else ""))
        if not whole:
            lines.setdefault(read.ends[bisect_left(read.ends, end)], []).extend(moved)
    marks = [Edit(start=end, end=end, left=f" # {mark(moved)}") for end, moved in lines.items()]
    return sorted([*edits, *marks], key=lambda edit: (edit.start, edit.end))


def _is_line(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands on the lines but a comment."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    after = text[end:].partition("\n")[0]
    return not before.strip() and (not after.strip() or (after.lstrip().startswith("#") and text[end] in " \t"))
