"""What makes a POSIX shell's text mean something else: commands that are defined anew, and options of reading."""

from __future__ import annotations

import re

# commands that give names values
DECLARING = frozenset({"export", "declare", "typeset", "local", "readonly"})
NOTHING = ":"  # what is left in the place of a command
# one of these that means something else now is beyond us
_COUNTING = DECLARING | {NOTHING, ".", "source"}
_QUOTING = re.compile(r"[\\'\"\s]")
_DEFINING = frozenset({"alias", "enable", "disable"})
_BEFORE = frozenset({"builtin", "command", "noglob", "nocorrect", "-"})
_ASSIGNED = re.compile(r"\w+\+?=")
_TABLE = re.compile(r"(?:functions|g?aliases)\[(.*?)\]")  # zsh's own arrays
_SETTING = frozenset({"setopt", "unsetopt", "set", "shopt", "emulate", "disable"})
_OPTIONS = frozenset({"cshjunkiequotes", "ignorebraces", "ignoreclosebraces", "csh", "-r"})


def redefines(names: list[str]) -> bool:
    """Whether one of the commands that count is defined anew by `name=text`, `name ()` or `name`."""
    return not _COUNTING.isdisjoint(_QUOTING.sub("", re.split("[=(]", name)[0]) for name in names)


def defined(words: list[str]) -> list[str]:
    """What the command defines anew: aliases, builtins that it switches, functions in an array."""
    plain = [_QUOTING.sub("", word) for word in words]
    while plain and (plain[0] in _BEFORE or _ASSIGNED.match(plain[0])):
        plain = plain[1:]
    if plain and plain[0] in _DEFINING:
        return plain[1:]
    return [member[1] for member in map(_TABLE.match, words) if member]


def sets_reading(words: list[str]) -> bool:
    """Whether the command changes how the shell reads what follows."""
    options = {word.lower().replace("_", "").removeprefix("no") for word in words}
    if words[0] in _SETTING and options & _OPTIONS:
        return True
    return any(word.lower().startswith("histchars=") for word in words)
