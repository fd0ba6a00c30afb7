"""Where a word of a POSIX shell's text ends: quotes, expansions and substitutions are followed, not carried out.

Where shells differ, or a text is too strange to be sure of, LostError is raised: what follows could mean anything.
"""

from __future__ import annotations

import re

DEEPEST = 30  # substitutions within each other
_PLAIN = re.compile(r"[^\s;&|()<>\\'\"$`]+")
_DOUBLE = re.compile(r'[^"\\$`]*')
_ANSI = re.compile(r"\$'(?:[^'\\]|\\.)*'", re.DOTALL)
_FLAGS = re.compile(r"\$\{\([^()]*\)")  # zsh's ${(flags)name}
_SAME = re.compile(r"'[^'\"{}$`\\\n]*'")  # quotes that mean the same end of ${…}, whether a shell heeds them or not
_WORD = re.compile(r"[A-Za-z0-9_]+")
_BLANK = re.compile(r"(?:[ \t]|\\\n)*")
_BRACKETED = re.compile(r"\[[^\]]*[()]")  # a parenthesis that is only a character of a pattern
_EMPTY = re.compile(r"\([ \t]*\)")
# a function's name that is what it says, whatever the quotes around it
_NAME = re.compile(r"""(?:[^\s'"$`=(){}\[\];&|<>\\*?~]|\\.|'[^']*'|"[^"$`\\]*")+""")
_OLD = re.compile(r"\[[^\[\]'\"`\\$\n]*\]")  # $[1 + 1]


class LostError(Exception):
    """The text cannot be followed with certainty."""


class AllLostError(LostError):
    """Nor what stands before that place: a command that counts may mean something else."""


def word_end(text: str, at: int, depth: int = 0) -> int:
    """Where the word ends that begins there; the same place, if none does."""
    while at < len(text):
        plain = _PLAIN.match(text, at)
        after = plain.end() if plain else _special(text, at, depth)
        if after == at:
            break
        at = after
    return at


def _special(text: str, at: int, depth: int) -> int:
    """The end of what begins with a character that is special within a word; the same place, if it ends the word."""
    char = text[at]
    if char in "<>" and text.startswith("(", at + 1):
        return _parens(text, at + 1, depth)
    if char == "(":
        return _list_or_pattern(text, at, depth)
    if char in ";&|)<>" or (char.isspace() and _ends_word(text, at)):
        return at
    return _piece(text, at, depth)


def _list_or_pattern(text: str, at: int, depth: int) -> int:
    """The end of `(…)` within a word: behind `=` it is a list or a substitution, else a pattern on one line."""
    end = _parens(text, at, depth)
    if text[at - 1 : at] != "=" and "\n" in text[at:end]:
        raise LostError
    return end


def _ends_word(text: str, at: int) -> bool:
    """Whether this white space is a blank or a line end to a shell."""
    return text[at] in " \t\n" or text.startswith("\r\n", at)


def _piece(text: str, at: int, depth: int) -> int:
    """The end of one quoted or expanded piece, or of one ordinary character."""
    char = text[at]
    if char == "\\":
        return _escape(text, at)
    if char == "'":
        return _find(text, "'", at + 1)
    if char == '"':
        return _double(text, at, depth)
    if char == "`":
        return _backticks(text, at)
    return _dollar(text, at, depth) if char == "$" else at + 1


def _escape(text: str, at: int) -> int:
    # a backslash before CRLF escapes the carriage return alone, where a shell does not leave that out
    if at + 1 >= len(text) or text.startswith("\r\n", at + 1):
        raise LostError
    return at + 2


def _find(text: str, what: str, at: int) -> int:
    place = text.find(what, at)
    if place < 0:
        raise LostError
    return place + 1


def _double(text: str, at: int, depth: int) -> int:
    """The end of a text in double quotes."""
    at += 1
    while True:
        plain = _DOUBLE.match(text, at)
        at = plain.end() if plain else at
        if at >= len(text):
            raise LostError
        if text[at] == '"':
            return at + 1
        at = _dollar(text, at, depth, quoted=True) if text[at] == "$" else _piece(text, at, depth)


