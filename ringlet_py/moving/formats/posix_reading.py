"""Reads a POSIX shell's text command by command, as sh, bash and zsh agree on it, and stops where that ends."""

from __future__ import annotations

import re

from ringlet_py.moving.formats.commands import Command, Script, Word
from ringlet_py.moving.formats.posix_heredocs import Heredoc, body_end
from ringlet_py.moving.formats.posix_meaning import defined, redefines, sets_reading
from ringlet_py.moving.formats.posix_nesting import (
    ARMS,
    CLOSES,
    COMMENT,
    CONTINUES,
    LINE_END,
    OPENS,
    OPERATOR,
    RESERVED,
    STRANGE,
    TURNS,
    Nesting,
    blank_end,
)
from ringlet_py.moving.formats.posix_words import (
    AllLostError,
    LostError,
    arithmetic_end,
    condition_end,
    function_head,
    word_end,
)

_FUNCTION = re.compile(r"[^\s'\"$`=(){};&|<>\\]+[ \t]*\([ \t]*\)")
_NO_ARGUMENTS = re.compile(r"\([ \t]*\)")


def read(text: str) -> Script:
    """The commands of a text; never raises."""
    return Reader(text).read()


class Reader(Nesting):
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.command: Command | None = None
        self.target = ""  # the redirection whose word comes next
        self.heredocs: list[Heredoc] = []
        self.fresh = 0  # where the last line began at which nothing was open

    def read(self) -> Script:
        """Reads to the end, or to where the text cannot be followed; a line is certain or uncertain as a whole."""
        if "\0" in self.text:
            return Script(lost=0)
        try:
            while self.at < len(self.text):
                self._step()
            self._end_command("")
            self._nothing_open()
        except LostError as lost:
            return self.script.until(0 if isinstance(lost, AllLostError) else self.fresh)
        self.script.ends.append(len(self.text))
        return self.script

    def _nothing_open(self) -> None:
        if self.stack or self.heredocs or self.before in CONTINUES:
            raise LostError

    def _step(self) -> None:
        text, self.at = self.text, blank_end(self.text, self.at)
        if self.at >= len(text):
            return
        if line_end := LINE_END.match(text, self.at):
            self._line_end(line_end.end())
        elif comment := COMMENT.match(text, self.at):
            self.script.comments.append(comment.span())
            self.at = comment.end()
        elif text[self.at] in "()":
            self._paren()
        elif operator := OPERATOR.match(text, self.at):
            self.at = operator.end()
            self._operator(operator[0])
        else:
            self._word()

    def _line_end(self, after: int) -> None:
        self._end_command("\n")
        self.script.ends.append(self.at)
        self.at = after
        for heredoc in self.heredocs:
            self.at = body_end(self.text, self.at, heredoc)
        self.heredocs = []
        self.script.starts.append(self.at)
        if self.before in CONTINUES:
            return
        self.before = ""
        if not self.stack:
            self.fresh = self.at

    def _operator(self, operator: str) -> None:
        if "<" in operator or ">" in operator:
            self._redirection(operator)
            return
        self._end_command(operator)
        if operator in ARMS:
            self.arm()
        elif self.before != "header":
            self.before = operator

    def _redirection(self, operator: str) -> None:
        self._no_target()
        if not self.closed:
            self._now().redirected = True
        self.target = operator

    def _no_target(self) -> None:
        if self.target:
            raise LostError

    def _now(self) -> Command:
        """The simple command that is being read."""
        if self.closed or (self.before == "header" and self.command is None):
            raise LostError
        if self.command is None:
            self.command = Command(before=self.before, depth=len(self.stack))
        return self.command

    def _end_command(self, operator: str) -> None:
        """Ends the simple command there is, if one is; what comes next is a command again."""
        self._no_target()
        command, self.command, self.closed = self.command, None, False
        if not command:
            return
        command.after = operator
        self.before = "header" if command.before == "for" else ""
        if command.words and not self.before:
            self.script.commands.append(command)
            if command.before == "()":
                self.script.again.append((command.start, command.end))
            self._check(command.written(self.text))

    def _check(self, words: list[str]) -> None:
        self._check_defined(defined(words))
        if sets_reading(words):
            raise LostError

    def _check_defined(self, names: list[str]) -> None:
        """Loses all where one of them is a command that counts here: functions before this place may call it, too."""
        if redefines(names):
            raise AllLostError

    def _word(self) -> None:
        end = word_end(self.text, self.at)
        raw = self.text[self.at : end]
        if not raw:
            raise LostError
        if self.target:
            self._take_target(raw, end)
        elif self.command is None and raw in RESERVED:
            self._reserved(raw)
        elif self.command is None and _FUNCTION.fullmatch(raw):
            self._function(raw, end)
        else:
            self._argument(raw, end)

    def _take_target(self, raw: str, end: int) -> None:
        if self.target in {"<<", "<<-"}:
            self.heredocs.append(Heredoc.of(raw, tabs=self.target == "<<-"))
        self.target, self.at = "", end

    def _argument(self, raw: str, end: int) -> None:
        heading = self.command is not None and self.command.before == "for"
        if raw == "do" and heading:  # for x do
            self._end_command(";")
            self.do()
        elif raw == "{" and heading:
            raise LostError
        elif raw == "}" and self.within("{"):  # so zsh ends a group; elsewhere it is an error
            self._end_command("}")
            self.close("}")
        else:
            self._now().words.append(Word(self.at, end))
            self.at = end

    def _function(self, raw: str, end: int) -> None:
        self._check_defined([raw])
        if self.closed or self.before == "header":
            raise LostError
        self.at, self.before = end, "()"

    def _named(self, at: int) -> None:
        """Behind `function`; of several names, which zsh alone takes, each must be looked at."""
        names, end = function_head(self.text, at)
        self._check_defined(names)
        if len(names) > 1:
            raise LostError
        self._function("", end)

    def _paren(self) -> None:
        self._no_target()
        text, at = self.text, self.at
        if text[at] == ")":
            self._end_command(")")
            self.pop({"("}, 1)
        elif self.command is not None:
            self._paren_behind(self.command)
        elif self.closed or self.before == "header":
            raise LostError
        elif text.startswith("()", at):
            self._function("", at + 2)
        elif text.startswith("((", at):
            self.at, self.before, self.closed = arithmetic_end(text, at), "", True
        else:
            self.push("(")

    def _paren_behind(self, command: Command) -> None:
        """`name ()` makes a function; everything else is a pattern or a list of zsh's."""
        empty = _NO_ARGUMENTS.match(self.text, self.at)
        if empty and len(command.words) == 1 and command.before != "for":
            self.command = None
            self._function(self.text[command.start : command.end], empty.end())
        elif empty and command.words and command.before != "for":
            self._check_defined(command.written(self.text))
            raise LostError
        else:
            self._argument("", word_end(self.text, self.at))

    def _reserved(self, raw: str) -> None:
        if raw in TURNS:
            self.turn(*TURNS[raw])
        elif raw in CLOSES:
            self.close(raw)
        elif raw == "do":
            self.do()
        elif self.closed or raw in STRANGE or (self.before == "header" and raw != "{"):
            raise LostError
        elif raw in OPENS:
            self.push(raw)
        else:
            self._open(raw)

    def _open(self, raw: str) -> None:
        if raw in {"!", "time"}:
            self.at, self.before = self.at + len(raw), raw
        elif raw == "[[":
            self.at, self.before, self.closed = condition_end(self.text, self.at + 2), "", True
        elif raw == "function":
            self._named(self.at + len(raw))
        elif raw == "case":
            self.push(raw)
            self.case()
        else:
            self._loop(raw)

    def _loop(self, raw: str) -> None:
        """Behind `for`: its names and words are read as a command that is none, up to `do`."""
        if not self.loop_head(raw):
            self.command = Command(before="for", depth=len(self.stack))
