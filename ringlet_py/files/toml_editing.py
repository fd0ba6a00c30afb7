"""TOML edited without losing comments; apart from reading it, since tomlkit takes a while to import."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ringlet_py.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomlkit import TOMLDocument
    from tomlkit.items import Table


def edit(text: str) -> TOMLDocument:
    """The document for editing, comments and order kept; it must have been parsed before."""
    try:
        return tomlkit.parse(text)
    except (TOMLKitError, ValueError, RecursionError):
        pass
    raise _not_editable()


def dump(document: TOMLDocument) -> str:
    """The edited document as text."""
    return tomlkit.dumps(document)


def with_value(text: str, table: tuple[str, ...], key: str, value: str) -> str:
    """The text with the key set in that table, and every other line as it was.

    Raises ConfigError where that cannot be done.
    """

    def change(tables: Any) -> None:
        for name in table:
            tables = tables.setdefault(name, {})
        tables[key] = value

    return _proved(text, change, lambda: _set_line(text, table, key, value))


def without_table(text: str, table: tuple[str, ...]) -> str:
    """The text without that table; every comment stays where tables have headers.  Raises ConfigError."""
    return _proved(text, lambda tables: _drop(tables, *table), lambda: _drop_lines(text, table))


def _proved(text: str, change: Callable[[Any], None], by_lines: Callable[[], str]) -> str:
    """The edited text whose data is the old data, changed.

    The proof lets the edit by lines be simple.  It comes first, as tomlkit would take a comment away
    together with the table above it.
    """
    for way in (by_lines, lambda: _changed_document(text, change)):
        try:
            wanted = _data(text)
            change(wanted)
            edited = way()
            if _data(edited) == wanted:
                return edited
        except (TOMLKitError, ConfigError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    raise _not_editable()


def _data(text: str) -> dict[str, Any]:
    """For comparing: numbers stay text, since nan is not equal to itself."""
    return tomllib.loads(text, parse_float=str)


def _changed_document(text: str, change: Callable[[Any], None]) -> str:
    document = edit(text)
    change(document)
    return dump(document)


def _set_line(text: str, table: tuple[str, ...], key: str, value: str) -> str:
    lines = text.split("\n")
    new = f"{key} = {tomlkit.string(value).as_string()}"
    start, end = _place(lines, table)
    if start < 0:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}{_header_line(table)}\n{new}\n"
    plain = re.compile(rf"""\s*{re.escape(key)}\s*=\s*(?:"[^"\\]*"|'[^']*')(\s*(?:#.*)?)$""")
    for number in range(start + 1, end):
        if found := plain.match(lines[number]):
            lines[number] = new + found[1]
            return "\n".join(lines)
    lines.insert(start + 1, new)
    return "\n".join(lines)


def _drop_lines(text: str, table: tuple[str, ...]) -> str:
    """The header and its keys go; comments stay, as some belong to what follows."""
    lines = text.split("\n")
    start, end = _place(lines, table)
    kept = [line for line in lines[start + 1 : end] if not line.strip() or line.lstrip().startswith("#")]
    # a blank line too many where the table stood in a paragraph of its own
    if kept and not kept[0].strip() and (start == 0 or not lines[start - 1].strip()):
        del kept[0]
    return "\n".join(lines[:start] + kept + lines[end:])


def _place(lines: list[str], table: tuple[str, ...]) -> tuple[int, int]:
    """The table's header line and the next table's (or the end); (-1, 0) if it has none."""
    start = -1
    for number, line in enumerate(lines):
        header = _header(line)
        if start >= 0 and header:
            return start, number
        if header == table:
            start = number
    return (start, len(lines)) if start >= 0 else (-1, 0)


def _header(line: str) -> tuple[str, ...]:
    """The names in a table's header; () for another line."""
    if not line.lstrip().startswith("["):
        return ()
    try:
        inner: Any = tomllib.loads(line)
    except (ValueError, RecursionError):
        return ()
    names = []
    while inner and isinstance(inner, dict):
        [(name, inner)] = inner.items()
        names.append(name)
    return tuple(names)


def _header_line(table: tuple[str, ...]) -> str:
    return "[" + ".".join(tomlkit.key([name]).as_string() for name in table) + "]"


def _drop(tables: Any, name: str, *inner: str) -> None:
    """Takes the table away, and those above it that are empty then."""
    if inner:
        _drop(tables[name], *inner)
    if not inner or not tables[name]:
        del tables[name]


def _not_editable() -> ConfigError:
    return ConfigError("the file uses TOML that cannot be edited safely", hint="edit it by hand")


def new_table() -> Table:
    """An empty table to put into a document that is being edited."""
    return tomlkit.table()
