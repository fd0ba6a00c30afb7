"""launchd's property lists: `EnvironmentVariables` in XML; binary ones are read, and left."""

from __future__ import annotations

import plistlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from ringlet_py.moving.formats import Edit, encoded, mark
from ringlet_py.moving.formats.places import TWICE, Alone, Places, doubted, in_order, repeated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ringlet_py.moving.formats import Spot

VARIABLES = "EnvironmentVariables"
_BINARY = "bplist"
_PAIR = re.compile(r"<key>(?P<name>[^<]*)</key>\s*<string>(?P<value>[^<]*)</string>")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Plist(Alone):
    """Agents and daemons of launchd, and other property lists."""

    def spots(self, text: str) -> list[Spot]:
        if text.startswith(_BINARY):
            return _binary(text)
        pairs = _pairs(text)
        return _loosely(text) if pairs is None else in_order([spot for pair in pairs for spot in pair.spots])

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        addresses = {spot.start: address for spot, address in cut}
        edits = []
        for pair in _pairs(text) or ():
            gone = [(spot, addresses[spot.start]) for spot in pair.spots if spot.start in addresses]
            if gone:
                # two hyphens may not stand in an XML comment, and an alias may have them
                comment = mark(gone).replace("--", "- -")
                edits.append(Edit(start=pair.start, end=pair.end, left=f"<!-- {comment} -->"))
        return edits


class _RefusedError(Exception):
    """A document with entities of its own, which property lists never need."""


@dataclass
class _Pair:
    """A string, with the key before it if it has one of its own."""

    name: str
    start: int
    end: int
    spots: list[Spot]


@dataclass
class _Element:
    """An element that is open; `key` is the last key in it, `[key_start, key_end]` where that stands."""

    tag: str
    start: int
    said: str = ""
    key: str = ""
    key_start: int = -1
    key_end: int = -1
    plain: bool = True
    keys: list[str] = field(default_factory=list)


class _Reader:
    """Follows the parser's events, whose places are those of bytes."""

    def __init__(self, text: str) -> None:
        self._raw = encoded(text)
        self._text = text
        self._places = Places(text)
        self._open: list[_Element] = []
        self._parser = expat.ParserCreate("utf-8")
        self._char, self._byte = 0, 0
        self.pairs: list[_Pair] = []
        self.doubt = ""

    def read(self) -> None:
        """Reads it all; raises expat.ExpatError for what is no XML, and _RefusedError."""
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._said
        self._parser.EntityDeclHandler = self._entity
        self._parser.Parse(self._raw, True)  # noqa: FBT003 - the parser's own signature

    def _entity(self, *_: Any) -> None:
        raise _RefusedError

    def _at(self, byte: int) -> int:
        """The place in the text of a place in its bytes; elements begin one after the other, so it is counted on."""
        if byte < self._byte:
            self._char, self._byte = 0, 0
        self._char += len(self._raw[self._byte : byte].decode("utf-8", "surrogateescape"))
        self._byte = byte
        return self._char

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        start = self._at(self._parser.CurrentByteIndex)
        self._open.append(_Element(tag, start, plain=not attributes))

    def _said(self, words: str) -> None:
        self._open[-1].said += words

    def _end(self, tag: str) -> None:
        begin = self._at(self._parser.CurrentByteIndex)
        end = self._text.index(">", begin) + 1
        element = self._open.pop()
        if tag == "key" and self._open:
            self._key(element, end)
        elif tag == "string":
            self._string(element, begin, end)
        elif tag == "dict":
            self._dict(element)

    def _key(self, element: _Element, end: int) -> None:
        outer = self._open[-1]
        outer.key, outer.key_start, outer.key_end = element.said, element.start, end
        outer.keys.append(element.said)

    def _dict(self, element: _Element) -> None:
        """The dict is whole."""
        self.doubt = self.doubt or (TWICE if repeated(element.keys) else "")

    def _string(self, element: _Element, begin: int, end: int) -> None:
        outer = self._open[-1] if self._open else _Element("", 0)
        first = self._text.index(">", element.start) + 1
        name = next((each.key for each in reversed(self._open) if each.key), "")
        raw = self._text[first:begin]
        sure = element.plain and raw == element.said and raw.isascii() and "\n" not in raw
        why_not = self._why_not(outer, element) or ("" if sure else "it is written in an unusual way")
        spots = self._places.spots_of_string(name, first, max(first, begin), why_not)
        self.pairs.append(_Pair(name, outer.key_start, end, spots))

    def _why_not(self, outer: _Element, element: _Element) -> str:
        path = [each.key for each in self._open if each.tag == "dict"]
        if path[:-1] != [VARIABLES] or outer.tag != "dict" or [each.tag for each in self._open[1:]] != ["dict", "dict"]:
            return "it is not one of the environment's variables"
        between = self._text[outer.key_end : element.start]
        usual = not between.strip() and _NAME.fullmatch(outer.key)
        return "" if usual and self._text[outer.key_start :].startswith("<key>") else "its key is unusual"


def _pairs(text: str) -> list[_Pair] | None:
    """Every string of the document, in order; None if it is not a property list in XML."""
    reader = _Reader(text)
    try:
        reader.read()
    except (expat.ExpatError, _RefusedError, ValueError):  # ValueError: no `>` behind an empty element
        return None
    for pair in reader.pairs:
        pair.spots = doubted(pair.spots, reader.doubt)
    return reader.pairs


def _loosely(text: str) -> list[Spot]:
    places = Places(text)
    return [
        spot
        for found in _PAIR.finditer(text)
        for spot in places.spots_of_string(found["name"], *found.span("value"), why_not="the file is not valid XML")
    ]


def _binary(text: str) -> list[Spot]:
    """The variables of a binary property list, whose strings stand in it as they are if they are ASCII."""
    try:
        document = plistlib.loads(encoded(text), fmt=plistlib.FMT_BINARY)
    except Exception:  # noqa: BLE001 - whatever its parser stumbles over, the file is no property list
        return []
    variables = document.get(VARIABLES) if isinstance(document, dict) else None
    if not isinstance(variables, dict):
        return []
    places = Places(text)
    given = [(str(name), value, text.find(value)) for name, value in variables.items() if isinstance(value, str)]
    why_not = "it is a binary property list"
    return in_order(
        [spot for name, value, at in given if at >= 0 for spot in places.spots(name, at, at + len(value), why_not)],
    )
