"""How each program's history is cut into entries, each of them whole; together they are the file."""

from __future__ import annotations

import re
from itertools import pairwise

# an entry of fish begins so, and has further lines, which are indented
_FISH = re.compile(rb"^- cmd: ", re.MULTILINE)
# bash with HISTTIMEFORMAT: a moment, and the command in all lines up to the next, if the file begins with one
_MOMENT = re.compile(rb"^#\d{9,}$", re.MULTILINE)
_TIMED = re.compile(rb"#\d{9,}\n(?:[^\n]*\n|[^\n]+\Z)?|[^\n]*\n|[^\n]+\Z")  # a line, with its moment if it has one
_MOST_LINES = 30  # of one command; more are the commands of shells that no longer wrote moments
_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_SIGNS = {"zsh": b"\\", "powershell": b"`"}  # with which a line says that its entry goes on


def entries(raw: bytes, kind: str) -> list[bytes]:
    """The entries, the file's head among them if it has one; joined, they are what was given."""
    if kind == "fish":
        return _begun_by(_FISH, raw)
    if kind == "bash":
        return _of_bash(raw)
    return _continued(_LINE.findall(raw), _SIGNS.get(kind, b""))


def _of_bash(raw: bytes) -> list[bytes]:
    """As bash reads it: whole commands only where the first of them has a moment, else line by line."""
    if not _MOMENT.match(raw):
        return _TIMED.findall(raw)
    parts = _begun_by(_MOMENT, raw)
    return [each for part in parts for each in ([part] if part.count(b"\n") <= _MOST_LINES else _TIMED.findall(part))]


def _begun_by(start: re.Pattern[bytes], raw: bytes) -> list[bytes]:
    places = [0, *(found.start() for found in start.finditer(raw)), len(raw)]
    parts = [raw[a:b] for a, b in pairwise(places)]
    return [part for part in parts if part]


def _continued(lines: list[bytes], sign: bytes) -> list[bytes]:
    if not sign:
        return lines
    found: list[bytes] = []
    goes_on = False
    for line in lines:
        if goes_on:
            found[-1] += line
        else:
            found.append(line)
        goes_on = _goes_on(line, sign)
    return found


def _goes_on(line: bytes, sign: bytes) -> bool:
    """Whether the line ends in an odd number of signs; an even one stands for itself."""
    bare = line.rstrip(b"\r\n")
    return (len(bare) - len(bare.rstrip(sign))) % 2 == 1
