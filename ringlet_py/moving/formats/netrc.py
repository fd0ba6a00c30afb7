"""`~/.netrc`: the whole entry of an API's host goes, since half an entry would make programs ask for the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.moving.formats import Edit, mark
from ringlet_py.moving.formats.places import Alone, Places, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ringlet_py.moving.formats import Spot

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[^ \t\r\n]+')
_SAFE = re.compile(r"[!$-\[\]-~][!#-\[\]-~]*")  # printable, without quotes and backslashes, and no comment
_SAFE_HOST = re.compile(r"[A-Za-z0-9.:_-]+")


@dataclass(frozen=True)
class Netrc(Alone):
    """`machine HOST login NAME password VALUE`; only entries of `hosts` (those of the catalog) may go.

    The name of a spot is its host.
    """

    hosts: frozenset[str] = frozenset()

    def spots(self, text: str) -> list[Spot]:
        places = Places(text)
        return [spot for entry in _entries(text) for spot in self._spots(places, entry)]

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        addresses = {spot.start: (spot, address) for spot, address in cut}
        entries = [(entry, [addresses[at] for at, _ in entry.passwords if at in addresses]) for entry in _entries(text)]
        return [Edit(start=entry.start, end=entry.end, left=f"# {mark(moved)}") for entry, moved in entries if moved]

    def _spots(self, places: Places, entry: _Entry) -> list[Spot]:
        why_not = self._why_not(places.text, entry)
        return [spot for password in entry.passwords for spot in places.spots(entry.host, *password, why_not)]

    def _why_not(self, text: str, entry: _Entry) -> str:
        if entry.host not in self.hosts:
            return "it is no provider's host, and other programs may need the entry"
        if not entry.alone or len(entry.passwords) != 1 or not _SAFE_HOST.fullmatch(entry.host):
            return "the entry cannot be told from what stands beside it"
        return "" if _SAFE.fullmatch(text, *entry.passwords[0]) else "programs differ in how they read its characters"


@dataclass
class _Entry:
    """From `machine` to the end of its last word; `alone`: its lines hold nothing else."""

    host: str
    start: int
    end: int
    alone: bool
    passwords: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class _Word:
    """A word, and whether it is the first of its line."""

    text: str
    start: int
    end: int
    first: bool


def _entries(text: str) -> list[_Entry]:
    """Every entry; a word that no entry has, or a remark in its lines, makes it one that is not alone."""
    entries: list[_Entry] = []
    words = _words(text)
    for word in words:
        last = entries[-1] if entries else None
        if word.text in {"machine", "default"}:
            host = next(words, None) if word.text == "machine" else word
            if last and not word.first:
                last.alone = False
            entries.append(_Entry(host.text if host else "", word.start, host.end if host else word.end, word.first))
        elif last and word.text in {"login", "user", "account", "password"}:
            _field(last, word, next(words, None))
        elif last:
            last.alone = False
    return entries


def _field(entry: _Entry, word: _Word, value: _Word | None) -> None:
    if value is None:
        entry.alone = False
        return
    entry.end = value.end
    if word.text == "password":
        quoted = value.text.startswith('"') and value.text.endswith('"') and len(value.text) > 1
        entry.passwords.append((value.start + quoted, value.end - quoted))
        entry.alone = entry.alone and not quoted


def _words(text: str) -> Iterator[_Word]:
    """The words outside comments and macros; a macro ends at an empty line, and is a word without a meaning."""
    macro = False
    for line in lines_of(text):
        content = text[line.start : line.end]
        macro = macro and bool(content.strip())
        if macro or content.lstrip(" \t").startswith("#"):
            continue
        for number, found in enumerate(_TOKEN.finditer(text, line.start, line.end)):
            macro = macro or found[0] == "macdef"
            yield _Word(found[0], found.start(), found.end(), number == 0)
