"""systemd's units: `Environment="A=b" C=d`, several words on a line that may be continued."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit, mark
from ringlet_py.moving.formats.places import Places, blank_before, line_end, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ringlet_py.moving.formats import Spot

_SETTING = re.compile(r"[ \t]*Environment[ \t]*=")
_FILE = re.compile(r"^[ \t]*EnvironmentFile[ \t]*=[ \t]*-?(\S+)[ \t\r]*$", re.MULTILINE)
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^ \t"'\\])+""")
_GIVEN = re.compile(
    r"""(?P<all>["'])(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)(?P=all)"""
    r"""|(?P<name2>[A-Za-z_][A-Za-z0-9_]*)=(?:(?P<some>["'])(?P<value2>.*)(?P=some)|(?P<value3>.*))""",
)
# printable, but for quotes, the backslash, and the sign of systemd's specifiers
_SAFE = re.compile(r"[ !#$&(-\[\]-~]+")


@dataclass(frozen=True)
class _Word:
    """A word of a setting; one that gives a name a value has its spots."""

    start: int
    end: int
    spots: list[Spot]


@dataclass(frozen=True)
class _Setting:
    """One `Environment=`, from its first character to the end of its last line."""

    start: int
    end: int
    words: list[_Word]


class Systemd:
    """Units and their drop-ins, as systemd.syntax(7) and systemd.exec(5) have them."""

    def spots(self, text: str) -> list[Spot]:
        return [spot for setting in _settings(text) for word in setting.words for spot in word.spots]

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        addresses = {spot.start: address for spot, address in cut}
        return [edit for setting in _settings(text) for edit in _edits(text, setting, addresses)]

    def sourced(self, text: str) -> list[str]:
        """The files of `EnvironmentFile=`; `%h` is the home folder."""
        return [found[1].replace("%h", "$HOME") for found in _FILE.finditer(text)]


def _edits(text: str, setting: _Setting, addresses: dict[int, str]) -> Iterator[Edit]:
    """A comment in its place, or one before it and words fewer: an `Environment=` without any would clear them all."""
    cut = [word for word in setting.words if any(spot.start in addresses for spot in word.spots)]
    if not cut:
        return
    comment = f"# {mark([(spot, addresses[spot.start]) for word in cut for spot in word.spots])}"
    if len(cut) == len(setting.words):
        yield Edit(start=setting.start, end=setting.end, left=comment)
        return
    start = blank_before(text, setting.start)
    yield Edit(start=start, end=start, left=f"{comment}{line_end(text)}")
    free = setting.start
    for word in cut:
        edit = _without(text, word, free)
        free = edit.end
        yield edit


def _without(text: str, word: _Word, free: int) -> Edit:
    """Takes the word out, with the blanks after it, or with those before it where it is the last of its line."""
    after = re.compile(r"[ \t]+(?![ \t\r\n\\]|$)").match(text, word.end)
    if after:
        return Edit(start=word.start, end=after.end(), left="")
    return Edit(start=blank_before(text, word.start, lowest=free), end=word.end, left="")


def _settings(text: str) -> list[_Setting]:
    """Every `Environment=` of the text that has a word."""
    places = Places(text)
    found = []
    for start, end, plain in _logical_lines(text):
        setting = _SETTING.match(plain)
        words = _words(places, start, plain, setting.end()) if setting else []
        if words:
            indent = len(plain) - len(plain.lstrip(" \t"))
            found.append(_Setting(start + indent, end, words))
    return found


def _words(places: Places, start: int, plain: str, at: int) -> list[_Word]:
    matches = list(_WORD.finditer(plain, at))
    rest = _WORD.sub("", plain[at:]).strip(" \t")
    why_not = "its quotes cannot be followed" if rest else ""
    return [_word(places, start, match, why_not) for match in matches]


def _word(places: Places, start: int, match: re.Match[str], why_not: str) -> _Word:
    begin, end = start + match.start(), start + match.end()
    given = _GIVEN.fullmatch(match[0])
    if not given:
        return _Word(begin, end, [])
    name, value = ("name", "value") if given["name"] else ("name2", "value2" if given["some"] else "value3")
    if places.text[begin:end] != match[0]:
        why_not = why_not or "it goes over several lines"
    if not _SAFE.fullmatch(given[value]):
        why_not = why_not or "systemd changes some of its characters"
    first = begin + given.start(value)
    return _Word(begin, end, places.spots(given[name], first, first + len(given[value]), why_not))


def _logical_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Each line with those that continue it: start, end, and the text with blanks for what joins it.

    Comments between continued lines are skipped, as systemd does; they become blanks as well, so that places stay.
    """
    start, plain = -1, ""
    for line in lines_of(text):
        content = text[line.start : line.end]
        is_comment = content.lstrip(" \t").startswith(("#", ";"))
        if start < 0 and is_comment:
            continue
        start = line.start if start < 0 else start
        plain = plain.ljust(line.start - start)
        continued = not is_comment and (len(content) - len(content.rstrip("\\"))) % 2 == 1
        plain += " " * len(content) if is_comment else content[:-1] if continued else content
        if not (continued or is_comment):
            yield start, line.end, plain
            start, plain = -1, ""
    if start >= 0:
        yield start, start + len(plain), plain
