"""What a file will be once its keys are cut out of it, and what was removed, as pieces without a value."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.errors import RingletError
from ringlet_py.files.digest import digest_of
from ringlet_py.moving.formats import applied, encoded
from ringlet_py.moving.judging import NETRC
from ringlet_py.moving.redacting import redacted
from ringlet_py.values import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ringlet_py.moving.finding import Find, Text
    from ringlet_py.moving.formats import Edit, Spot
    from ringlet_py.profile.provider import Provider


@dataclass(frozen=True)
class Piece:
    """A part of what was removed: text as it stood, or the key that stood there."""

    text: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Removed:
    """One edit as a receipt keeps it: where it is in the new text, what was left there, and what was removed.

    `around` is the SHA-256 of the whole lines that it is in, and `column` where in them it begins: by these it is found
    again where nothing was left to find it by.
    """

    line: int
    start: int
    column: int
    around: str
    left: str
    pieces: tuple[Piece, ...]

    @property
    def addresses(self) -> list[str]:
        """The keys that stood in it."""
        return [piece.address for piece in self.pieces if piece.address]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """One file without its keys; `finds` are those that leave it."""

    text: Text
    finds: tuple[Find, ...]
    content: bytes = field(repr=False)
    removed: tuple[Removed, ...]
    shown: tuple[str, str]  # before and after, redacted
    notes: tuple[str, ...] = ()


def cut_of(text: Text, finds: Sequence[Find], providers: Mapping[str, Provider]) -> Cut:
    """The file without these keys, each moved to its address; RingletError, without a value, where that is not safe."""
    before = text.source.text
    spots = [(find.spot, find.address) for find in finds if find.spot is not None]
    spots.sort(key=lambda each: each[0].start)
    edits = text.format.edits(before, spots)
    after = applied(before, edits)
    _check(text, spots, edits, after)
    return Cut(
        text=text,
        finds=tuple(finds),
        content=encoded(after),
        removed=tuple(_removed(text, after, spots, edits, providers)),
        shown=(_shown(before, text, spots, providers), _shown(after, text, spots, providers)),
        notes=(*_program_without(text, finds), *_still_there(text, spots, after)),
    )


def _shown(whole: str, text: Text, spots: Sequence[tuple[Spot, str]], providers: Mapping[str, Provider]) -> str:
    """As people may see it; a value may stand once more beside its spot, and read like no key."""
    shown = redacted(whole, text.format, providers)
    for spot, _ in spots:
        shown = spot.value.redact(shown)
    return shown


def _check(text: Text, spots: Sequence[tuple[Spot, str]], edits: Sequence[Edit], after: str) -> None:
    """The last defence against a format's mistake: the names are gone, and every other has what it had."""
    whole = text.source.text
    kept = [spot for spot in text.format.spots(whole) if not _is_among(spot, spots)]
    found = text.format.spots(after)
    if not edits or [_said(spot, whole) for spot in kept] != [_said(spot, after) for spot in found]:
        raise RingletError(f"{text.source.path} would not be the same without its keys", why="ringlet cannot cut there")


def _said(spot: Spot, text: str) -> tuple[str, str]:
    return spot.name, text[spot.start : spot.end]


def _is_among(spot: Spot, spots: Sequence[tuple[Spot, str]]) -> bool:
    return any(spot.start == other.start and spot.name == other.name for other, _ in spots)


def _removed(
    text: Text,
    after: str,
    spots: Sequence[tuple[Spot, str]],
    edits: Sequence[Edit],
    providers: Mapping[str, Provider],
) -> Iterator[Removed]:
    """The edits as a receipt keeps them; RingletError where a piece of text would hold a value."""
    whole, shift = text.source.text, 0
    for edit in edits:
        inside = [each for each in spots if edit.start <= each[0].start and each[0].end <= edit.end]
        pieces = _pieces(whole, edit, inside)
        line = whole.count("\n", 0, edit.start) + 1
        for part in (*(piece.text for piece in pieces), edit.left):
            if looks_like_key(part, providers) or _holds(part, spots):
                raise RingletError(f"{text.source.path}:{line} holds something else that reads like a key")
        start = edit.start + shift
        first, lines = lines_around(after, start, start + len(edit.left))
        yield Removed(
            line=line, start=start, column=start - first, around=print_of_lines(lines), left=edit.left, pieces=pieces
        )
        shift += len(edit.left) - (edit.end - edit.start)


def lines_around(text: str, start: int, end: int) -> tuple[int, str]:
    """Where the line of `start` begins, and all from there to the end of the line of `end`."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    return first, text[first : last if last >= 0 else len(text)]


def print_of_lines(lines: str) -> str:
    """The SHA-256 by which lines are found again."""
    return digest_of(encoded(lines))


def _pieces(whole: str, edit: Edit, inside: Sequence[tuple[Spot, str]]) -> tuple[Piece, ...]:
    pieces, place = [], edit.start
    for spot, address in inside:
        pieces += [Piece(text=whole[place : spot.start]), Piece(address=address)]
        place = spot.end
    pieces.append(Piece(text=whole[place : edit.end]))
    return tuple(piece for piece in pieces if piece.text or piece.address)


def _holds(part: str, spots: Sequence[tuple[Spot, str]]) -> bool:
    return any(spot.value.redact(part) != part for spot, _ in spots)


def _program_without(text: Text, finds: Sequence[Find]) -> Iterator[str]:
    """Who is without a key from now on, where the file is a program's own, and no shell's that starts others."""
    names = ", ".join(dict.fromkeys(find.name for find in finds))
    path = text.source.path
    readers = {
        "service": os.path.basename(path),
        "mcp": f"an MCP server of {path}",
        "agent": f"the program that reads {path}",
        NETRC: f"whatever reads {path}",
    }
    if text.kind in readers:
        instead = "start it with `ringlet run …`, or leave it out with --select"
        yield f"{readers[text.kind]} no longer gets {names}: {instead}"


def _still_there(text: Text, spots: Sequence[tuple[Spot, str]], after: str) -> list[str]:
    """Where a value that is cut stands once more, in a comment say."""
    lines = [
        number
        for number, line in enumerate(after.splitlines(), 1)
        if any(spot.value.redact(line) != line for spot, _ in spots)
    ]
    return [f"{text.source.path}:{line} will still hold a value" for line in lines]
