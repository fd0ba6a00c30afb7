"""A key that lies about: where, whose it is, and what is proposed for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ringlet_py.moving.judging import LEFT, PERHAPS, SURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.moving.formats import Format, Spot
    from ringlet_py.moving.judging import Judgement
    from ringlet_py.moving.reading import Source
    from ringlet_py.moving.stores import Candidate
    from ringlet_py.moving.windows_variables import Variable
    from ringlet_py.secret import Secret

ENVIRONMENT = "the environment"
WINDOWS = "windows"
STORE = "store"  # the kind of what another tool keeps


@dataclass(frozen=True, kw_only=True, eq=False)
class Text:
    """A file that holds spots, and how it is read and edited; `why_not` is why it is not to be touched."""

    source: Source
    format: Format
    kind: str
    why_not: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Find:
    """One place where a key lies; `spot` and `text` where it stands in a file that is ringlet's to edit."""

    place: str
    kind: str
    name: str
    value: Secret | None  # None where to read it would ask a person: see `candidate`
    judgement: Judgement
    line: int = 0  # from 1; 0 where there are no lines
    address: str = ""
    hint: str = ""  # what its alias could be, if `default` is taken
    text: Text | None = None
    spot: Spot | None = None
    candidate: Candidate | None = None
    variable: Variable | None = None  # of the user, on Windows
    remove: str = ""  # how a person removes it there, where ringlet does not
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """Whether it is moved, only if it is asked for, or left where it is."""
        if self.judgement.level == LEFT or self.why_left:
            return LEFT
        return self.judgement.level

    @property
    def why_left(self) -> str:
        """Why its place is not edited, "" if it is, or if that is not the question."""
        if self.spot is not None and not self.spot.certain:
            return self.spot.why_not
        if self.variable is not None:
            return self.variable.why_not
        return self.text.why_not if self.text is not None else ""

    @property
    def why(self) -> str:
        """Why it is not certain that it should be moved, or cannot be; "" if it is certain."""
        return self.why_left or self.judgement.why

    @property
    def stored(self) -> bool:
        """Whether the keychain has this very value already."""
        return bool(self.judgement.stored)

    @property
    def tail(self) -> str:
        """What people may see of the value."""
        return self.value.tail() if self.value is not None else "?"

    @property
    def where(self) -> str:
        """The place with its line."""
        return f"{self.place}:{self.line}" if self.line else self.place

    def at(self, address: str) -> Find:
        """The same, with that address proposed."""
        return replace(self, address=address)


def is_sure(find: Find) -> bool:
    """Whether it is moved without being asked for by name."""
    return find.level == SURE


def is_possible(find: Find) -> bool:
    """Whether it can be moved."""
    return find.level in (SURE, PERHAPS)
