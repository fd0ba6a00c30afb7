"""The file backend: keys in `credentials.toml`, readable by nobody else, but not encrypted.

    [anthropic.default]
    key = "…"

    [anthropic."default#webhook"]
    key = "…"

What ringlet does not know in that file (comments, further keys and tables) stays as it is.
"""

from __future__ import annotations

import os

from ringlet_py import errors
from ringlet_py.entry import Address
from ringlet_py.files.checks import quoted, reason
from ringlet_py.files.private import Lock, read_private, write_private
from ringlet_py.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    Keys = dict[tuple[str, str], str]

MAX_LENGTH = 65536
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_BLANKS = " \t"


class FileBackend:
    """The keys in one file; see `ringlet_py.backends` for what the verbs promise."""

    name = "file"
    max_length = MAX_LENGTH

    def __init__(self, path: str) -> None:
        self.place = path

    def get(self, address: Address) -> Secret:
        """The secret.

        Raises KeyNotFound, KeychainBroken if the value cannot be a key, StoreCorrupt if the file is not
        what it should be, InsecurePermissions if others could have read or changed it.
        """
        value = self._keys(self._text()).get(_table(address))
        if value is None:
            raise self._not_found(address)
        return _secret(value, address, self.place)

    def set(self, address: Address, secret: Secret) -> None:
        """Makes or replaces; raises as `get`, and KeychainBroken if the file cannot be written."""
        if secret.length > MAX_LENGTH:
            raise errors.InvalidSecret(f"the value is longer than {MAX_LENGTH} characters")
        self._change(address, secret.reveal())

    def remove(self, address: Address) -> None:
        """Takes the table of the key away; raises as `set`, and KeyNotFound."""
        self._check_known(address, self._text())  # so that nothing is made where nothing is
        self._change(address, None)

    def names(self) -> list[Address]:
        """Every key in the file, sorted; names outside the grammar are not ringlet's."""
        found = (_address(*names) for names in self._keys(self._text()))
        return sorted(address for address in found if address)

    def check(self) -> None:
        """Returns if there is a sound file, or none yet; raises as `get`."""
        self._keys(self._text())

    def _change(self, address: Address, value: str | None) -> None:
        try:
            with Lock(f"{self.place}.lock"):
                text = self._text()
                # also for `set`: what is not as it should be is never overwritten
                self._check_known(address, text, needed=value is None)
                write_private(self.place, self._edited(text, address, value).encode())
                self._read_back(address, value)
        except OSError as error:
            raise errors.KeychainBroken(
                f"{self.place} cannot be written", why=reason(error), hint=self._look()
            ) from None

    def _edited(self, text: str, address: Address, value: str | None) -> str:
        from ringlet_py.files.toml_editing import with_value, without_table

        table = _table(address)
        try:
            return without_table(text, table) if value is None else with_value(text, table, "key", value)
        except errors.ConfigError:
            pass
        raise errors.StoreCorrupt(f"{self.place} uses TOML that cannot be edited safely", hint=f"edit {self.place}")

    def _read_back(self, address: Address, value: str | None) -> None:
        if self._keys(self._text()).get(_table(address)) != value:
            raise errors.KeychainBroken(f"{self.place} does not hold for {address} what was written", hint=self._look())

    def _text(self) -> str:
        """The file's text, "" if there is no file."""
        try:
            content = read_private(self.place)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise errors.StoreCorrupt(f"{self.place} cannot be read", why=reason(error), hint=self._look()) from None
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            before = content[: error.start]
        # outside the handler: that exception holds the whole content
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise self._corrupt(f"not UTF-8 at line {line}, column {column}")

    def _keys(self, text: str) -> Keys:
        plain = plain_keys(text)
        return self._all_keys(text) if plain is None else plain

    def _all_keys(self, text: str) -> Keys:
        """What `plain_keys` cannot read, with TOML's own parser."""
        import tomllib

        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError):
            data = None
        # outside the handler: the parser's exception holds the whole document
        if data is None:
            from ringlet_py.files.toml import place_of_error

            raise self._corrupt(f"not valid TOML at {place_of_error(text)}")
        keys = {}
        for provider, aliases in data.items():
            for alias, table in self._table(aliases, text, provider).items():
                key = self._table(table, text, alias, above=provider).get("key")
                if isinstance(key, str):
                    keys[provider, alias] = key
                elif key is not None:
                    raise self._misshapen(text, "key", f"{provider}.{alias}", "a key must be a string")
        return keys

    def _table(self, value: object, text: str, name: str, *, above: str = "") -> dict[str, object]:
        if isinstance(value, dict):
            return value
        raise self._misshapen(text, name, above, "only [provider.alias] tables belong here")

    def _misshapen(self, text: str, name: str, table: str, problem: str) -> errors.StoreCorrupt:
        """Says the line and never the name: a key written in the wrong place would be the name."""
        from ringlet_py.files.toml import line_of

        line = line_of(text, name, table=table)
        return self._corrupt(f"line {line}: {problem}" if line else problem)

    def _corrupt(self, why: str) -> errors.StoreCorrupt:
        return errors.StoreCorrupt(f"{self.place} is not as it should be", why=why, hint=f"edit {self.place}")

    def _check_known(self, address: Address, text: str, *, needed: bool = True) -> None:
        if _table(address) not in self._keys(text) and needed:
            raise self._not_found(address)

    def _not_found(self, address: Address) -> errors.KeyNotFound:
        return errors.KeyNotFound(f"{address} is not in {self.place}", hint=address.to_set())

    def _look(self) -> str:
        return f"ls -ld {quoted(os.path.dirname(self.place))} {quoted(self.place)}"


