"""What a text of nushell or PowerShell consists of: its statements, as far as they can be told from each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Statement:
    """One statement without the blanks around it; `within` are the brackets that are open there."""

    start: int
    end: int
    within: str


@dataclass
class Statements:
    """All that is certain about a text; from `lost` on, nothing is."""

    found: list[Statement] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)  # the line ends (and the end) before which a comment may stand
    comments: list[tuple[int, int]] = field(default_factory=list)
    lost: int = -1


class Reader:
    """One pass over a text with a language's tokens: comment, end, open, close, blank, and whatever else."""

    def __init__(self, text: str, tokens: re.Pattern[str]) -> None:
        self.text = text
        self.tokens = tokens
        self.result = Statements()
        self.open: list[tuple[str, int]] = []  # the brackets, each with the start of the statement it stands in
        self.start = -1  # of the statement that is being read
        self.last = 0  # where what counts of it ends
        self.fresh = 0  # where the last line began at which nothing was open

    def read(self) -> Statements:
        """Reads to the end, or to where the text cannot be followed."""
        at = 0
        while at < len(self.text):
            token = self.tokens.match(self.text, at)
            if not token or not self._take(token.lastgroup or "", token):
                return self._until(self.fresh)
            at = token.end()
        self._end()
        if self.open:
            return self._until(self.fresh)
        self.result.ends.append(len(self.text))
        return self.result

    def _take(self, kind: str, token: re.Match[str]) -> bool:
        """One token; whether the text can still be followed."""
        if kind == "comment":
            self.result.comments.append(token.span())
        elif kind == "end":
            self._end_line(token)
        elif kind == "open":
            self._word(token)
            self.open.append((token[0][-1], self.start))
            self.start = -1 if token[0] == "{" else self.start
        elif kind == "close":
            return self._close(token)
        elif kind != "blank":
            self._word(token)
        return True

    def _end_line(self, token: re.Match[str]) -> None:
        if all(bracket == "{" for bracket, _ in self.open):
            self._end()
        if "\n" in token[0]:
            self.result.ends.append(token.start())
            self.fresh = self.fresh if self.open else token.end()

    def _word(self, token: re.Match[str]) -> None:
        self.start = token.start() if self.start < 0 else self.start
        self.last = token.end()

    def _close(self, token: re.Match[str]) -> bool:
        if token[0] == "}":
            self._end()
        bracket, start = self.open.pop() if self.open else ("", -1)
        self.start = start
        self._word(token)
        return bracket == _PAIRS[token[0]]

    def _end(self) -> None:
        if self.start >= 0:
            within = "".join(bracket for bracket, _ in self.open)
            self.result.found.append(Statement(self.start, self.last, within))
        self.start = -1

    def _until(self, place: int) -> Statements:
        return Statements(
            found=[each for each in self.result.found if each.end <= place],
            ends=[end for end in self.result.ends if end < place],
            comments=[each for each in self.result.comments if each[1] <= place],
            lost=place,
        )
