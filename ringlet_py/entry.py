"""What we know about a key: its address and its fields, never its value."""

from __future__ import annotations

import time

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_ALIAS = "default"
MAX_NAME = 64
LONG_NAME = 20
# what an entry holds beyond address and backend, with what stands for "not known"
FIELDS = {
    "created_at": "",
    "replaced_at": "",
    "label": "",
    "org": "",
    "owner": "everyone",
    "tier": "",
    "source": "",
    "login": "",
    "batch": "",
    "expires_at": "",
    "active": True,
    "max_uses": "",
    "base_url": "",
    "weight": 1.0,
    "secrets": (),
    "fingerprint": "",
}
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
    """How a key is named: provider and alias, written `provider/alias`.

    With a `field` it names a bound secret, a further value that travels with that key: `provider/alias#field`.
    """

    __slots__ = ("alias", "field", "provider")

    def __init__(self, provider: str, alias: str = DEFAULT_ALIAS, field: str = "") -> None:
        self.provider = check_name("provider", provider)
        self.alias = check_name("alias", alias)
        self.field = check_name("bound secret", field) if field else ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address written as `provider/alias`, or `provider` alone for its default alias, with `#field` or not."""
        text, mark, field = text.partition("#")
        provider, slash, alias = text.partition("/")
        if mark and not field:
            check_name("bound secret", field)
        return cls(provider, alias if slash else DEFAULT_ALIAS, field)

    def key(self) -> Address:
        """The key itself, whose bound secret this may be."""
        return Address(self.provider, self.alias) if self.field else self

    def to_set(self, *, replace: bool = False) -> str:
        """The command that stores it, in place of what is there if need be."""
        words = f"{self.provider} {self.alias}"
        if self.field:
            return f"ringlet keychain edit {words} --secret {self.field}"
        return f"ringlet keychain set {words}{' --replace' * replace}"

    def __str__(self) -> str:
        return f"{self.provider}/{self.alias}#{self.field}" if self.field else f"{self.provider}/{self.alias}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and str(self) == str(other)

    def __lt__(self, other: Address) -> bool:
        return (self.provider, self.alias, self.field) < (other.provider, other.alias, other.field)

    def __hash__(self) -> int:
        return hash(str(self))


class Entry:
    """A key's metadata, never its value: where it is kept, and what FIELDS names ("" for what is not known).

    `created_at`, `replaced_at` and `expires_at` are moments as `utc` writes them.  `owner` is `everyone`, `user:ID` or
    `channel:ID`; `org` whose limits the key shares at its provider; `max_uses` a rate (`1000/30d`) or a number of
    uses; `secrets` the names of its bound secrets; `fingerprint` tells whether two entries have one value.
    """

    __slots__ = ("address", "backend", *FIELDS)

    if TYPE_CHECKING:
        created_at: str
        replaced_at: str
        label: str
        org: str
        owner: str
        tier: str
        source: str
        login: str
        batch: str
        expires_at: str
        active: bool
        max_uses: str
        base_url: str
        weight: float
        secrets: tuple[str, ...]
        fingerprint: str

    def __init__(self, address: Address, *, backend: str, **fields: Any) -> None:
        self.address = address
        self.backend = backend
        for name, value in {**FIELDS, **fields}.items():
            setattr(self, name, value)

    def changed(self, **fields: Any) -> Entry:
        """The same entry with other values in these fields, address and backend among them."""
        return Entry(**{**{name: getattr(self, name) for name in self.__slots__}, **fields})

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
