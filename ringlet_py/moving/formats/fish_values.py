"""What values fish's text gives to variables, and which of them stand there as they are."""

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.moving.formats.commands import Command, Script

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GIVING = re.compile(r"-[gxUlfa]+|-p|--(?:global|export|universal|local|function|append|prepend)")
_ADDING = re.compile(r"-[gxUlf]*[ap][gxUlf]*|--(?:append|prepend)")
_OTHER = re.compile(r"-.*")
# what asks, lists or removes, and gives nothing
_TAKING = re.compile(r"-[gxUlf]*[eqnShL].*|--(?:erase|query|names|show|help|long)")
_BARE = re.compile(r"(?!%)[A-Za-z0-9_./@%+:=,-]+")
_QUOTED = (re.compile(r"'([^'\\]*)'"), re.compile(r'"([^"\\$]*)"'))
_LISTS = frozenset({"PATH", "CDPATH", "MANPATH"})
_CONDITIONS = frozenset({"if", "while", "not", "!", "else", "time", "builtin", "command"})

SEVERAL = "it is a list of several values"
CONDITION = "its command is part of a condition"


def given(text: str, script: Script) -> list[Given]:
    """Every value that a name is given, in the order of the text."""
    return in_order(text, script, (each for command in script.commands for each in _of_command(text, command)))


def _of_command(text: str, command: Command) -> Iterator[Given]:
    words = command.written(text)
    if words[0] == "set":
        yield from _set(text, command, words)
        return
    plain = all(map(_ASSIGNMENT.match, words[1:]))
    for number, word in enumerate(words):
        assigned = _ASSIGNMENT.match(word)
        if assigned and (words[0] == "export" or not number):
            yield from _exported(text, command, number, assigned, plain=plain)
        else:
            start, end = command.words[number].start, command.words[number].end
            yield from loosely(text, start, end, ARGUMENT)


def _set(text: str, command: Command, words: list[str]) -> Iterator[Given]:
    """What `set [options] NAME VALUE` gives."""
    place = next((number for number, word in enumerate(words) if number and not _OTHER.match(word)), len(words))
    options, values = words[1:place], command.words[place + 1 :]
    if not values or any(map(_TAKING.fullmatch, options)):
        return
    if not _NAME.fullmatch(words[place]):
        yield from loosely(text, values[0].start, values[-1].end, ARGUMENT)
        return
    yield from _value(
        text,
        (values[0].start, values[-1].end),
        Given(name=words[place], start=0, end=0, why_not=_why_not(command, options), command=command, word=place + 1),
        several=len(values) > 1,
    )


def _why_not(command: Command, options: list[str]) -> str:
    if any(map(_ADDING.fullmatch, options)):
        return ADDED
    if not all(map(_GIVING.fullmatch, options)):
        return OPTIONS
    return apart(command) or (CONDITION if command.before in _CONDITIONS else "")


def _exported(text: str, command: Command, number: int, name: re.Match[str], *, plain: bool) -> Iterator[Given]:
    """What `export NAME=VALUE` gives; the same before another command is for that command alone."""
    word = command.words[number]
    why_not = _why_not(command, []) or (SEVERAL if name[1] in _LISTS else "")
    yield from _value(
        text,
        (word.start + name.end(), word.end),
        Given(
            name=name[1],
            start=0,
            end=0,
            why_not=(why_not or ("" if plain else OPTIONS)) if number else PREFIX,
            command=command,
            word=number,
        ),
    )


def _value(text: str, place: tuple[int, int], of: Given, *, several: bool = False) -> Iterator[Given]:
    start, end = place
    left, right, unclear = (0, end - start, SEVERAL) if several else _verbatim(text[start:end])
    if right > left:
        yield Given(
            name=of.name,
            start=start + left,
            end=start + right,
            why_not=unclear or of.why_not,
            command=of.command,
            word=of.word,
        )
    if unclear:
        yield from loosely(text, start, end, ARGUMENT)


def _verbatim(raw: str) -> tuple[int, int, str]:
    """Where the value stands in a word, and why it is not the value as it is, if so."""
    for quoted in _QUOTED:
        if found := quoted.fullmatch(raw):
            return *found.span(1), ""
    if _BARE.fullmatch(raw):
        return 0, len(raw), ""
    quotes = int(len(raw) > 1 and raw[0] == raw[-1] == '"')
    return quotes, len(raw) - quotes, EXPANDED if "$" in raw or "(" in raw else PIECES
