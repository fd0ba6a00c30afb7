"""Places in a text: its lines, and the spots that are made of them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Spot
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BOM = "\ufeff"
TWICE = "names stand in the file twice, and what is below one of them may not count"
PART = "it is a part of a longer text"
# a word of a longer text that could be a key; no key of a provider is shorter, and none is without a digit
_WORD = re.compile(r"[A-Za-z0-9_.~+-]{16,}")
_DIGIT = re.compile(r"[0-9]")
_LOST = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Line:
    """One line: `text[start:end]` without, `text[start:stop]` with its line end."""

    start: int
    end: int
    stop: int


def lines_of(text: str) -> Iterator[Line]:
    r"""The lines of a text, which end in `\n` or `\r\n`; a byte order mark belongs to none."""
    start = len(BOM) if text.startswith(BOM) else 0
    while start < len(text):
        found = text.find("\n", start)
        stop = len(text) if found < 0 else found + 1
        end = stop if found < 0 else found
        yield Line(start, end - (found > start and text[end - 1] == "\r"), stop)
        start = stop


def line_end(text: str) -> str:
    """The line end that the text has, of which its first is taken."""
    found = text.find("\n")
    return "\r\n" if found > 0 and text[found - 1] == "\r" else "\n"


def blank_before(text: str, at: int, *, lowest: int = 0) -> int:
    """Where the blanks begin that stand right before this place in its line."""
    while at > lowest and text[at - 1] in " \t":
        at -= 1
    return at


class Alone:
    """A format whose files read no others."""

    def sourced(self, text: str) -> list[str]:  # noqa: ARG002 - nothing in it could tell
        return []


class Places:
    """Makes the spots of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def line(self, at: int) -> int:
        """The number of the line in which the place is, from 1."""
        return bisect_left(self._ends, at) + 1

    def spots(self, name: str, start: int, end: int, why_not: str = "") -> list[Spot]:
        """The spot of this value; none of one that is empty, or whose bytes are no text."""
        value = self.text[start:end]
        if not value or _LOST.search(value):
            return []
        return [
            Spot(name=name, line=self.line(start), start=start, end=end, value=Secret(value), why_not=why_not),
        ]

    def spots_of_string(self, name: str, start: int, end: int, why_not: str = "") -> list[Spot]:
        """The same, or the words of a longer text (`Bearer …`, `--key=…`) that could be keys, which are never cut."""
        words = [found.span() for found in _WORD.finditer(self.text, start, end) if _DIGIT.search(found[0])]
        if not words or words == [(start, end)]:
            return self.spots(name, start, end, why_not)
        return [spot for word in words for spot in self.spots(name, *word, why_not=PART)]


def repeated(names: Iterable[str]) -> set[str]:
    """The names that are there more than once."""
    return {name for name, times in Counter(names).items() if times > 1}


def doubted(spots: Iterable[Spot], why_not: str) -> list[Spot]:
    """The spots, none of them certain; the same, if there is no reason."""
    return [replace(spot, why_not=spot.why_not or why_not) for spot in spots]


def in_order(spots: Sequence[Spot]) -> list[Spot]:
    """The spots in the order of the text."""
    return sorted(spots, key=lambda spot: spot.start)
