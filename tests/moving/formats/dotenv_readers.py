"""How other programs read `.env` files, written down from their own grammars, as oracles for ours.

Values are as the programs give them before they replace `$NAME`, which is another step in all of them.
"""

from __future__ import annotations

import re

# python-dotenv's parser.py
_PY_KEY = re.compile(r"[^=\#\s]+")
_PY_SINGLE_KEY = re.compile(r"'([^']+)'")
_PY_SINGLE = re.compile(r"'((?:\\'|[^'])*)'")
_PY_DOUBLE = re.compile(r'"((?:\\"|[^"])*)"')
_PY_END = re.compile(r"(?:[^\S\r\n]*#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r|$)")
_PY_REST = re.compile(r"[^\r\n]*(?:\r|\n|\r\n)?")

# node's dotenv, lib/main.js; what JavaScript's `\s` has beyond Python's is the byte order mark
_S = r"[\s\ufeff]"
_NODE_LINE = re.compile(
    rf"""^{_S}*(?:export{_S}+)?([A-Za-z0-9_.-]+)(?:{_S}*={_S}*?|:{_S}+?)"""
    rf"""({_S}*'(?:\\'|[^'])*'|{_S}*"(?:\\"|[^"])*"|{_S}*`(?:\\`|[^`])*`|[^#\r\n]+)?{_S}*(?:\#.*)?$""",
    re.MULTILINE | re.VERBOSE,
)
_QUOTES = re.compile(r"""^(['"`])([\s\S]*)\1$""")


def python_dotenv(text: str) -> dict[str, str]:
    """What python-dotenv gives, without interpolation."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        at = _match(r"\s*", text, at).end()
        if at >= len(text):
            break
        name, value, at, sure = _python_binding(text, at)
        if sure and name and value is not None:
            found[name] = value
    return found


def _match(pattern: str, text: str, at: int) -> re.Match[str]:
    found = re.compile(pattern).match(text, at)
    assert found
    return found


def _python_binding(text: str, at: int) -> tuple[str, str | None, int, bool]:
    start = at
    at = _match(r"(?:export[^\S\r\n]+)?", text, at).end()
    name, value = "", None
    if not text.startswith("#", at):
        quoted = _PY_SINGLE_KEY.match(text, at) if text.startswith("'", at) else None
        key = quoted or (None if text.startswith("'", at) else _PY_KEY.match(text, at))
        if not key:
            return "", None, _PY_REST.match(text, at).end(), False  # type: ignore[union-attr]
        name, at = key[1] if quoted else key[0], key.end()
        at = _match(r"[^\S\r\n]*", text, at).end()
        if text.startswith("=", at):
            at = _match(r"=[^\S\r\n]*", text, at).end()
            given = _python_value(text, at)
            if given is None:
                return name, None, _PY_REST.match(text, at).end(), False  # type: ignore[union-attr]
            value, at = given
    end = _PY_END.match(text, at)
    if not end or end.end() == start:
        rest = _PY_REST.match(text, at)
        return name, value, max(rest.end() if rest else 0, start + 1), False
    return name, value, end.end(), True


def _python_value(text: str, at: int) -> tuple[str, int] | None:
    char = text[at : at + 1]
    if char in {"'", '"'}:
        found = (_PY_SINGLE if char == "'" else _PY_DOUBLE).match(text, at)
        escapes = r"\\[\\']" if char == "'" else r"\\[\\'\"abfnrtv]"
        return (re.sub(escapes, _unescaped, found[1]), found.end()) if found else None
    found = _match(r"[^\r\n]*", text, at)
    return re.sub(r"\s+#.*", "", found[0]).rstrip(), found.end()


def _unescaped(found: re.Match[str]) -> str:
    return found[0].encode().decode("unicode-escape")


def node_dotenv(text: str) -> dict[str, str]:
    """What node's dotenv gives."""
    found: dict[str, str] = {}
    for line in _NODE_LINE.finditer(re.sub(r"\r\n?", "\n", text)):
        value = (line[2] or "").strip("\ufeff \t\n\r\f\v\u00a0\u2028\u2029")
        sign = value[:1]
        value = _QUOTES.sub(r"\2", value)
        if sign == '"':
            value = value.replace("\\n", "\n").replace("\\r", "\r")
        found[line[1]] = value
    return found


def docker(text: str) -> dict[str, str]:
    """What `docker run --env-file` gives."""
    lines = [line.removesuffix("\r").lstrip(" \t") for line in text.removeprefix("\ufeff").split("\n")]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#") and "=" in line]
    return {name: value for name, _, value in pairs if not re.search(r"\s", name)}
