"""Where the values of a TOML document stand: a scanner that follows the grammar, and knows nothing of types."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ringlet_py.moving.formats.members import Member, Table
from ringlet_py.moving.formats.places import BOM

DEEPEST = 40  # lists and tables within each other
_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
_LONG = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}', re.DOTALL)
_SHORT = re.compile(r"""\"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'""")
_SCALAR = re.compile(r"[^,\]}#\r\n \t]+(?: [0-9][^,\]}#\r\n \t]*)?")  # a date and a time may have a blank in between


class LostError(Exception):
    """The text is not TOML, or stranger than need be."""


@dataclass(frozen=True)
class Key:
    """A dotted key: its parts, and where it and its last part stand."""

    parts: tuple[str, ...]
    start: int
    end: int
    head: int  # where all but its last part end


@dataclass(frozen=True)
class String:
    """A string value, without its quotes; `member` is its pair in a table in braces, if it stands in one."""

    key: Key
    start: int
    end: int
    statement: int  # where the statement begins in which it stands
    whole: int  # where the value ends, with its quotes
    kind: str  # "plain", "long", or "element" (of a list)
    section: int  # the number of the header above, 0 before the first
    member: Member | None = None


@dataclass
class Scanner:
    """Goes through one text; `headers` has the key of each `[table]`, `keys` those that have a line of their own."""

    text: str
    at: int = 0
    headers: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    keys: list[tuple[int, Key]] = field(default_factory=list)
    strings: list[String] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    statements: dict[int, int] = field(default_factory=dict)  # where each begins, and ends but for its comment
    statement: int = 0

    def scan(self) -> None:
        """The whole document; raises LostError."""
        self.at = len(BOM) if self.text.startswith(BOM) else 0
        while self._skip(_SPACE) < len(self.text):
            self.statement = self.at
            if self.text[self.at] == "[":
                self._header()
            else:
                key = self._pair(None, 0)
                self.keys.append((len(self.headers) - 1, key))
                self.statements[self.statement] = self.at
            self._expect(_REST)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _expect(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if not found:
            raise LostError
        self.at = found.end()
        return found

    def _take(self, sign: str) -> bool:
        """Whether the sign comes next; it is passed."""
        there = self.text.startswith(sign, self.at)
        self.at += len(sign) if there else 0
        return there

    def _header(self) -> None:
        closing = "]]" if self.text.startswith("[[", self.at) else "]"
        self.at += len(closing)
        self._skip(_BLANK)
        key = self._key()
        self._skip(_BLANK)
        if not self._take(closing):
            raise LostError
        self.headers.append(key.parts)

    def _key(self) -> Key:
        start, head, parts = self.at, self.at, []
        while True:
            found = self._expect(_KEY)
            parts.append(next((group for group in found.groups() if group is not None), found[0]))
            end = self.at
            if not _DOT.match(self.text, self.at):
                return Key(tuple(parts), start, end, head)
            head = end
            self._expect(_DOT)

    def _pair(self, table: Table | None, depth: int) -> Key:
        key = self._key()
        self._skip(_BLANK)
        if not self._take("="):
            raise LostError
        self._skip(_BLANK)
        member = Member(".".join(key.parts), key.start) if table else None
        self._value(key, "plain", member, depth)
        if table and member:
            member.end = self.at
            table.members.append(member)
        return key

    def _value(self, key: Key, kind: str, member: Member | None, depth: int) -> None:
        if depth > DEEPEST:
            raise LostError
        if self.text.startswith(('"""', "'''"), self.at):
            self._string(self._expect(_LONG), 3, key, "long", member)
        elif self.text.startswith(("'", '"'), self.at):
            self._string(self._expect(_SHORT), 1, key, kind, member)
        elif self._take("["):
            self._list(key, depth + 1)
        elif self._take("{"):
            self._table(depth + 1)
        else:
            self._expect(_SCALAR)

    def _string(self, found: re.Match[str], quotes: int, key: Key, kind: str, member: Member | None) -> None:
        start, end = found.start() + quotes, found.end() - quotes
        section = len(self.headers) - 1
        self.strings.append(String(key, start, end, self.statement, found.end(), kind, section, member))

    def _list(self, key: Key, depth: int) -> None:
        while self._skip(_SPACE) < len(self.text) and not self._take("]"):
            self._value(key, "element", None, depth)
            self._skip(_SPACE)
            if not self._take(",") and not self.text.startswith("]", self.at):
                raise LostError

    def _table(self, depth: int) -> None:
        table = Table(self.at)
        while self._skip(_SPACE) < len(self.text) and not self.text.startswith("}", self.at):
            self._pair(table, depth)
            self._skip(_SPACE)
            if self.text.startswith(",", self.at):
                table.members[-1].comma = self.at
                self.at += 1
            elif not self.text.startswith("}", self.at):
                raise LostError
        table.end = self.at
        if not self._take("}"):
            raise LostError
        self.tables.append(table)
