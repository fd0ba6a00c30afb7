"""The block style of YAML, line by line: which mapping has which pairs, and where their one-line values stand.

Far less than YAML: where a line is anything else, nothing of the text is certain, since all could mean another thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.places import TWICE, Places, doubted, lines_of, repeated

if TYPE_CHECKING:
    from ringlet_py.moving.formats import Spot
    from ringlet_py.moving.formats.places import Line

_DASHES = re.compile(r" *((?:-(?: +|$|(?=\t)))*)")
_PAIR = re.compile(
    r"""(?:"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\n]*)'|(?P<plain>(?:[^\s'"#&*!|>%@`{}\[\],?:-]|[?-](?=[^\s:]))[^:#'"\n]*?))"""
    r"""[ \t]*:(?:[ \t]+|$)""",
)
_END = re.compile(r"[ \t]*(?:[ \t]#.*)?$")
_ONLY_COMMENT = re.compile(r"[ \t]*(?:#.*)?$")
_BLOCK = re.compile(r"[|>][-+1-9]{0,2}(?:[ \t]+#.*)?[ \t]*$")
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")
_REMARK = re.compile(r"[ \t]+#")
_FLOW_END = {"{": "}", "[": "]"}
# no YAML reader gives these another meaning, wherever they stand in a plain value
_SAFE_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./+=@%~^-]*(?::[A-Za-z0-9_./+=@%~^-]+)*")
_SAFE_QUOTED = re.compile(r"[ !#-&(-\[\]-~]+")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_SHARED = "the file merges mappings by anchors, so that values are used again"
# line ends to YAML, not to us
_STRANGE = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


@dataclass
class Pair:
    """One `name: value`, from its name to the end of its value; `why_not` is that of all its spots."""

    name: str
    start: int
    end: int
    spots: list[Spot]
    why_not: str = ""
    opens: bool = True  # its value is on the lines below


@dataclass
class Mapping:
    """The pairs that stand under each other, and the column in which they do."""

    column: int
    pairs: list[Pair] = field(default_factory=list)


