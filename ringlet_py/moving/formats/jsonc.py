"""JSON, also with comments and commas at the end: agents' settings, their logins, and MCP servers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.members import Member, Table, without
from ringlet_py.moving.formats.places import BOM, TWICE, Alone, Places, doubted, in_order, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ringlet_py.moving.formats import Edit, Spot

_SYMBOL = re.compile(
    r"""(?P<blank>[ \t\r\n]+|//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")"""
    r"""|(?P<sign>[{}\[\],:])"""
    r"""|(?P<plain>true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)""",
    re.DOTALL,
)
_PAIR = re.compile(r"""["'](?P<name>[^"'\\\n]+)["']\s*:\s*(?P<quote>["'])(?P<value>[^"'\\\n]*)(?P=quote)""")
_SAFE = re.compile(r"[ !#-\[\]-~]+")
_SAFE_NAME = re.compile(r"[!#-\[\]-~][ !#-\[\]-~]*")


class Jsonc(Alone):
    """Every string is a spot with the name that is nearest; a list's elements keep their places, and are left."""

    def spots(self, text: str) -> list[Spot]:
        document = _document(text)
        return _loosely(text) if document is None else in_order(doubted(document.spots, document.doubt))

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        """The pairs are taken out: a program that reads strictly would refuse a comment in their place."""
        places = {spot.start for spot, _ in cut}
        document = _document(text)
        edits: list[Edit] = []
        for table in document.tables if document else ():
            chosen = {each.start for each in table.members if any(spot.start in places for spot in each.spots)}
            edits += without(text, table, chosen)
        return sorted(edits, key=lambda edit: edit.start)


class _BrokenError(Exception):
    """The text is not JSON."""


@dataclass
class _Level:
    """A list or an object that is open; of a list, `table` is None."""

    name: str
    table: Table | None


@dataclass
class _Document:
    """Goes through the symbols of one text; `wanted` is what may come next."""

    places: Places
    spots: list[Spot] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=list)
    wanted: str = "value"
    doubt: str = ""

    def take(self, kind: str, start: int, end: int) -> None:
        """The next symbol; raises _BrokenError where it may not come."""
        symbol = self.places.text[start] if kind == "sign" else kind
        if symbol in self._allowed():
            self._take(symbol, start, end)
            return
        raise _BrokenError

    def _allowed(self) -> tuple[str, ...]:
        """The symbols that may come; a comma may stand before a closing sign."""
        closing = "" if not self.levels else "]" if self.levels[-1].table is None else "}"
        return {
            "value": ("string", "plain", "{", "["),
            "element": ("string", "plain", "{", "[", "]"),
            "name": ("string", "}"),
            ":": (":",),
            "more": (",", closing),
            "end": (),
        }[self.wanted]

    def _take(self, symbol: str, start: int, end: int) -> None:
        if symbol in "{[":
            self._open(symbol, end)
        elif symbol in "}]":
            self._close(start, end)
        elif symbol == ":":
            self.wanted = "value"
        elif symbol == ",":
            self._comma(start)
        elif self.wanted == "name":
            self._name(start, end)
        else:
            self._value(symbol, start, end)

    def _member(self) -> Member | None:
        table = self.levels[-1].table if self.levels else None
        return table.members[-1] if table else None

    def _nearest(self) -> str:
        """The name that a value here has: its own, or that of the list in which it stands."""
        member = self._member()
        return member.name if member else self.levels[-1].name if self.levels else ""

    def _open(self, symbol: str, end: int) -> None:
        table = Table(end) if symbol == "{" else None
        self.levels.append(_Level(self._nearest(), table))
        self.wanted = "name" if table else "element"

    def _close(self, start: int, end: int) -> None:
        table = self.levels.pop().table
        if table:
            table.end = start
            self._keep(table)
        self._after_value(end)

    def _keep(self, table: Table) -> None:
        """The table is whole."""
        self.doubt = self.doubt or (TWICE if repeated(member.name for member in table.members) else "")
        self.spots += [spot for member in table.members for spot in member.spots]
        self.tables.append(table)

    def _comma(self, start: int) -> None:
        member = self._member()
        if member:
            member.comma = start
        self.wanted = "name" if member else "element"

    def _name(self, start: int, end: int) -> None:
        table = self.levels[-1].table
        if table:
            table.members.append(Member(self.places.text[start + 1 : end - 1], start))
        self.wanted = ":"

    def _value(self, symbol: str, start: int, end: int) -> None:
        if symbol == "string":
            self._string(start + 1, end - 1)
        self._after_value(end)

    def _string(self, start: int, end: int) -> None:
        member, name = self._member(), self._nearest()
        if member:
            member.spots = self.places.spots_of_string(name, start, end, self._why_not(name, start, end))
        else:
            self.spots += self.places.spots_of_string(name, start, end, "it is an element of a list")

    def _why_not(self, name: str, start: int, end: int) -> str:
        sure = _SAFE.fullmatch(self.places.text, start, end) and _SAFE_NAME.fullmatch(name)
        return "" if sure else "it is written with escapes"

    def _after_value(self, end: int) -> None:
        member = self._member()
        if member:
            member.end = end
        self.wanted = "more" if self.levels else "end"


def _document(text: str) -> _Document | None:
    """The text, read; None if it is not JSON."""
    document = _Document(Places(text))
    try:
        for kind, start, end in _symbols(text):
            document.take(kind, start, end)
    except _BrokenError:
        return None
    return document if document.wanted == "end" else None


def _symbols(text: str) -> Iterator[tuple[str, int, int]]:
    at = len(BOM) if text.startswith(BOM) else 0
    while at < len(text):
        found = _SYMBOL.match(text, at)
        if not found or not found.lastgroup:
            raise _BrokenError
        if found.lastgroup != "blank":
            yield found.lastgroup, at, found.end()
        at = found.end()


def _loosely(text: str) -> list[Spot]:
    """What looks like a name and a string in a text that is not JSON; none of it is certain."""
    places = Places(text)
    return [
        spot
        for found in _PAIR.finditer(text)
        for spot in places.spots_of_string(found["name"], *found.span("value"), why_not="the file is not valid JSON")
    ]
