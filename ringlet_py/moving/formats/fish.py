"""The files of fish: `config.fish`, and what is in its `conf.d`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit
from ringlet_py.moving.formats.cuts import Cuts
from ringlet_py.moving.formats.fish_reading import NOTHING, read
from ringlet_py.moving.formats.fish_values import given
from ringlet_py.moving.formats.given import spots_of
from ringlet_py.moving.formats.posix import unquoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.moving.formats import Spot
    from ringlet_py.moving.formats.commands import Command

_JOINING = frozenset({"&&", "||", "and", "or"})
# the next command asks how the last one ended
_ASKED_NEXT = re.compile(r"(?:[\s;\\]|#[^\n]*\n)*(?:and|or|return|exit)(?![^\s;&|<>])")
_SEPARATOR = re.compile(r"[ \t]*;[ \t]*")


class Fish:
    """The text of fish."""

    def spots(self, text: str) -> list[Spot]:
        return spots_of(text, given(text, read(text)))

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        script = read(text)
        return _FishCuts(text, script).edits(given(text, script), cut)

    def sourced(self, text: str) -> list[str]:
        commands = [command.written(text) for command in read(text).commands]
        found = [unquoted(words[1]) for words in commands if len(words) > 1 and words[0] in {".", "source"}]
        return list(dict.fromkeys(path for path in found if path))


class _FishCuts(Cuts):
    """A block of fish's may be empty, and `set` leaves the exit status as it was: mostly, nothing is needed."""

    def nothing(self, command: Command) -> str:
        # as `export` ends well, and as `set` hands on the status of what ran before
        return NOTHING if self._exports(command) else "begin; end"

    def stands_alone(self, command: Command) -> bool:
        joined = command.before in _JOINING or command.after in _JOINING
        # the last command of a block answers for the block
        return not joined and not (self._exports(command) and (command.depth or self.asked(command)))

    def asked(self, command: Command) -> bool:
        return super().asked(command) or bool(_ASKED_NEXT.match(self.text, command.end))

    def is_whole(self, command: Command, words: set[int]) -> bool:
        return not self._exports(command) or len(words) == len(command.words) - 1

    def whole(self, command: Command) -> Edit:
        separator = _SEPARATOR.match(self.text, command.end)
        if separator and not self._exports(command) and command.before not in _JOINING:
            return Edit(start=command.start, end=separator.end(), left="")
        return super().whole(command)

    def _exports(self, command: Command) -> bool:
        return command.written(self.text)[0] == "export"