class Reader:
    """Reads one text; `mappings` has what was found, in the order in which they begin."""

    def __init__(self, text: str) -> None:
        self.mappings: list[Mapping] = []
        self.loose: list[Spot] = []  # values without a name of their own
        self._text = text
        self._places = Places(text)
        self._open: list[Mapping] = []
        self._last: Pair | None = None
        self._column = -1  # of the last line that counted
        self._opens = True  # whether deeper lines may follow it
        self._block = -1  # the column whose block of text we are in
        self._lost = "it stands among strange line ends" if _STRANGE.search(text) else ""
        self._shared = False

    def read(self) -> list[Spot]:
        """Every spot, in no order."""
        for line in lines_of(self._text):
            self._line(line)
        twice = any(repeated(pair.name for pair in mapping.pairs) for mapping in self.mappings)
        doubt = _SHARED if self._shared else self._lost or (TWICE if twice else "")
        for mapping in self.mappings:
            for pair in mapping.pairs:
                pair.spots = doubted(pair.spots, doubt or pair.why_not)
        return [*self.loose, *(spot for mapping in self.mappings for pair in mapping.pairs for spot in pair.spots)]

    def _lose(self, line: Line) -> None:
        self._lost = self._lost or f"line {self._places.line(line.start)} is no plain YAML"

    def _line(self, line: Line) -> None:
        content = self._text[line.start : line.end]
        indent = len(content) - len(content.lstrip(" "))
        if not content.strip() or self._in_block(line, indent):
            return
        if content.lstrip(" \t").startswith("#"):
            return
        if re.match(r"(?:---|\.\.\.)(?:\s|$)", content):
            self._begin(line, content)
            return
        self._structure(line, content, indent)

    def _in_block(self, line: Line, indent: int) -> bool:
        """Whether the line is one of a `|` or `>` text; what could be keys there is told."""
        if self._block < 0 or indent < self._block:
            self._block = -1
            return False
        name = self._last.name if self._last else ""
        start = line.start + indent
        self.loose += self._places.spots_of_string(name, start, line.end, "it stands in a text of several lines")
        return True

    def _begin(self, line: Line, content: str) -> None:
        """A document ends or begins."""
        if not _ONLY_COMMENT.match(content, 3):
            self._lose(line)
        self._open, self._last, self._column, self._opens = [], None, -1, True

    def _structure(self, line: Line, content: str, indent: int) -> None:
        """A line that is neither blank nor text nor a comment."""
        dashes = _DASHES.match(content)
        at = dashes.end() if dashes else indent
        if content.startswith("\t", at) or (indent > self._column and not self._opens):
            self._lose(line)
        self._open = [mapping for mapping in self._open if mapping.column <= indent]
        if at > indent and self._open and not self._open[-1].pairs[-1].opens:
            self._lose(line)
        pair = _PAIR.match(content, at)
        if pair:
            self._pair(line, content, pair, listed=at > indent)
            return
        self._last, self._column, self._opens = None, indent, bool(_ONLY_COMMENT.match(content, at))
        if not self._opens:
            self._element(line, content, at, listed=at > indent)

    def _element(self, line: Line, content: str, at: int, *, listed: bool) -> None:
        """A value without a name; only in a list, or as `{}`, is it what we know."""
        if not listed and not re.match(r"\{\}[ \t]*(?:[ \t]#.*)?$", content[at:]):
            self._lose(line)
        name = self._open[-1].pairs[-1].name if self._open and self._open[-1].pairs else ""
        _, spots, _ = self._value(line, content, at, name)
        self.loose += doubted(spots, "it is an element of a list")

    def _pair(self, line: Line, content: str, found: re.Match[str], *, listed: bool) -> None:
        column = found.start()
        if listed:
            self._open.append(self._new(column))
        elif not self._open or self._open[-1].column != column:
            if not self._opens or (self._open and column <= self._open[-1].column):
                self._lose(line)
            self._open.append(self._new(column))
        name = next(group for group in (found["double"], found["single"], found["plain"]) if group is not None)
        self._shared = self._shared or name == "<<"
        self._column, self._opens = column, bool(_ONLY_COMMENT.match(content, found.end()))
        self._last = pair = Pair(name, line.start + column, line.start + found.end(), [])
        self._open[-1].pairs.append(pair)
        if not self._opens:
            pair.opens = False
            pair.end, pair.spots, pair.why_not = self._value(line, content, found.end(), name)
        if not _SAFE_NAME.fullmatch(name):
            pair.why_not = "its name is written in an unusual way"

    def _new(self, column: int) -> Mapping:
        self.mappings.append(Mapping(column))
        return self.mappings[-1]

    def _value(self, line: Line, content: str, at: int, name: str) -> tuple[int, list[Spot], str]:
        """The end of what begins there, its spots, and why it is not certain."""
        sign = content[at]
        if _BLOCK.match(content, at):
            self._block, self._opens = self._column + 1, False
            return line.end, [], ""
        if sign in "\"'":
            return self._quoted(line, content, at, name)
        if sign in _FLOW_END:
            return self._flow(line, content, at, name)
        if sign in "!|>%@`?":
            self._lose(line)
        remark = _REMARK.search(content, at)
        end = at + len(content[at : remark.start() if remark else len(content)].rstrip(" \t"))
        why_not = "" if _SAFE_PLAIN.fullmatch(content, at, end) else "it is written in an unusual way"
        start, end = line.start + at, line.start + end
        return end, self._places.spots_of_string(name, start, end, why_not), why_not

    def _quoted(self, line: Line, content: str, at: int, name: str) -> tuple[int, list[Spot], str]:
        found = _QUOTED.match(content, at)
        if not found or not _END.match(content, found.end()):
            self._lose(line)
            return line.end, self._places.spots_of_string(name, line.start + at + 1, line.end, self._lost), self._lost
        start, end = line.start + at + 1, line.start + found.end() - 1
        why_not = "" if _SAFE_QUOTED.fullmatch(self._text, start, end) else "it is written with escapes"
        return end + 1, self._places.spots_of_string(name, start, end, why_not), why_not

    def _flow(self, line: Line, content: str, at: int, name: str) -> tuple[int, list[Spot], str]:
        """What stands in braces or brackets is told, and left."""
        remark = _REMARK.search(content, at)
        end = at + len(content[at : remark.start() if remark else len(content)].rstrip(" \t"))
        inner = content[at + 1 : end - 1]
        if content[end - 1] != _FLOW_END[content[at]] or re.search(r"[{}\[\]#]", re.sub(_QUOTED, "", inner)):
            self._lose(line)
        why_not = "it stands within braces or brackets"
        spots = self._places.spots_of_string(name, line.start + at, line.start + end, why_not)
        return line.start + end, spots if inner.strip() else [], why_not
