"""Golden cases of shells' files: a text before, the names that are moved out of it, and the text after.

A case is one document in `golden/`: what it shows, then fields, then the two texts, as in

    Only the word goes, and the mark stands at the end of the line.
    shells: sh bash zsh
    moved: KEY
    reported: OTHER, it is used again in line 3
    --- before
    export A=1 KEY=sk-…
    --- after
    export A=1 # ringlet: …

`shells` are those that run both texts; `line ends: crlf` and `last line end: none` say what an editor would not keep.
`set:` names the variables that exist before the file is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Golden:
    """One case."""

    name: str
    shells: tuple[str, ...]
    moved: tuple[str, ...]
    reported: tuple[str, ...]
    before: str
    after: str

    def __repr__(self) -> str:
        return self.name


@cache
def goldens(family: str) -> tuple[Golden, ...]:
    """The cases of one format, by name."""
    return tuple(_golden(path) for path in sorted((FOLDER / family).glob("*.txt")))


def _golden(path: Path) -> Golden:
    head, before, after = path.read_text(encoding="utf-8", errors="surrogateescape").split("--- before\n")[0:1] + (
        path.read_text(encoding="utf-8", errors="surrogateescape").split("--- before\n", 1)[1].split("--- after\n", 1)
    )
    fields = [line.partition(": ") for line in head.splitlines()[1:]]
    said = {name: value for name, _, value in fields if name != "reported"}
    return Golden(
        name=path.stem,
        shells=tuple(shell for shell in said["shells"].split() if shell != "none"),
        moved=tuple(said.get("moved", "").split()),
        reported=tuple(value for name, _, value in fields if name == "reported"),
        before=_as_told(before, said),
        after=_as_told(after, said),
    )


def _as_told(text: str, said: dict[str, str]) -> str:
    text = text.removesuffix("\n") if said.get("last line end") == "none" else text
    return text.replace("\n", "\r\n") if said.get("line ends") == "crlf" else text
