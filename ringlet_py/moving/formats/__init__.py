"""What each kind of file says: which name is given which value where, and how a value is cut out of it.

Every format keeps this contract (`tests/moving/formats/contract.py` is it as tests):

- A text is decoded with `decoded` and encoded with `encoded`, which are each other's inverse for every file.
- `spots` finds every value that a name is given, keys or not; it never raises, whatever the text.
- A spot that could be misread says `why_not`, and is never cut: certain means that the program that reads the file
  would give the name exactly this value, and that the value stands in the text as it is, in one piece.
- `edits` cuts out the given spots (certain ones, of this very text) and nothing else: the text stays valid, every
  other name keeps its value, every other command runs as it did.  Where the format has comments, what is left is one
  that names the address (`mark`).  A shell's `export NAME`, which would leave an empty name, goes with its value.
- After the edits, `spots` finds the same spots without those that were cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One place where a text gives a name a value; `value` is what stands in `text[start:end]`."""

    name: str
    line: int  # from 1
    start: int
    end: int
    value: Secret = field(compare=False)  # secrets are not compared; the place says which spot it is
    why_not: str = ""  # why it is not certain enough to be cut

    @property
    def certain(self) -> bool:
        """Whether it may be cut out."""
        return not self.why_not


@dataclass(frozen=True, kw_only=True)
class Edit:
    """`text[start:end]` becomes `left`; the edits of one text are in order and do not overlap."""

    start: int
    end: int
    left: str


class Format(Protocol):
    """How one kind of file is read and edited."""

    def spots(self, text: str) -> list[Spot]:
        """Every value that a name is given, in the order of the text."""

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        """The edits that cut these spots out, each moved to that address."""

    def sourced(self, text: str) -> list[str]:
        """The files it reads in turn, as written (`~/.keys`, `$HOME/.keys`), where they can be told; else nothing."""


def decoded(raw: bytes) -> str:
    """The text of a file, whatever its bytes are; no line end is changed."""
    return raw.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes of a text from `decoded`."""
    return text.encode("utf-8", "surrogateescape")


def mark(moved: Sequence[tuple[Spot, str]]) -> str:
    """What a comment says of values that were cut out, without the sign that starts a comment."""
    said = ", ".join(f"{spot.name} is {address} in the keychain" for spot, address in moved)
    return f"ringlet: {said} (ringlet migrate undo)"


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text after the edits."""
    pieces, place = [], 0
    for edit in edits:
        pieces += [text[place : edit.start], edit.left]
        place = edit.end
    return "".join([*pieces, text[place:]])