def plain_keys(text: str) -> Keys | None:
    """What the file says, if it says it in the plainest TOML; None if that needs the real parser.

    Plain are `[provider.alias]` (the alias may be quoted), `key = "…"` without escapes, comments and blank
    lines, all printable.  It is what `set` writes, and read without loading a parser.
    """
    if not text.replace("\n", "").replace("\t", "").isprintable():
        return None
    keys: Keys = {}
    tables = set()
    table = None
    for line in map(_stripped, text.split("\n")):
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            table = _plain_header(line)
            if table is None or table in tables:
                return None
            tables.add(table)
            continue
        value = _plain_value(line)
        if value is None or table is None or table in keys:
            return None
        keys[table] = value
    return keys


def _stripped(line: str) -> str:
    return line.strip(_BLANKS)


def _plain_header(line: str) -> tuple[str, str] | None:
    inside, bracket, after = line[1:].partition("]")
    provider, _, alias = inside.partition(".")
    if len(alias) > 1 and alias[0] == alias[-1] == '"':
        alias = alias[1:-1]
        sound = '"' not in alias and "\\" not in alias
    else:
        sound = alias != "" and _BARE.issuperset(alias)
    if not (sound and bracket and provider and _BARE.issuperset(provider) and _is_comment(after)):
        return None
    return provider, alias


def _plain_value(line: str) -> str | None:
    name, _, rest = line.partition("=")
    rest = _stripped(rest)
    value, quote, after = rest[1:].partition('"')
    if _stripped(name) != "key" or rest[:1] != '"' or not quote or "\\" in value or not _is_comment(after):
        return None
    return value


def _is_comment(text: str) -> bool:
    text = _stripped(text)
    return not text or text[0] == "#"


def _secret(value: str, address: Address, place: str) -> Secret:
    try:
        # a line end would be dropped there, and here it means that the file was written by something else
        secret = None if value.endswith("\n") else Secret.from_input(value.encode())
    except errors.InvalidSecret:
        secret = None
    if secret is None:
        what = f"the value of {address} in {place} is empty or cannot be a key"
        raise errors.KeychainBroken(what, hint=address.to_set(replace=True))
    return secret


def _table(address: Address) -> tuple[str, str]:
    """The names of the table that holds its value."""
    provider, _, alias = str(address).partition("/")
    return provider, alias


def _address(provider: str, alias: str) -> Address | None:
    try:
        return Address.parse(f"{provider}/{alias}")
    except errors.InvalidName:
        return None
