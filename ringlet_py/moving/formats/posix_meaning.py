"""What makes a POSIX shell's text mean something else: commands that are defined anew, and options of reading."""

from __future__ import annotations

import re

# commands that give names values; one that means something else now is beyond us
DECLARING = frozenset({"export", "declare", "typeset", "local", "readonly"})
NOTHING = ":"  # what is left in the place of a command
_QUOTING = re.compile(r"[\\'\"\s]")
_SETTING = frozenset({"setopt", "unsetopt", "set", "shopt", "emulate", "disable"})
_OPTIONS = frozenset({"cshjunkiequotes", "ignorebraces", "ignoreclosebraces", "csh", "-r"})


def redefined(words: list[str]) -> frozenset[str]:
    """Which of the commands that count are defined anew by `name=text`, `name ()` or `name`."""
    names = {_QUOTING.sub("", re.split("[=(]", word)[0]) for word in words}
    return (DECLARING | {NOTHING}) & names


def sets_reading(words: list[str]) -> bool:
    """Whether the command changes how the shell reads what follows."""
    options = {word.lower().replace("_", "").removeprefix("no") for word in words}
    if words[0] in _SETTING and options & _OPTIONS:
        return True
    return any(word.lower().startswith("histchars=") for word in words)
