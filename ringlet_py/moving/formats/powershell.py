"""The files of PowerShell: its profiles, and what they source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.by_statement import ByStatement, Said, with_separator
from ringlet_py.moving.formats.given import Given
from ringlet_py.moving.formats.statements import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.moving.formats.statements import Statement

_STRING = r"(?:\"(?P<double>[^\"`$]+)\"|'(?P<single>[^']+)')"
_NAME = r"(?P<name>[A-Za-z_]\w*)"
_GIVING = (
    re.compile(rf"\$(?:env:{_NAME}|\{{env:(?P<braced>[A-Za-z_]\w*)\}})[ \t]*=[ \t]*{_STRING}", re.IGNORECASE),
    re.compile(
        rf"\[(?:System\.)?Environment\]::SetEnvironmentVariable\(\s*[\"']{_NAME}[\"']\s*,\s*{_STRING}\s*"
        r"(?:,\s*(?:[\"']\w+[\"']|\[(?:System\.)?EnvironmentVariableTarget\]::\w+)\s*)?\)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:Set-Item|si)[ \t]+(?:-(?:Literal)?Path[ \t]+)?(?P<quote>[\"']?)Env:[\\/]?{_NAME}(?P=quote)"
        rf"[ \t]+(?:-Value[ \t]+)?(?:{_STRING}|(?P<bare>[A-Za-z0-9_][A-Za-z0-9_./-]*))",
        re.IGNORECASE,
    ),
)
_DOT = re.compile(r"\.[ \t]+(?:\"([^\"`]+)\"|'([^'$]+)'|([^\s\"'`()&|]+))")
_PATH = re.compile(
    r"(?:(?:~|\$HOME|\$\{HOME\}|\$PSScriptRoot)(?=[\\/]))?[^$`*?\[\](){}<>|&;~\x00-\x1f]+", re.IGNORECASE
)


class PowerShell(ByStatement):
    """The text of PowerShell."""

    tokens = re.compile(
        r"(?P<comment><\#.*?\#>|(?<![^\s;{}()\[\],|&])\#(?:[^\r\n]|\r(?!\n))*)"
        # blank lines as one, or each would be followed to the last; behind a bare return all is uncertain
        r"|(?P<blank>[ \t]+|`\r?\n|\r?\n(?:[ \t]|\r?\n)*+(?=[\r|])|(?<=[|,=+(&])[ \t]*\r?\n)"
        r"|(?P<end>;|\r?\n(?:[ \t]*\r?\n)*+)"
        r"|(?P<open>@?[({]|\[)|(?P<close>[)\]}])"
        r"|(?P<here>@\"[ \t]*\r?\n(?:.*?\r?\n)??\"@|@'[ \t]*\r?\n(?:.*?\r?\n)??'@)"
        r"|(?<!@)(?P<string>\"(?:[^\"`$\u201c-\u201e]|`.|\"\"|\$(?!\()|\$\([^()\"]*\))*\""
        r"|'(?:[^'\u2018-\u201b]|'')*')"
        r"|(?P<other>`[^\r\n]|(?!--%|<\#)[^\s;\#()\[\]{}\"'`@\u2018-\u201e]|@(?![\"'])|\#|\r(?!\n)|[^\S\r\n \t])",
        re.DOTALL,
    )
    loose = re.compile(
        r"\$\{?env:([A-Za-z_]\w*)\}?[ \t]*=[\s`]*[\"'(]*(?!\$\{?env:)([^\s\"'`;(){}=]+)"
        r"|SetEnvironmentVariable\(\s*[\"']?([A-Za-z_]\w*)[\"']?\s*,\s*[\"']?([^\s\"'`,()]+)"
        r"|(?:Set|New)-Item\b[^\r\n;]*?(?<!\$)\bEnv:[\\/]?([A-Za-z_]\w*)[\"']?[ \t]+(?:-Value[ \t]+)?"
        r"[\"']?([^\s\"'`;(){}=-][^\s\"'`;(){}]*)",
        re.IGNORECASE,
    )
    use = re.compile(
        r"\$env:(\w+)\b(?![ \t]*=)|\$\{env:(\w+)\}(?![ \t]*=)"
        r"|GetEnvironmentVariable\(\s*[\"'](\w+)|\b(?:Get-Item|Get-Content|gc|gi|cat|type)\s+[\"']?Env:[\\/]?(\w+)",
        re.IGNORECASE,
    )

    def said(self, text: str, statement: Statement) -> Iterator[Said]:
        start, end = statement.start, statement.end
        found = next(filter(None, (pattern.fullmatch(text, start, end) for pattern in _GIVING)), None)
        if not found or set(statement.within) - {"{"}:
            return
        value = next(group for group in ("double", "single", "bare") if found.groupdict().get(group))
        name = found["name"] or found["braced"]
        given = Given(name=name, start=found.start(value), end=found.end(value))
        whole = with_separator(text, start, end)
        yield Said(given=given, cut=whole, statement=whole)

    def sourced(self, text: str) -> list[str]:
        statements = Reader(text, self.tokens).read().found
        found = [_DOT.fullmatch(text, each.start, each.end) for each in statements]
        paths = [each[each.lastindex or 0] for each in found if each]
        return list(dict.fromkeys(path for path in paths if _PATH.fullmatch(path)))
