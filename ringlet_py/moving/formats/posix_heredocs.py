"""Here-documents: lines that a command reads, in which nothing is an assignment."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringlet_py.moving.formats.posix_words import LostError

_DELIMITER = re.compile(r"(\\?)([\w.,:/+!%@-]+)|'([^'\n]+)'|\"([^\"$`\\\n]+)\"")


@dataclass(frozen=True)
class Heredoc:
    """What ends it, and how its lines are read."""

    delimiter: str
    quoted: bool  # nothing in it is expanded
    tabs: bool  # the tabs before each line do not count

    @classmethod
    def of(cls, raw: str, *, tabs: bool) -> Heredoc:
        """The one that this word begins."""
        found = _DELIMITER.fullmatch(raw)
        if not found:
            raise LostError
        bare = found[2] or ""
        return cls(delimiter=bare or found[3] or found[4], quoted=not bare or bool(found[1]), tabs=tabs)


def body_end(text: str, at: int, heredoc: Heredoc) -> int:
    """Behind the line that ends the here-document whose lines begin there."""
    joined = False  # to the line before, by a backslash at its end
    while at < len(text):
        end = text.find("\n", at)
        after = end + 1 if end >= 0 else len(text)
        line = text[at:after].rstrip("\r\n")
        if (line.lstrip("\t") if heredoc.tabs else line) == heredoc.delimiter:
            if joined:
                raise LostError
            return after
        joined = not heredoc.quoted and line.endswith("\\")
        at = after
    raise LostError