def _backticks(text: str, at: int) -> int:
    start, at = at, at + 1
    while at < len(text) and text[at] != "`":
        at += 2 if text[at] == "\\" else 1
    inside = text[start:at]
    # shells differ in which ends first, quotes or backticks
    if at >= len(text) or inside.count("'") % 2 or inside.count('"') % 2:
        raise LostError
    return at + 1


def _dollar(text: str, at: int, depth: int, *, quoted: bool = False) -> int:
    """The end of an expansion, as far as it is more than a name."""
    if depth > DEEPEST:
        raise LostError
    if text.startswith("((", at + 1):
        return arithmetic_end(text, at + 1, depth + 1)
    if text.startswith("(", at + 1):
        return _parens(text, at + 1, depth)
    if text.startswith("{", at + 1):
        return _braces(text, at, depth + 1, quoted=quoted)
    if text.startswith("'", at + 1) and not quoted:
        return _matched(_ANSI.match(text, at))
    if text.startswith("[", at + 1):
        return _matched(_OLD.match(text, at + 1))
    return at + 1


def _matched(found: re.Match[str] | None) -> int:
    if not found:
        raise LostError
    return found.end()


def _braces(text: str, at: int, depth: int, *, quoted: bool) -> int:
    flags = _FLAGS.match(text, at)
    at = flags.end() if flags else at + 2
    while at < len(text) and text[at] != "}":
        at = _in_braces(text, at, depth, quoted=quoted)
    return _find(text, "}", at)


def _in_braces(text: str, at: int, depth: int, *, quoted: bool) -> int:
    char = text[at]
    if char == "{":  # some shells count it, some do not
        raise LostError
    if char == "'" and quoted:
        return _matched(_SAME.match(text, at))
    return _dollar(text, at, depth, quoted=quoted) if char == "$" else _piece(text, at, depth)


def function_head(text: str, at: int) -> tuple[list[str], int]:
    """The names behind `function`, as they are written, and the end of all that stands before the body."""
    names: list[str] = []
    start, at = at, _matched(_BLANK.match(text, at))
    if at == start:
        raise LostError
    while not text.startswith("(", at):
        end = word_end(text, at)
        name, called, _ = text[at:end].partition("(")
        if name in {"", "{"}:
            return names, at
        if not _NAME.fullmatch(name):
            raise AllLostError
        names.append(name)
        at = at + len(name) if called else _matched(_BLANK.match(text, end))
    empty = _EMPTY.match(text, at)
    return names, empty.end() if empty else at


def arithmetic_end(text: str, at: int, depth: int = 0) -> int:
    """The end of `((…))`; two subshells that only look like it lose the reader."""
    open_ = 0
    while at < len(text):
        char = text[at]
        open_ += (char == "(") - (char == ")")
        if char == ")" and open_ == 1 and text.startswith(")", at + 1):
            return at + 2
        if (char == ")" and open_ < 2) or char == "'":
            raise LostError
        at = _piece(text, at, depth)
    raise LostError


def _parens(text: str, at: int, depth: int) -> int:
    """The end of a substitution, an array or a pattern in parentheses."""
    if depth > DEEPEST:
        raise LostError
    at += 1
    while at < len(text) and text[at] != ")":
        at = _in_parens(text, at, depth + 1)
    return _find(text, ")", at)


def _in_parens(text: str, at: int, depth: int) -> int:
    """The end of the next thing within parentheses; what would need a whole shell to follow loses the reader."""
    char, before = text[at], text[at - 1]
    first = before in " \t\n;&|("
    if char == "#" and first and before != "(":
        return _find(text, "\n", at) - 1
    if text.startswith("<<", at) and not text.startswith("<<<", at):
        raise LostError
    word = _WORD.match(text, at)
    if word and first and word[0] in {"case", "esac"}:
        raise LostError
    if char == "(":
        return _parens(text, at, depth)
    if text.startswith("<<<", at):
        return at + 3
    return word.end() if word else _piece(text, at, depth)


def condition_end(text: str, at: int) -> int:
    """The end of `[[ … ]]`, from behind the first bracket."""
    while at < len(text):
        at = _matched(_BLANK.match(text, at))
        end = word_end(text, at)
        word = text[at:end]
        if word == "]]":
            return end
        if word.startswith("#") or _BRACKETED.search(word) or (not word and text[at : at + 1] in {"", ";"}):
            raise LostError
        at = max(end, at + 1)
    raise LostError
