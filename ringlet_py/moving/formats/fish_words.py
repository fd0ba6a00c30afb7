"""Where a word of fish's text ends: quotes, expansions and substitutions are followed, not carried out."""

from __future__ import annotations

import re

from ringlet_py.moving.formats.posix_words import DEEPEST, LostError

_PLAIN = re.compile(r"[^\s;&|()<>\\'\"$\[{]+")
_SINGLE = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_DOUBLE = re.compile(r'(?:[^"\\$]|\\.|\$(?!\())*', re.DOTALL)
_BRACES = re.compile(r"\{[^\s{}'\"\\()]*\}")
_SLICE = re.compile(r"\[[^\[\]'\"\\\n#]*\]")


def word_end(text: str, at: int, depth: int = 0) -> int:
    """Where the word ends that begins there; the same place, if none does."""
    start = at
    while at < len(text):
        plain = _PLAIN.match(text, at)
        after = plain.end() if plain else _special(text, at, depth, first=at == start)
        if after == at:
            break
        at = after
    return at


def _special(text: str, at: int, depth: int, *, first: bool) -> int:
    """The end of what begins with a character that is special within a word; the same place, if it ends the word."""
    char = text[at]
    if char == "&" and not first:
        return _ampersand(text, at)
    if char in " \t\n;&|)<>" or text.startswith("\r\n", at):
        return at
    if char == "(":
        return _parens(text, at, depth)
    if char == "[":
        return at + 1 if first else _matched(_SLICE.match(text, at))
    if char == "{":
        return _matched(_BRACES.match(text, at))
    return _piece(text, at, depth)


def _ampersand(text: str, at: int) -> int:
    # within a word it is an ordinary character to newer fishes only
    if text[at + 1 : at + 2] not in {"", " ", "\t", "\n", "\r", "&", "|", ">", ";"}:
        raise LostError
    return at


def _piece(text: str, at: int, depth: int) -> int:
    """The end of one quoted or expanded piece, or of one ordinary character."""
    char = text[at]
    if char == "'":
        return _matched(_SINGLE.match(text, at))
    if char == '"':
        return _double(text, at, depth)
    if char == "\\":
        if at + 1 >= len(text) or text.startswith("\r\n", at + 1):
            raise LostError
        return at + 2
    return at + 1


def _double(text: str, at: int, depth: int) -> int:
    """The end of a text in double quotes; older fishes do not know `$(…)` in it, which quotes would tell."""
    at += 1
    while True:
        at = _matched(_DOUBLE.match(text, at))
        if at >= len(text):
            raise LostError
        if text[at] == '"':
            return at + 1
        end = _parens(text, at + 1, depth)
        if '"' in text[at:end]:
            raise LostError
        at = end


def _parens(text: str, at: int, depth: int) -> int:
    """The end of a command substitution."""
    if depth > DEEPEST:
        raise LostError
    at += 1
    while at < len(text) and text[at] != ")":
        if text[at] == "(":
            at = _parens(text, at, depth + 1)
        elif text[at] == "#" and text[at - 1] in " \t\n;&|(":
            raise LostError
        else:
            at = _piece(text, at, depth + 1)
    if at >= len(text):
        raise LostError
    return at + 1


def _matched(found: re.Match[str] | None) -> int:
    if not found:
        raise LostError
    return found.end()
