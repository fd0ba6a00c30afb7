"""What we know about a key: its address and its dates, never its value."""

from __future__ import annotations

import time

from ringlet_py import errors

DEFAULT_ALIAS = "default"
MAX_NAME = 64
LONG_NAME = 20
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def check_name(kind: str, name: str) -> str:
    """The name, if it follows the grammar of provider, alias and profile names; else InvalidName.

    ASCII letters, digits, '.', '_' and '-', not starting with '-' or '.', 1 to 64 characters.
    """
    if not name:
        raise errors.InvalidName(f"the {kind} is empty")
    if len(name) > MAX_NAME:
        raise errors.InvalidName(f"the {kind} is longer than {MAX_NAME} characters")
    if not _NAME_CHARACTERS.issuperset(name):
        raise errors.InvalidName(f"the {kind}{_shown(name)} has a character that is not allowed")
    if name[0] in "-.":
        raise errors.InvalidName(f"the {kind}{_shown(name)} starts with {name[0]!r}")
    return name


def _shown(name: str) -> str:
    """A short name, for a message; a long one may be a key that was pasted in its place."""
    return f" {name!a}" if len(name) < LONG_NAME else ""


class Address:
    """How a key is named: provider and alias, written `provider/alias`."""

    __slots__ = ("alias", "provider")

    def __init__(self, provider: str, alias: str = DEFAULT_ALIAS) -> None:
        self.provider = check_name("provider", provider)
        self.alias = check_name("alias", alias)

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address written as `provider/alias`, or `provider` alone for its default alias."""
        provider, slash, alias = text.partition("/")
        return cls(provider, alias if slash else DEFAULT_ALIAS)

    def __str__(self) -> str:
        return f"{self.provider}/{self.alias}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and str(self) == str(other)

    def __lt__(self, other: Address) -> bool:
        return (self.provider, self.alias) < (other.provider, other.alias)

    def __hash__(self) -> int:
        return hash(str(self))


class Entry:
    """A key's metadata: where it is kept, when it was made and last replaced (UTC, ISO 8601; "" if unknown)."""

    __slots__ = ("address", "backend", "created_at", "replaced_at")

    def __init__(self, address: Address, *, backend: str, created_at: str = "", replaced_at: str = "") -> None:
        self.address = address
        self.backend = backend
        self.created_at = created_at
        self.replaced_at = replaced_at

    def __repr__(self) -> str:
        return f"Entry({self.address}, backend={self.backend!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and all(getattr(self, f) == getattr(other, f) for f in self.__slots__)

    __hash__ = None  # type: ignore[assignment]


def utc(seconds: float) -> str:
    """The moment (seconds since 1970) in UTC as ISO 8601 with milliseconds: 2026-11-22T21:40:05.123Z."""
    # floor division, so that 59.9996 never becomes second 60
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03d}Z"
