"""TOML: a string of a table's own line becomes a comment, one in `{…}` goes with its comma.

What the scanner says is believed only where the real parser, given the same text with other values in these places,
finds just these values changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.errors import ConfigError
from ringlet_py.files.toml import parse
from ringlet_py.moving.formats import Edit, applied, mark
from ringlet_py.moving.formats.members import without
from ringlet_py.moving.formats.places import Alone, Places
from ringlet_py.moving.formats.toml_reading import LostError, Scanner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ringlet_py.moving.formats import Spot
    from ringlet_py.moving.formats.toml_reading import String

_PAIR = re.compile(r"""^[ \t]*["']?(?P<name>[\w.-]+)["']?[ \t]*=[ \t]*(["'])(?P<value>[^"'\n]*)\2""", re.MULTILINE)
_SAFE = re.compile(r"[ !#-&(-\[\]-~]+")  # printable, without quotes and the backslash
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]+")


class TomlText(Alone):
    """Agents' settings in TOML."""

    def spots(self, text: str) -> list[Spot]:
        scanner = _scanned(text)
        if scanner is None:
            return _loosely(text)
        places = Places(text)
        return [spot for string in scanner.strings for spot in _spots(places, scanner, string)]

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        scanner = _scanned(text)
        if scanner is None:
            return []
        given = {spot.start: (spot, address) for spot, address in cut}
        chosen = [string for string in scanner.strings if string.start in given]
        lines = [string for string in chosen if string.member is None]
        edits = [*_line_edits(scanner, lines, given), *_brace_edits(scanner, chosen, given)]
        return sorted(edits, key=lambda edit: (edit.start, edit.end))


def _spots(places: Places, scanner: Scanner, string: String) -> list[Spot]:
    return places.spots_of_string(string.key.parts[-1], string.start, string.end, _why_not(scanner, string))


def _why_not(scanner: Scanner, string: String) -> str:
    if string.kind == "element":
        return "it is an element of a list"
    if string.kind == "long":
        return "it is a string of several lines"
    if string.member is not None and len(string.key.parts) > 1:
        return "its key has dots, within braces"
    if len(string.key.parts) > 1 and _has_header(scanner, string):
        return "its table has a header as well"
    sure = _SAFE.fullmatch(scanner.text, string.start, string.end)
    return "" if sure and all(map(_SAFE_NAME.fullmatch, string.key.parts)) else "it is written in an unusual way"


def _scanned(text: str) -> Scanner | None:
    """The document's places; None if it is not TOML, or if the real parser reads it otherwise."""
    scanner = Scanner(text)
    try:
        scanner.scan()
        return scanner if _is_proved(scanner) else None
    except (LostError, ConfigError, RecursionError):
        return None


def _has_header(scanner: Scanner, string: String) -> bool:
    """Whether a header defines what the dots of a key do, or a part of it."""
    table = (*scanner.headers[string.section], *string.key.parts[:-1])
    return any(header[: len(table)] == table for header in scanner.headers)


def _is_proved(scanner: Scanner) -> bool:
    """Whether the parser finds each string where it is said to stand, and nothing else there."""
    text = scanner.text
    sure = [string for string in scanner.strings if not _why_not(scanner, string)]
    edits = [Edit(start=each.start, end=each.end, left=_stand_in(number)) for number, each in enumerate(sure)]
    before = parse(text, "", error=ConfigError)
    after = list(_leaves(parse(applied(text, edits), "", error=ConfigError)))
    expected = {_stand_in(number): each for number, each in enumerate(sure)}
    restored = [
        (path, text[expected[leaf].start : expected[leaf].end] if path[-1:] == expected[leaf].key.parts[-1:] else None)
        if leaf in expected
        else (path, leaf)
        for path, leaf in after
    ]
    return restored == list(_leaves(before))


def _stand_in(number: int) -> str:
    return f"\ue000ringlet {number}"


def _leaves(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value that is no table and no list, by its path; numbers and dates as Python writes them."""
    if isinstance(document, (dict, list)):
        yield path, type(document).__name__
        for name, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield from _leaves(value, (*path, name))
    else:
        yield path, document if isinstance(document, str) else repr(document)


def _line_edits(scanner: Scanner, lines: Sequence[String], given: dict[int, tuple[Spot, str]]) -> Iterator[Edit]:
    """A line becomes a comment; where a table would vanish that dotted keys alone define, it is left empty."""
    emptied = _emptied(scanner, lines)
    for string in lines:
        comment = f"# {mark([given[string.start]])}"
        path = (string.section, string.key.parts[:-1])
        if path in emptied:
            emptied.discard(path)
            comment = f"{scanner.text[string.key.start : string.key.head]} = {{}} {comment}"
        yield Edit(start=string.key.start, end=string.whole, left=comment)


def _emptied(scanner: Scanner, lines: Sequence[String]) -> set[tuple[int, tuple[str, ...]]]:
    """The tables, by section and path in it, that dotted keys define and of which these are all."""
    gone = {string.key.start for string in lines}
    kept = [(section, key.parts) for section, key in scanner.keys if key.start not in gone]
    candidates = {(string.section, string.key.parts[:-1]) for string in lines if len(string.key.parts) > 1}
    empty = {each for each in candidates if not any(_is_within(key, each) for key in kept)}
    # `a.b = {}` says that there is an `a` as well
    return {each for each in empty if not any(_is_within(other, each) and other != each for other in empty)}


def _is_within(inner: tuple[int, tuple[str, ...]], outer: tuple[int, tuple[str, ...]]) -> bool:
    return inner[0] == outer[0] and inner[1][: len(outer[1])] == outer[1]


def _brace_edits(scanner: Scanner, chosen: Sequence[String], given: dict[int, tuple[Spot, str]]) -> Iterator[Edit]:
    """Pairs go from their braces, and a comment stands behind the statement."""
    inner = [string for string in chosen if string.member is not None]
    for statement in sorted({string.statement for string in inner}):
        said = mark([given[string.start] for string in inner if string.statement == statement])
        end = scanner.statements[statement]
        yield Edit(start=end, end=end, left=f" # {said}")
    starts = {string.member.start for string in inner if string.member}
    for table in scanner.tables:
        yield from without(scanner.text, table, starts)


def _loosely(text: str) -> list[Spot]:
    """What looks like a key and a string in a text that is not TOML; none of it is certain."""
    places = Places(text)
    return [
        spot
        for found in _PAIR.finditer(text)
        for spot in places.spots_of_string(found["name"], *found.span("value"), why_not="the file is not valid TOML")
    ]
