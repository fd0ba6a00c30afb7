"""Files of lines `NAME=value`, of which there are many dialects: `.env`, `environment.d`, `/etc/environment`.

What is certain is what every dialect reads alike, apart from those that would give the name a value with quotes or
blanks in it, which no key has (`docker run --env-file` leaves quotes where they are).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit, mark
from ringlet_py.moving.formats.places import BOM, Places, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ringlet_py.moving.formats import Spot
    from ringlet_py.moving.formats.places import Line

_ASSIGNED = re.compile(r"[ \t]*(export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)([ \t]*=[ \t]*|:[ \t]+)")
_REFERRED = re.compile(r"\$\{?(([A-Za-z_][A-Za-z0-9_]*)[A-Za-z0-9_.-]*)")
_REMARK = re.compile(r"[ \t]+#")
# what dotenv's many relatives take for the end of a string, and what shells and systemd do
_LOOSE = {"'": re.compile(r"'(?:\\'|[^'])*'"), '"': re.compile(r'"(?:\\"|[^"])*"'), "`": re.compile(r"`(?:\\`|[^`])*`")}
_STRICT = {"'": re.compile(r"'[^']*'"), '"': re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL), "`": re.compile(r"`[^`]*`")}
_SAFE_QUOTED = re.compile(r"[ !#%-&(-\[\]^_a-~]+")  # printable, without " ' ` $ \
_SAFE_NAME = re.compile(r"[A-Za-z0-9_]+")
_SAFE_PLAIN = re.compile(r"[!%*+,./0-9:=?@A-Z\[\]^_a-z{}~-]+")


@dataclass(frozen=True)
class Dialect:
    """How one kind of file differs from the others."""

    comments: str  # signs that start a comment
    exports: bool  # `export` may stand before the name
    remarks: bool  # a comment may stand behind the value
    strict: bool  # no blanks beside the `=`, no other names than a shell's, no `#` even within quotes


@dataclass(frozen=True)
class _Value:
    """A value in its line: `whole` reaches from its opening quote to the closing one; `lost`: what follows is, too."""

    start: int
    end: int
    whole: int
    why_not: str = ""
    lost: bool = False


@dataclass(frozen=True)
class Assignment:
    """A spot, and what is cut with it: from the start of its line to the end of the value."""

    spot: Spot
    start: int
    end: int


def assignments(text: str, dialect: Dialect) -> list[Assignment]:
    """Every assignment of the text, in order."""
    return _Reader(text, dialect).read()


def edits(text: str, cut: Sequence[tuple[Spot, str]], dialect: Dialect) -> list[Edit]:
    """Each assignment becomes a comment in its place; a remark right of it stays."""
    addresses = {spot.start: address for spot, address in cut}
    return [
        Edit(start=each.start, end=each.end, left=f"# {mark([(each.spot, addresses[each.spot.start])])}")
        for each in assignments(text, dialect)
        if each.spot.start in addresses
    ]


class _Reader:
    """Goes through the lines of one text, and knows where it can no longer tell what they mean."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self._places = Places(text)
        self._quoted_to = 0  # what starts before this place stands within quotes
        self._doubt = ""  # why nothing that follows is certain
        self._strange = ""  # why nothing at all is
        self._referred: set[str] = set()  # the names whose values the text uses again

    def read(self) -> list[Assignment]:
        found: list[Assignment] = []
        continued = False
        for line in lines_of(self._text):
            if line.start < self._quoted_to or not self._is_comment(line):
                found += self._assignment(line, continued=continued)
            continued = self._text.endswith("\\", line.start, line.end)
        return [self._settled(each) for each in found]

    def _is_comment(self, line: Line) -> bool:
        return self._text[line.start : line.end].lstrip(" \t").startswith(tuple(self._dialect.comments))

    def _settled(self, each: Assignment) -> Assignment:
        """The same, or uncertain because of what the rest of the text holds."""
        used = "its value is used again in the file" if each.spot.name in self._referred else ""
        return replace(each, spot=replace(each.spot, why_not=each.spot.why_not or self._strange or used))

    def _assignment(self, line: Line, *, continued: bool) -> Iterator[Assignment]:
        for referred in _REFERRED.finditer(self._text, line.start, line.end):
            self._referred.update(referred.groups())
        found = _ASSIGNED.match(self._text, line.start, line.end)
        if not found:
            self._suspect(line)
            return
        before = self._why_not(found, continued=continued)
        value = self._value(found.end(), line)
        if value.lost and not self._doubt:
            self._doubt = f"it is not clear where the quotes of line {self._places.line(line.start)} end"
        for spot in self._places.spots(found[2], value.start, value.end, before or value.why_not):
            # with the indent: node 20 reads an indented comment as a part of the next name
            yield Assignment(spot, line.start, value.whole)

    def _suspect(self, line: Line) -> None:
        """A line that is no assignment: its quotes could reach into others, and the file could be a script."""
        if line.start >= self._quoted_to and self._text[line.start : line.end].strip(" \t\r"):
            number = self._places.line(line.start)
            self._strange = self._strange or f"line {number} is neither an assignment nor a comment"

    def _why_not(self, found: re.Match[str], *, continued: bool) -> str:
        if found.start() < self._quoted_to:
            return "it stands within quotes"
        if self._doubt:
            return self._doubt
        if continued:
            return "the line before it ends in a backslash"
        if found.start() == len(BOM) and self._text.startswith(BOM):
            return "a byte order mark stands right before it"
        return "" if self._is_plain(found) else "not every program reads this line as an assignment"

    def _is_plain(self, found: re.Match[str]) -> bool:
        """Whether all that is before the value is as the dialect has it."""
        if found[2] == "export":  # `export =A=b`: python-dotenv reads no name there, and skips the line
            return False
        if self._dialect.strict and (found[3] != "=" or not _SAFE_NAME.fullmatch(found[2])):
            return False
        return "=" in found[3] and (self._dialect.exports or not found[1])

    def _value(self, at: int, line: Line) -> _Value:
        if at < line.end and self._text[at] in _STRICT:
            return self._quoted(at, line)
        remark = _REMARK.search(self._text, at, line.end) if self._dialect.remarks else None
        end = at + len(self._text[at : remark.start() if remark else line.end].rstrip(" \t"))
        sure = _SAFE_PLAIN.fullmatch(self._text, at, end)
        return _Value(at, end, end, "" if sure else "programs differ in how they read its characters")

    def _quoted(self, at: int, line: Line) -> _Value:
        """A value in quotes, which may close on a later line, or nowhere."""
        quote = self._text[at]
        ends = {found.end() if found else -1 for found in self._closings(quote, at)}
        end = ends.pop()
        if ends or end < 0:
            return _Value(at + 1, line.end, line.end, "its quotes are not closed for certain", lost=True)
        inner = self._text[at + 1 : end - 1]
        lost = not self._ends_well(end)
        if end > line.end:
            self._quoted_to = max(self._quoted_to, end)
            return _Value(at + 1, end - 1, end, "it goes over several lines", lost=lost or quote == "`")
        sure = quote != "`" and _SAFE_QUOTED.fullmatch(inner) and not (lost or ("#" in inner and self._dialect.strict))
        return _Value(at + 1, end - 1, end, "" if sure else "programs differ in how they read its quotes", lost=lost)

    def _closings(self, quote: str, at: int) -> tuple[re.Match[str] | None, re.Match[str] | None]:
        return _LOOSE[quote].match(self._text, at), _STRICT[quote].match(self._text, at)

    def _ends_well(self, at: int) -> bool:
        """Whether nothing stands behind closing quotes but a comment, if that may be there."""
        stop = self._text.find("\n", at)
        rest = self._text[at : len(self._text) if stop < 0 else stop].removesuffix("\r")
        remark = self._dialect.remarks and _REMARK.match(rest)
        return not rest.strip(" \t") or bool(remark)
