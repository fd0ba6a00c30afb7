"""Where the edits of a receipt stand in a file now, which may have been changed since."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import RingletError
from ringlet_py.files.digest import digest_of
from ringlet_py.moving.cutting import lines_around, print_of_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ringlet_py.moving.cutting import Removed
    from ringlet_py.moving.reading import Source
    from ringlet_py.moving.receipts import FileReceipt

_MARK = "ringlet: "  # how every comment that was left begins
SAME, CHANGED, RESTORED = "same", "changed", "restored"


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """A file of a receipt as it is now; `state` is whether it is as it was left, `places` where each edit goes."""

    receipt: FileReceipt
    source: Source
    state: str
    places: tuple[int, ...] = ()

    def filled(self, value: Callable[[str], str]) -> str:
        """The text with what was removed in its place again; `value` gives what stands for the key of an address."""
        pieces, end, text = [], 0, self.source.text
        for place, removed in zip(self.places, self.receipt.removed, strict=True):
            pieces += [text[end:place], "".join(each.text or value(each.address) for each in removed.pieces)]
            end = place + len(removed.left)
        return "".join([*pieces, text[end:]])


def placed(receipt: FileReceipt, source: Source, *, before: str) -> Placed:
    """Where its edits stand; `before` is the fingerprint of what the file holds now.

    Raises RingletError where one of them cannot be told.
    """
    if before and before == receipt.before:
        return Placed(receipt=receipt, source=source, state=RESTORED)
    if digest_of(source.raw) == receipt.after:
        places = tuple(each.start for each in receipt.removed)
        return Placed(receipt=receipt, source=source, state=SAME, places=places)
    if _stands(receipt.removed, source.text):
        return Placed(receipt=receipt, source=source, state=RESTORED)
    places = tuple(_found(each, source) for each in receipt.removed)
    if list(places) != sorted(places):
        raise RingletError(f"{source.path} was changed, and what was cut cannot be placed in it in order")
    return Placed(receipt=receipt, source=source, state=CHANGED, places=places)


def _found(removed: Removed, source: Source) -> int:
    """The one place where what was left still stands."""
    if _MARK in removed.left:
        places = [found.start() for found in re.finditer(re.escape(removed.left), source.text)]
    else:
        places = list(_by_lines(removed, source.text))
    if len(places) != 1:
        there = "is gone" if not places else f"stands there {len(places)} times"
        raise RingletError(f"{source.path} was changed, and what was left in line {removed.line} {there}")
    return places[0]


def _by_lines(removed: Removed, text: str) -> Iterator[int]:
    """The places in lines that are as they were left."""
    height = removed.left.count("\n")
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    for start in starts[: len(starts) - height]:
        place = start + removed.column
        first, lines = lines_around(text, place, place + len(removed.left))
        if first == start and place <= len(text) and print_of_lines(lines) == removed.around:
            yield place


def _stands(removed: Sequence[Removed], text: str) -> bool:
    """Whether all that was removed stands there again, whatever the values: somebody put it back."""
    if any(_MARK not in each.left or each.left in text for each in removed):
        return False
    return all(re.search("".join(_pattern(each)), text) for each in removed)


def _pattern(removed: Removed) -> list[str]:
    return [re.escape(piece.text) if piece.text else r"[!-~]+" for piece in removed.pieces]
