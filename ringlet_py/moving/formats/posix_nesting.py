"""What is open where a POSIX shell's text is read: blocks, loops, functions, cases and subshells."""

from __future__ import annotations

import re

from ringlet_py.moving.formats.commands import Script
from ringlet_py.moving.formats.posix_words import LostError, arithmetic_end, word_end

OPERATOR = re.compile(
    r";;&|;;|;&|;\||&&|\|\||\|&|&>>|&>|&\||&!|&|\||;"
    r"|<<<|<<-|<<|<>|<&|<(?!\()|>>|>&|>\||>(?!\()"
)
LINE_END = re.compile(r"\r?\n")
COMMENT = re.compile(r"#(?:[^\r\n]|\r(?!\n))*")
# what a command must follow, even on the next line
CONTINUES = frozenset({"&&", "||", "|", "|&", "()", "header", "!", "time"})
OPENS = frozenset({"if", "while", "until", "{"})
# reserved word -> what it must stand in, and what it makes of that
TURNS = {"then": ({"if", "elif"}, "then"), "elif": ({"then"}, "elif"), "else": ({"then"}, "else")}
CLOSES = {"fi": {"then", "else"}, "done": {"do"}, "esac": {"case"}, "}": {"{"}}
ARMS = frozenset({";;", ";&", ";;&", ";|"})
STRANGE = frozenset({"coproc", "repeat", "foreach", "always", "end", "]]"})
RESERVED = frozenset({*OPENS, *TURNS, *CLOSES, "do", "for", "select", "case", "[[", "function", "!", "time", *STRANGE})
_BLANK = re.compile(r"(?:[ \t]|\\\n)*")


class Nesting:
    """A place in a text, and all that is open there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.script = Script()
        self.before = ""  # the operator or reserved word before the next command; "" at the start of a line
        self.closed = False  # a compound command has just ended
        self.stack: list[tuple[str, int, bool]] = []  # what is open, since where, and whether that may run again

    def within(self, *openers: str) -> bool:
        """Whether the innermost of what is open is one of these."""
        return bool(self.stack) and self.stack[-1][0] in openers

    def push(self, opener: str) -> None:
        """Opens what begins with the word that stands there."""
        again = opener in {"while", "until", "for"} or self.before == "()"
        self.stack.append((opener, self.at, again))
        self.at, self.before = self.at + len(opener), opener

    def pop(self, openers: set[str], length: int) -> None:
        """Closes the innermost, by a word of that length."""
        if not self.within(*openers) or self.before in CONTINUES:
            raise LostError
        _, since, again = self.stack.pop()
        self.at += length
        if again:
            self.script.again.append((since, self.at))
        self.before, self.closed = "", True

    def turn(self, openers: set[str], now: str) -> None:
        """From one part of a compound command to the next: `then`, `else`, `do`."""
        if not self.within(*openers) or (self.before in CONTINUES and self.before != "header"):
            raise LostError
        self.stack[-1] = (now, *self.stack[-1][1:])
        self.at, self.before, self.closed = self.at + len(now), now, False

    def do(self) -> None:
        """From the head of a loop to its body."""
        self.turn({"for"} if self.before == "header" else {"while", "until"}, "do")

    def loop_head(self, word: str) -> bool:
        """Behind `for`, whose head is arithmetic, or not."""
        self.push(word)
        self.stack[-1] = ("for", *self.stack[-1][1:2], True)
        self.at = blank_end(self.text, self.at)
        if not self.text.startswith("((", self.at):
            return False
        self.at, self.before = arithmetic_end(self.text, self.at), "header"
        return True

    def close(self, word: str) -> None:
        """Closes the innermost by the reserved word that stands there."""
        self.pop(CLOSES[word], len(word))
        if word == "}" and self.within("for"):  # for x in …; { …; }
            self.pop({"for"}, 0)

    def case(self) -> None:
        """Behind `case`: the word, `in`, and the first pattern."""
        self.at = self.skipped(word_end(self.text, blank_end(self.text, self.at)))
        if self.text[self.at : word_end(self.text, self.at)] != "in":
            raise LostError
        self.at += 2
        self.arm()

    def arm(self) -> None:
        """Behind `in` and `;;`: one pattern with its `)`, or `esac`."""
        if not self.within("case"):
            raise LostError
        self.at = self.skipped(self.at)
        if self.text[self.at : word_end(self.text, self.at)] == "esac":
            self.close("esac")
            return
        if self.text.startswith("(", self.at):
            self.at += 1
        while not self.text.startswith(")", self.at):
            self.at = self._pattern_end()
        self.at, self.before = self.at + 1, "case"

    def _pattern_end(self) -> int:
        end = word_end(self.text, blank_end(self.text, self.at))
        end += self.text.startswith("|", end)
        if end == self.at:
            raise LostError
        return end

    def skipped(self, at: int) -> int:
        """Behind the blanks, line ends and comments that begin there."""
        while True:
            at = blank_end(self.text, at)
            if line_end := LINE_END.match(self.text, at):
                self.script.ends.append(at)
                at = line_end.end()
                self.script.starts.append(at)
            elif comment := COMMENT.match(self.text, at):
                at = comment.end()
            else:
                return at


def blank_end(text: str, at: int) -> int:
    """Behind the blanks and joined lines that begin there."""
    found = _BLANK.match(text, at)
    return found.end() if found else at
