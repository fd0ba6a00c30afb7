"""What looks like an assignment in a text that is not followed word by word; nothing of it is certain."""

from __future__ import annotations

import re

# NAME=, ${NAME:=, and fish's `set -x NAME`
_NAME = re.compile(
    r"(?<![^\s;&|(){\"'`])([A-Za-z_][A-Za-z0-9_]*)\+?=(?!=)|\$\{([A-Za-z_][A-Za-z0-9_]*):?[=-]"
    r"|(?<![^\s;&|(])set[ \t]+(?:-[-A-Za-z]+[ \t]+)*([A-Za-z_][A-Za-z0-9_]*)[ \t]+(?![-+])"
)
_VALUE = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"|['\"]?([^\s;&|'\"`()<>{}$]+)")


def loose(text: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """Names with the places of their values, in the order of the text; of one within another, the inner alone."""
    found = []
    for name in _NAME.finditer(text, start, end):
        value = _VALUE.match(text, name.end(), end)
        if value:
            found.append((name[name.lastindex or 0], *value.span(value.lastindex or 0)))
    following = [*(each[1] for each in found[1:]), end]
    return [each for each, after in zip(found, following, strict=False) if each[2] <= after]
