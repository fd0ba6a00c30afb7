"""TOML parsed, with errors that name file, line and column."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from ringlet_py.errors import ConfigError

_PLACE = re.compile(r"\(at (line \d+, column \d+|end of document)\)")


def parse(text: str, path: str, *, error: type[ConfigError] = ConfigError) -> dict[str, Any]:
    """The document as plain data; what does not parse raises the given error, with line and column."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as problem:  # ValueError alone: an integer of thousands of digits
        last = text.rstrip().count("\n") + 1
        reason = str(problem).replace("at end of document", f"at line {last}, the end of the document")
    # outside the handler, so that no exception that holds the document is chained to ours
    raise error(f"{path} is not valid TOML", why=reason, hint=f"edit {path}")


def place_of_error(text: str) -> str:
    """Where the text stops being TOML ("line 3, column 7"), without quoting it; "" if it parses.

    For files that hold secrets: the parser's own message could repeat a piece of one.
    """
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        found = _PLACE.search(str(problem))
        return found[1] if found else "unknown place"
    return ""


def line_of(text: str, key: str, *, table: str = "") -> int:
    """The line (from 1) where the key stands, in that table if it is found there; 0 if nowhere."""
    current = ""
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            current = re.sub(r"[\"'\s]", "", header[1])
            if current == f"{table}.{key}".lstrip("."):
                return number
        elif current == table and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line):
            return number
    return 0
