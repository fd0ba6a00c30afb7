"""A TOML table taken apart strictly: every value has its type, and what is left over is an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ringlet_py.errors import ConfigError
from ringlet_py.files.toml import line_of, parse
from ringlet_py.suggest import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a document came from, and the error that its mistakes raise."""

    path: str
    text: str
    error: type[ConfigError] = ConfigError

    def root(self) -> Table:
        """The whole document as a table; raises the source's error if it is not TOML."""
        return Table(self, parse(self.text, self.path, error=self.error))

    def wrong(self, what: str, key: str, *, table: str = "", why: str = "") -> ConfigError:
        """The error for a mistake at that key, with file and line."""
        line = line_of(self.text, key, table=table)
        place = f"{self.path}, line {line}" if line else self.path
        return self.error(f"{place}: {what}", why=why, hint=f"edit {self.path}")


@dataclass
class Table:
    """One table; each getter takes its key away, `done` refuses what remains."""

    source: Source
    values: dict[str, Any]
    name: str = ""
    known: set[str] = field(default_factory=set)

    def wrong(self, what: str, key: str, *, why: str = "") -> ConfigError:
        """The error for a mistake at that key of this table."""
        return self.source.wrong(what, key, table=self.name, why=why)

    def text(self, key: str, default: str | None = None) -> str:
        """A string; required without a default."""
        value = self._take(key, str)
        if value is not None:
            return str(value)
        if default is None:
            raise self.wrong(f"{key!r} is missing", key)
        return default

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._take(key, bool)
        return default if value is None else bool(value)

    def number(self, key: str, default: int, *, least: int = 0) -> int:
        """A whole number, not below the least."""
        value = self._take(key, int)
        if value is None:
            return default
        if isinstance(value, bool) or value < least:
            raise self.wrong(f"{key!r} must be a whole number of at least {least}", key)
        return int(value)

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """One of the allowed words."""
        value = self.text(key, default)
        if value not in allowed:
            raise self.wrong(f"{key} = {value!r} is not known", key, why=did_you_mean(value, allowed))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty if it is not there."""
        value = self._take(key, list) or []
        if not all(isinstance(item, str) for item in value):
            raise self.wrong(f"{key!r} must be a list of strings", key)
        return tuple(value)

    def mapping(self, key: str) -> dict[str, str]:
        """A table of strings; empty if it is not there."""
        value = self._take(key, dict) or {}
        for name, item in value.items():
            if not isinstance(item, str):
                raise self.source.wrong(f"{name!r} must be a string", name, table=self._below(key))
        return dict(value)

    def table(self, key: str) -> Table:
        """A table within this one; empty if it is not there."""
        return Table(self.source, dict(self._take(key, dict) or {}), self._below(key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """A list of tables; empty if it is not there."""
        value = self._take(key, list) or []
        if not all(isinstance(item, dict) for item in value):
            raise self.wrong(f"{key!r} must be a list of tables", key)
        return tuple(Table(self.source, dict(item), self._below(key)) for item in value)

    def done(self) -> None:
        """Raises for every key that nobody asked for."""
        for key in self.values:
            where = f" in [{self.name}]" if self.name else ""
            raise self.wrong(f"{key!r} is not known{where}", key, why=did_you_mean(key, self.known))

    def _take(self, key: str, kind: type) -> Any:
        self.known.add(key)
        value = self.values.pop(key, None)
        if value is not None and not isinstance(value, kind):
            raise self.wrong(f"{key!r} must be a {_KINDS[kind]}", key)
        return value

    def _below(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


_KINDS = {str: "string", bool: "true or false", int: "whole number", list: "list", dict: "table"}
