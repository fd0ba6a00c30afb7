"""Cuts values out of a shell's text, command by command, and leaves a mark on each line."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit, mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.moving.formats import Spot
    from ringlet_py.moving.formats.commands import Command, Script
    from ringlet_py.moving.formats.given import Given

    Moved = list[tuple[Spot, str]]

_STATUS = re.compile(r"\$\{?(?:\?|status|pipestatus|PIPESTATUS)")
_LAST_ON_LINE = re.compile(r"[ \t]+#|(?:[ \t]|\\\n)*(?:\r?\n|\Z)")


class Cuts:
    """The edits that cut some words out of the commands of one text; a shell says what stands for nothing in it."""

    def __init__(self, text: str, script: Script) -> None:
        self.text = text
        self.script = script
        self._status_to = max((found.start() for found in _STATUS.finditer(text)), default=-1)

    def nothing(self, command: Command) -> str:
        """The command that does nothing, in the place of this one."""
        raise NotImplementedError

    def stands_alone(self, command: Command) -> bool:
        """Whether nothing needs a command in the place of this one, so that a comment is enough."""
        raise NotImplementedError

    def is_whole(self, command: Command, words: set[int]) -> bool:
        """Whether the command does nothing more without these words."""
        raise NotImplementedError

    def bare(self, name: str) -> Iterable[tuple[Command, int]]:
        """The words that are this name alone, where they would give it an empty value once it has none."""
        del self, name
        return ()

    def whole(self, command: Command) -> Edit:
        """What becomes of the command without any of its words that count."""
        return Edit(start=command.start, end=command.end, left=self.nothing(command))

    def edits(self, found: Sequence[Given], cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        """In order; what was found must hold the spots that are cut."""
        commands: dict[int, tuple[Command, set[int]]] = {}
        lines: dict[int, dict[int, tuple[Spot, str]]] = {}
        for command, word, moved in self._words(found, cut):
            commands.setdefault(command.start, (command, set()))[1].add(word)
            lines.setdefault(self._line_end(command.end), {})[moved[0].start] = moved
        edits = {edit.start: edit for command, words in commands.values() for edit in self._of(command, words)}
        whole = self._last_on_lines(command for command, words in commands.values() if self.is_whole(command, words))
        marks = [self._put_mark(edits, whole, end, f"# {mark([*moved.values()])}") for end, moved in lines.items()]
        every = [*edits.values(), *(edit for edit in marks if edit)]
        return sorted(every, key=lambda edit: (edit.start, edit.end))

    def asked(self, command: Command) -> bool:
        """Whether somebody may ask for its exit status: the text itself, or who reads the file."""
        return command is self.script.commands[-1] or self._status_to >= command.end

    def _words(
        self, found: Sequence[Given], cut: Sequence[tuple[Spot, str]]
    ) -> Iterable[tuple[Command, int, tuple[Spot, str]]]:
        places = {each.start: each for each in found}
        starts = {spot.start for spot, _ in cut}
        kept = {each.name for each in found if each.start not in starts}
        bare = {name: list(self.bare(name)) for name in {spot.name for spot, _ in cut} - kept}
        for spot, address in cut:
            each = places[spot.start]
            if each.command:
                yield each.command, each.word, (spot, address)
            for command, word in bare.get(spot.name, ()):
                yield command, word, (spot, address)

    def _line_end(self, place: int) -> int:
        """The next place where a comment may stand."""
        return self.script.ends[bisect_left(self.script.ends, place)]

    def _of(self, command: Command, words: set[int]) -> list[Edit]:
        if self.is_whole(command, words):
            return [self.whole(command)]
        first = next(number for number in range(len(command.words)) if number not in words)
        return [self._without(command, number, first) for number in sorted(words)]

    @staticmethod
    def _without(command: Command, number: int, first: int) -> Edit:
        """One word less, with the blanks before it, or behind it as long as no word is left before it."""
        words = command.words
        if number < first:
            return Edit(start=words[number].start, end=words[number + 1].start, left="")
        return Edit(start=words[number - 1].end, end=words[number].end, left="")

    def _last_on_lines(self, commands: Iterable[Command]) -> dict[int, Command]:
        """Those behind which nothing more stands on their lines, by the ends of these."""
        return {self._line_end(each.end): each for each in commands if _LAST_ON_LINE.match(self.text, each.end)}

    def _put_mark(self, edits: dict[int, Edit], whole: dict[int, Command], end: int, said: str) -> Edit | None:
        """The mark at the end of that line, if what is left of a command there does not take it up."""
        if command := whole.get(end):
            left = said if self.stands_alone(command) else f"{self.nothing(command)} {said}"
            edits[command.start] = Edit(start=command.start, end=command.end, left=left)
            return None
        if self.text.startswith("\r\n", end) and all(until != end for _, until in self.script.comments):
            return self._line_before(end, said)
        place = _before_joined(self.text, end)
        blank = "" if self.text[place - 1] in " \t" else " "
        return Edit(start=place, end=place, left=blank + said)

    def _line_before(self, end: int, said: str) -> Edit:
        """A line of its own: many shells take the carriage return for a part of the last word, which must stay so."""
        started = bisect_right(self.script.starts, end)
        place = self.script.starts[started - 1] if started else 0
        return Edit(start=place, end=place, left=f"{said}\r\n")


def _before_joined(text: str, end: int) -> int:
    """The end of a line, before the backslashes that join nothing but blanks to it."""
    place = end
    while place:
        if text.endswith("\\\n", 0, place):
            end = place = place - 2
        elif text[place - 1] in " \t":
            place -= 1
        else:
            break
    return end
