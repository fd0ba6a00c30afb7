"""Finds many needles in one pass over a stream, in memory that depends on the needles alone.

A text is looked at as whole words of eight bytes, every so many bytes, and each word is looked up in a table: whatever
stands at an anchor of the right length contains one such word.  Only there is the needle itself compared.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.needles import FOLD, PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ringlet_py.needles import Needle

    Read = Callable[[memoryview], int | None]

CHUNK = 1 << 16  # bytes; what fits into a processor's nearest memory is searched fastest
_WORD = 8
_STRIDES = (32, 24, 16, 8, 4, 2, 1)
_PIECE_COST = 1 / 16  # looking for one piece by itself, against looking at a word every eight bytes


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An occurrence of the needle of that number, in a line (from 1)."""

    needle: int
    line: int
    form: str


class Engine:
    """Looks for the needles; one stream at a time."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._needles = needles
        self._patterns: dict[int, re.Pattern[bytes]] = {}
        self._fold = re.compile(FOLD)
        self._kept = _whole_words(max((needle.reach for needle in needles), default=0))
        self._stride = _stride(needles)
        self._words, self._pieces = _tables(needles, self._stride)
        self._buffer = bytearray(self._kept + max(CHUNK, 4 * self._kept) + _WORD)

    def search(self, read: Read) -> Iterator[Hit]:
        """Every occurrence, nearly in the stream's order; `read` fills a buffer and says how far, 0 at the end."""
        buffer, kept = self._buffer, self._kept
        view = memoryview(buffer)
        buffer[:kept] = bytes(kept)  # no needle begins or ends with a zero
        line, seen, room = 1, set[tuple[int, int]](), len(buffer) - _WORD
        end, last = self._fill(read, view[kept:room])
        while True:
            found = self._matches(end)  # what is cut off at the end comes again, whole, in what is kept
            yield from self._hits(found - seen, line)
            if last:
                return
            gone = end - kept
            line += buffer.count(b"\n", 0, gone)
            seen = {(needle, start - gone) for needle, start in found}
            view[:kept] = view[gone:end]
            end, last = self._fill(read, view[kept:room])

    def _fill(self, read: Read, view: memoryview) -> tuple[int, bool]:
        """The end of what is in the buffer now, and whether the stream is at its end."""
        size = 0
        while size < len(view):
            count = read(view[size:])
            if not count:
                break
            size += count
        end = self._kept + size
        self._buffer[end : end + _WORD] = bytes(_WORD)
        return end, size < len(view)

    def _hits(self, found: Iterable[tuple[int, int]], line: int) -> Iterator[Hit]:
        counted = 0
        for needle, start in sorted(found, key=lambda each: each[::-1]):
            line += self._buffer.count(b"\n", counted, start)
            counted = start
            match = self._pattern(needle).match(self._buffer, start)
            yield Hit(needle=needle, line=line, form=self._needles[needle].form_of(match[0] if match else b""))

    def _matches(self, end: int) -> set[tuple[int, int]]:
        """The needles that are in the buffer, and where they start."""
        found = set[tuple[int, int]]()
        for needle, places in self._candidates(end).items():
            for group in _groups(sorted(places), self._needles[needle].reach + PIECE):
                found.update((needle, start) for start in self._compared(needle, group, end))
        return found

    def _compared(self, needle: int, places: list[int], end: int) -> set[int]:
        """Where the needle starts around these places."""
        pattern, reach = self._pattern(needle), self._needles[needle].reach + PIECE
        low, high = max(places[0] - reach, 0), min(places[-1] + reach, end)
        spans = [match.span() for match in pattern.finditer(self._buffer, low, high)]
        starts = {start for start, _ in spans}
        if not self._needles[needle].folds or all(any(a <= place < b for a, b in spans) for place in places):
            return starts
        text, origins = _unfolded(bytes(self._buffer[low:high]), self._fold)
        return starts | {low + _origin(match.start(), origins) for match in pattern.finditer(text)}

    def _candidates(self, end: int) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        pieces = [(_bytes_of(word), self._words[word]) for word in self._words_there(end)]
        for piece, needles in [*pieces, *self._pieces.items()]:
            for place in _places(self._buffer, piece, end):
                for needle in needles:
                    found.setdefault(needle, []).append(place)
        return found

    def _words_there(self, end: int) -> set[int]:
        """The words that are in the buffer, which is what takes the time; nearly always there are none."""
        found, known = set[int](), self._words.keys()
        for start in range(0, _WORD, self._stride) if known else ():
            view = memoryview(self._buffer)[start : start + _whole_words(end - start)]
            words = view.cast("q")[:: max(self._stride // _WORD, 1)]
            if not known.isdisjoint(words):
                found |= known & words
        return found

    def _pattern(self, needle: int) -> re.Pattern[bytes]:
        """Compiled when it is first needed, which for most it never is."""
        if needle not in self._patterns:
            self._patterns[needle] = re.compile(self._needles[needle].pattern)
        return self._patterns[needle]


def _stride(needles: Sequence[Needle]) -> int:
    """Every how many bytes a word is looked at: what is cheapest for these anchors.

    An anchor that is shorter than a word and the stride might hold no such word, and is looked for by itself.
    """
    lengths = [len(anchor) for needle in needles for anchor in needle.anchors]

    def cost(stride: int) -> float:
        return _WORD / stride + _PIECE_COST * sum(length < stride + _WORD - 1 for length in lengths)

    return min(_STRIDES, key=cost)


def _tables(needles: Sequence[Needle], stride: int) -> tuple[dict[int, tuple[int, ...]], dict[bytes, tuple[int, ...]]]:
    """The words to look up, and the anchors that are too short to contain one wherever they stand."""
    words: dict[int, tuple[int, ...]] = {}
    pieces: dict[bytes, tuple[int, ...]] = {}
    for number, needle in enumerate(needles):
        for anchor in needle.anchors:
            if len(anchor) < stride + _WORD - 1:
                pieces[anchor] = (*pieces.get(anchor, ()), number)
                continue
            for place in range(stride):
                word = int.from_bytes(anchor[place : place + _WORD], sys.byteorder, signed=True)
                if number not in words.get(word, ()):
                    words[word] = (*words.get(word, ()), number)
    return words, pieces


def _places(buffer: bytearray, piece: bytes, end: int) -> Iterator[int]:
    place = buffer.find(piece, 0, end)
    while place >= 0:
        yield place
        place = buffer.find(piece, place + 1, end)


def _groups(places: list[int], reach: int) -> Iterator[list[int]]:
    """Places that are near each other together, so that what lies between is looked at once."""
    group = places[:1]
    for place in places[1:]:
        if place - group[-1] > 2 * reach:
            yield group
            group = []
        group.append(place)
    yield group


def _unfolded(text: bytes, fold: re.Pattern[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """The text without the breaks of its lines; and from each place on, how many bytes before it are gone."""
    pieces, origins, place, gone = [], [(0, 0)], 0, 0
    for match in fold.finditer(text):
        pieces.append(text[place : match.start()])
        place = match.end()
        gone += len(match[0])
        origins.append((place - gone, gone))
    return b"".join([*pieces, text[place:]]), origins


def _origin(place: int, origins: list[tuple[int, int]]) -> int:
    """Where the place was before the breaks were taken out."""
    return place + max(gone for start, gone in origins if start <= place)


def _bytes_of(word: int) -> bytes:
    return word.to_bytes(_WORD, sys.byteorder, signed=True)


def _whole_words(size: int) -> int:
    return -(-size // _WORD) * _WORD
