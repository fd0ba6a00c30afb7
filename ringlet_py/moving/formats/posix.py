"""The files of POSIX shells: rc and profile files of sh, bash and zsh, and direnv's `.envrc`."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.cuts import Cuts
from ringlet_py.moving.formats.given import apart, spots_of
from ringlet_py.moving.formats.posix_meaning import DECLARING, NOTHING
from ringlet_py.moving.formats.posix_reading import read
from ringlet_py.moving.formats.posix_values import ASSIGNMENT, OPTION, given

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.moving.formats import Edit, Spot
    from ringlet_py.moving.formats.commands import Command

_SOURCING = frozenset({".", "source", "source_env", "source_env_if_exists", "dotenv", "dotenv_if_exists"})
# `~` and the variables that say where a shell's files are; then nothing that a shell would expand
_PATH = re.compile(r"(?:(?:~|\$\{?(?:HOME|ZDOTDIR|XDG_CONFIG_HOME)\}?)/)?[^$`\\*?\[\](){}<>|&;!~#\x00-\x1f\x7f]+")
_PIECE = re.compile(r"'([^']*)'|\"([^\"\\`]*)\"|([^'\"\\\s]+)")


class Posix:
    """The text of sh, bash and zsh."""

    def spots(self, text: str) -> list[Spot]:
        return spots_of(text, given(text, read(text)))

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        script = read(text)
        return _PosixCuts(text, script).edits(given(text, script), cut)

    def sourced(self, text: str) -> list[str]:
        commands = [command.written(text) for command in read(text).commands]
        found = [unquoted(words[1]) for words in commands if len(words) > 1 and words[0] in _SOURCING]
        return list(dict.fromkeys(path for path in found if path))


class _PosixCuts(Cuts):
    def nothing(self, command: Command) -> str:  # noqa: ARG002
        return NOTHING

    def stands_alone(self, command: Command) -> bool:
        return not self.asked(command) and not command.depth and not command.before and command.after == "\n"

    def is_whole(self, command: Command, words: set[int]) -> bool:
        written = command.written(self.text)
        kept = [word for number, word in enumerate(written) if number not in words]
        if ASSIGNMENT.match(written[0]):
            return not kept
        # without names, `export` would print all there are
        return all(OPTION.fullmatch(word) for word in kept[1:])

    def bare(self, name: str) -> Iterable[tuple[Command, int]]:
        # zsh exports a name that has no value as an empty one
        return self._bare.get(name, ())

    @cached_property
    def _bare(self) -> dict[str, list[tuple[Command, int]]]:
        found: dict[str, list[tuple[Command, int]]] = {}
        for command in self.script.commands:
            written = command.written(self.text)
            options = [word for word in written[1:] if word.startswith(("-", "+"))]
            if written[0] in DECLARING and all(map(OPTION.fullmatch, options)) and not apart(command):
                for number, word in enumerate(written[1:], start=1):
                    found.setdefault(word, []).append((command, number))
        return found


def unquoted(word: str) -> str:
    """The path that the word is, with `~` and the home's variables as written; nothing, if more is expanded in it."""
    pieces = list(_PIECE.finditer(word))
    whole = "".join(piece[0] for piece in pieces) == word
    # what quotes keep from being expanded is another file
    kept = any("$" in (piece[1] or "") or (piece[1] or piece[2] or "").startswith("~") for piece in pieces)
    path = "".join(piece[1] or piece[2] or piece[3] or "" for piece in pieces)
    return path if whole and not kept and _PATH.fullmatch(path) else ""
