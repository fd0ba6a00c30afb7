"""The files of nushell: `env.nu`, `config.nu`, and what they source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.by_statement import ByStatement, Said, with_separator
from ringlet_py.moving.formats.given import Given
from ringlet_py.moving.formats.posix import unquoted
from ringlet_py.moving.formats.statements import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.moving.formats.statements import Statement

BLOCK = "it stands within a block"
_STRING = r"(?:\"(?P<double>[^\"\\]+)\"|'(?P<single>[^']+)')"
_ASSIGNMENT = re.compile(rf"(?:\$env\.|let-env[ \t]+)(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*{_STRING}")
_PLAIN_ENTRY = r"\"?[A-Za-z_]\w*\"?[ \t]*:[ \t]*(?:\"[^\"\\]*\"|'[^']*')"
_BETWEEN = r"(?:[\s,]|#[^\r\n]*(?=[\r\n]))*"
_LOAD = re.compile(rf"load-env[ \t]*\{{{_BETWEEN}(?:{_PLAIN_ENTRY}{_BETWEEN})*\}}")
_ENTRY = re.compile(rf"(?P<quote>\"?)(?P<name>[A-Za-z_]\w*)(?P=quote)[ \t]*:[ \t]*{_STRING}(?:[ \t]*,[ \t]*)?")
_SOURCE = re.compile(r"(?:source|source-env|use)[ \t]+('[^']*'|\"[^\"\\]*\"|\S+)")


class Nushell(ByStatement):
    """The text of nushell, as far as it is plain; within blocks it is not."""

    tokens = re.compile(
        r"(?P<comment>(?<![^\s;{(\[|,])#(?:[^\r\n]|\r(?!\n))*)"
        # blank lines as one, or each would be followed to the last; behind a bare return all is uncertain
        r"|(?P<blank>[ \t]+|\r?\n(?:[ \t]|\r?\n)*+(?=[\r|]))"
        r"|(?P<end>;|\r?\n(?:[ \t]*\r?\n)*+)"
        r"|(?P<open>[(\[{])|(?P<close>[)\]}])"
        # nushells differ in what a quote within a bare word is
        r"|(?<![\w.-])(?P<string>\$?\"(?:[^\"\\]|\\.)*\"|\$?'[^']*'|`[^`\n]*`)"
        r"|(?P<other>[^\s;#()\[\]{}\"'`$]+|[#$](?![\"'])|\r(?!\n)|[^\S\r\n \t])",
        re.DOTALL,
    )
    loose = re.compile(
        r"(?:\$env\.|\blet-env[ \t]+)([A-Za-z_]\w*)[ \t]*=[ \t]*\$?[\"'`(]*([^\s\"'`;(){}=$]+)"
        r"|\b([A-Z_][A-Z0-9_]*)\"?[ \t]*:[ \t]*[\"'`]([^\"'`\n]+)"
        r"|(?<![\w.])([A-Z_][A-Z0-9_]*)=[\"'`]?([^\s\"'`;(){}=]+)"
    )
    use = re.compile(r"\$env\.(\w+)\b(?![ \t]*=(?!=))|\$env\.(\w+)[ \t]*\+\+?=")

    def said(self, text: str, statement: Statement) -> Iterator[Said]:
        start, end = statement.start, statement.end
        if found := _ASSIGNMENT.fullmatch(text, start, end):
            yield _said(found, with_separator(text, start, end), why_not=BLOCK if statement.within else "")
        elif _LOAD.fullmatch(text, start, end) and not statement.within:
            entries = (each for each in _ENTRY.finditer(text, start, end) if not _in_comment(text, each.start()))
            yield from (_said(each, each.span(), statement=with_separator(text, start, end)) for each in entries)

    def sourced(self, text: str) -> list[str]:
        statements = Reader(text, self.tokens).read().found
        found = [_SOURCE.fullmatch(text, each.start, each.end) for each in statements]
        paths = [unquoted(each[1]) for each in found if each]
        return list(dict.fromkeys(path for path in paths if path.endswith(".nu")))


def _in_comment(text: str, place: int) -> bool:
    return "#" in text[text.rfind("\n", 0, place) + 1 : place]


def _said(
    found: re.Match[str], cut: tuple[int, int], *, statement: tuple[int, int] | None = None, why_not: str = ""
) -> Said:
    start, end = found.span("double" if found["double"] else "single")
    given = Given(name=found["name"], start=start, end=end, why_not=why_not)
    return Said(given=given, cut=cut, statement=statement or cut)
