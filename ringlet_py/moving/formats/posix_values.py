"""What values a POSIX shell's text gives to names, and which of them stand there as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.given import (
    ADDED,
    ARGUMENT,
    EXPANDED,
    OPTIONS,
    PIECES,
    PREFIX,
    Given,
    apart,
    in_order,
    loosely,
)
from ringlet_py.moving.formats.posix_meaning import DECLARING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.moving.formats.commands import Command, Script

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
OPTION = re.compile(r"-[gxr]+|--")
# none of these is special in any shell at this place
_BARE = re.compile(r"(?!=)(?:[A-Za-z0-9_./@%+,=-]|:(?!=))+")
_QUOTED = (re.compile(r"'([^']*)'"), re.compile(r'"([^"\\$`]*)"'), re.compile(r"\$'([^'\\]*)'"))
_DEFAULT = re.compile(r"\"?\$\{[A-Za-z_][A-Za-z0-9_]*:?[-=+]([^}\"'$`\\]*)\}\"?")
_JOINED = re.compile(r"(?:\\\n)*")  # shells join the lines before they look at anything
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def given(text: str, script: Script) -> list[Given]:
    """Every value that a name is given, in the order of the text."""
    return in_order(text, script, (each for command in script.commands for each in _of_command(text, command)))


def _of_command(text: str, command: Command) -> Iterator[Given]:
    words = command.written(text)
    first = next((number for number, word in enumerate(words) if not ASSIGNMENT.match(word)), len(words))
    declares = first < len(words) and words[first] in DECLARING
    why_not = _why_not(command, words[first:])
    for number, word in enumerate(words):
        assigned = ASSIGNMENT.match(word)
        before = 0 < first < len(words) and (declares or number < first)
        if assigned and (declares or number < first):
            yield from _assigned(text, command, number, assigned, PREFIX if before else why_not)
        else:
            yield from _argument(text, command, number, alias=words[0] == "alias")


def _argument(text: str, command: Command, number: int, *, alias: bool) -> Iterator[Given]:
    word = command.words[number]
    # what stands before an alias' first `=` is the alias itself
    skipped = len(text[word.start : word.end].partition("=")[0]) + 1 if alias else 0
    found = loosely(text, word.start, word.end, ARGUMENT)
    yield from (each for each in found if each.start > word.start + skipped + 1)


def _why_not(command: Command, words: list[str]) -> str:
    """Why nothing that this command gives can be cut; `words` are it and its arguments, without assignments before."""
    plain = [word for word in words[1:] if not ASSIGNMENT.match(word)]
    unclear = any(not OPTION.fullmatch(word) and not _NAME.fullmatch(word) for word in plain)
    return apart(command) or (OPTIONS if unclear else "")


def _assigned(text: str, command: Command, number: int, name: re.Match[str], why_not: str) -> Iterator[Given]:
    word = command.words[number]
    place = word.start + name.end()
    start, end, unclear = verbatim(text[place : word.end])
    if end > start:
        yield Given(
            name=name[1],
            start=place + start,
            end=place + end,
            why_not=(ADDED if name[2] else "") or unclear or why_not,
            command=command,
            word=number,
        )
    if unclear:
        inner = loosely(text, place, word.end, ARGUMENT)
        yield from (each for each in inner if each.start != place + start)


def verbatim(raw: str) -> tuple[int, int, str]:
    """Where the value stands in what is written behind `=`, and why it is not the value as it is, if so."""
    joined = _JOINED.match(raw)
    begin = joined.end() if joined else 0
    for quoted in _QUOTED:
        if found := quoted.fullmatch(raw, begin):
            return *found.span(1), ""
    if _BARE.fullmatch(raw, begin):
        return begin, len(raw), ""
    if found := _DEFAULT.fullmatch(raw):
        return *found.span(1), EXPANDED
    if raw.startswith("$'"):
        return 2, max(2, len(raw) - 1), PIECES
    quotes = int(len(raw) > 1 and raw[0] == raw[-1] == '"')
    return quotes, len(raw) - quotes, EXPANDED if "$" in raw or "`" in raw else PIECES
