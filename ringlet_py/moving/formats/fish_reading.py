"""Reads fish's text command by command, and stops where it cannot be followed."""

from __future__ import annotations

import re

from ringlet_py.moving.formats.commands import Command, Script, Word
from ringlet_py.moving.formats.fish_words import word_end
from ringlet_py.moving.formats.posix_words import LostError

_BLANK = re.compile(r"(?:[ \t]|\\\n)*")
_LINE_END = re.compile(r"\r?\n")
_COMMENT = re.compile(r"#(?:[^\r\n]|\r(?!\n))*")
_OPERATOR = re.compile(r"&&|\|\||&>>|&>\?|&>|&\||\||>>|>\?|>&|>\||>|<\?|<&|<|&|;")
_BLOCKS = frozenset({"if", "while", "for", "function", "begin", "switch"})
_PREFIXES = frozenset({"and", "or", "not", "!", "time", "builtin", "command"})
_CONTINUES = frozenset({"&&", "||", "|", "&|", ">|"})
# commands that give names values; one that means something else now is beyond us
_DECLARING = frozenset({"set", "export"})
NOTHING = "true"  # what is left in the place of `export`


def read(text: str) -> Script:
    """The commands of a text; never raises."""
    return _Reader(text).read()


class _Reader:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.script = Script()
        self.stack: list[tuple[str, int]] = []  # the open blocks, and since where
        self.command: Command | None = None
        self.before = ""
        self.target = False  # a redirection's word comes next
        self.fresh = 0  # where the last line began at which nothing was open

    def read(self) -> Script:
        """Reads to the end, or to where the text cannot be followed; a line is certain or uncertain as a whole."""
        if "\0" in self.text:
            return Script(lost=0)
        try:
            while self.at < len(self.text):
                self._step()
            self._end_command("")
            if self.stack or self.before in {*_PREFIXES, *_CONTINUES}:
                return self.script.until(self.fresh)
        except LostError:
            return self.script.until(self.fresh)
        self.script.ends.append(len(self.text))
        return self.script

    def _step(self) -> None:
        text, joined = self.text, self._blanks()
        if self.at >= len(text):
            return
        if line_end := _LINE_END.match(text, self.at):
            self._line_end(line_end.end())
        elif comment := _COMMENT.match(text, self.at):
            if joined:
                raise LostError
            self.script.comments.append(comment.span())
            self.at = comment.end()
        elif operator := _OPERATOR.match(text, self.at):
            self.at = operator.end()
            self._operator(operator[0])
        else:
            self._word()

    def _blanks(self) -> bool:
        """Goes behind the blanks; whether a line was joined there to the next."""
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return bool(blank and "\n" in blank[0])

    def _line_end(self, after: int) -> None:
        self._end_command("\n")
        self.script.ends.append(self.at)
        self.at = after
        self.script.starts.append(self.at)
        if self.before in _PREFIXES:
            raise LostError
        if self.before in _CONTINUES:
            return
        self.before = ""
        if not self.stack:
            self.fresh = self.at

    def _operator(self, operator: str) -> None:
        if ("<" in operator or ">" in operator) and operator != ">|":
            self._no_target()
            self.target = True
            if self.command:
                self.command.redirected = True
            return
        self._end_command(operator)
        self.before = operator

    def _no_target(self) -> None:
        if self.target:
            raise LostError

    def _end_command(self, operator: str) -> None:
        """Ends the command there is, if one is; what comes next is a command again."""
        self._no_target()
        command, self.command = self.command, None
        if not command:
            return
        command.after, self.before = operator, ""
        words = command.written(self.text)
        self.script.commands.append(command)
        named = {word.partition("=")[0] for word in words[1:]}
        if words[0] in {"function", "alias", "functions"} and named & {*_DECLARING, NOTHING}:
            if NOTHING in named:  # it would be left before this place, too
                self.fresh = 0
            raise LostError

    def _word(self) -> None:
        end = word_end(self.text, self.at)
        raw = self.text[self.at : end]
        if not raw or (self.command is None and not self.target and raw[0] in "{("):
            raise LostError
        if self.target:
            self.target, self.at = False, end
        elif self.command is None:
            self._first(raw, end)
        else:
            self.command.words.append(Word(self.at, end))
            self.at = end

    def _first(self, raw: str, end: int) -> None:
        """The first word of a command, which may be one that opens or closes a block."""
        if raw in _PREFIXES:
            self.before = raw
        elif raw in {"if", "while", "begin"}:
            self._open(raw)
        elif raw == "else":
            self.before = raw
        elif raw == "end":
            self._close(end)
        else:
            if raw in _BLOCKS:
                self._open(raw)
            self.command = Command(before=self.before, depth=len(self.stack), words=[Word(self.at, end)])
        self.at = end

    def _open(self, raw: str) -> None:
        # behind `else`, `if` goes on with the block that is open
        if not (raw == "if" and self.before == "else"):
            self.stack.append((raw, self.at))
        self.before = raw

    def _close(self, end: int) -> None:
        if not self.stack:
            raise LostError
        word, since = self.stack.pop()
        if word in {"function", "while", "for"}:
            self.script.again.append((since, end))
        # what may follow is a redirection or an operator, as behind a command
        self.command = Command(before="end", depth=len(self.stack), words=[Word(self.at, end)])
