"""Where the master key comes from: the OS keychain, a variable, a file, or a passphrase."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from ringlet_py.backends.sealed import seals
from ringlet_py.entry import Address
from ringlet_py.errors import ConfigError, KeychainAbsent, KeyNotFound, MasterKeyMissing, MasterKeyWrong
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.backends import Backend
    from ringlet_py.ledger.sealed import WrappedKey

VARIABLE = "RINGLET_MASTER_KEY"
NEXT_VARIABLE = "RINGLET_NEW_MASTER_KEY"  # the one to rotate to, while the other one still is the old one
SLOTS = ("a", "b")  # two by turns: the old master key is there until no data key needs it any longer
SALT_LENGTH = 16  # bytes


class Master(Protocol):
    """One kind of master key.

    `find` gives the one that wrapped the data key; MasterKeyMissing, or the KeychainError that fits.
    `make` gives a new one and its salt, after it is kept where `find` looks.
    `forget` takes one away that no data key needs; one that is not there is forgotten already.
    """

    def find(self, key: WrappedKey) -> bytes: ...

    def make(self, store: str, slot: str, *, rotating: bool) -> tuple[bytes, bytes]: ...

    def forget(self, store: str, slot: str) -> None: ...


class SystemMaster:
    """A random master key in the OS keychain, in an account that no address can name."""

    def __init__(self, backend: Callable[[], Backend]) -> None:
        self._backend = backend

    def find(self, key: WrappedKey) -> bytes:
        """The key out of the keychain."""
        backend = self._backend()
        account = Account(key.store, key.slot)
        try:
            text = backend.get(account).reveal()
        except KeyNotFound:
            text = ""
        if not text:
            why = f"it was kept there as {account}; what it sealed cannot be opened without it"
            raise MasterKeyMissing(f"the master key is not in the {backend.place}", why=why)
        return parsed(text) or _damaged(f"what the {backend.place} holds as {account}")

    def make(self, store: str, slot: str, *, rotating: bool) -> tuple[bytes, bytes]:  # noqa: ARG002 - other kinds
        """A random key, stored and read back."""
        raw = os.urandom(seals.KEY_LENGTH)
        try:
            self._backend().set(Account(store, slot), Secret(raw.hex()))
        except KeychainAbsent as problem:
            hint = 'set [sealed] master-key = "file", "env" or "passphrase" in config.toml'
            raise KeychainAbsent(problem.what, why=problem.why, hint=hint) from None
        return raw, b""

    def forget(self, store: str, slot: str) -> None:
        """Takes it out of the keychain."""
        try:
            self._backend().remove(Account(store, slot))
        except KeyNotFound:
            return


class EnvMaster:
    """The master key in a variable, which no agent inherits."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def find(self, key: WrappedKey) -> bytes:  # noqa: ARG002 - there is one only
        """The key out of RINGLET_MASTER_KEY."""
        return self._read(VARIABLE)

    def make(self, store: str, slot: str, *, rotating: bool) -> tuple[bytes, bytes]:  # noqa: ARG002 - other kinds
        """The key that the person has put into the variable; to rotate, into RINGLET_NEW_MASTER_KEY."""
        renewed = rotating and self._environ.get(NEXT_VARIABLE)
        return self._read(NEXT_VARIABLE if renewed else VARIABLE), b""

    def forget(self, store: str, slot: str) -> None:
        """The variable is the person's own."""

    def _read(self, variable: str) -> bytes:
        text = self._environ.get(variable, "")
        # hexadecimal digits need no quotes
        hint = f'export {variable}="$(cat FILE)", with the 64 hexadecimal digits in the file'
        if not text:
            raise MasterKeyMissing(f"the master key is not in the environment: {variable} is not set", hint=hint)
        key = parsed(text)
        if key is None:
            raise ConfigError(f"{variable} is not 64 hexadecimal digits", hint=hint)
        return key


class PassphraseMaster:
    """A master key derived from what a person types; `ask` gets a prompt, and raises where nobody can be asked."""

    def __init__(self, ask: Callable[[str], Secret]) -> None:
        self._ask = ask

    def find(self, key: WrappedKey) -> bytes:
        """The key out of the passphrase and the salt beside the data key."""
        typed = self._ask("Passphrase of the sealed keys")
        return seals.derived(typed.reveal().encode(), key.salt)

    def make(self, store: str, slot: str, *, rotating: bool) -> tuple[bytes, bytes]:  # noqa: ARG002 - other kinds
        """A key out of a new passphrase, typed twice, and a random salt."""
        typed = self._ask("New passphrase for the sealed keys")
        if not typed.same_as(self._ask("New passphrase, again")):
            raise MasterKeyWrong("the two passphrases differ", hint="type it again")
        salt = os.urandom(SALT_LENGTH)
        return seals.derived(typed.reveal().encode(), salt), salt

    def forget(self, store: str, slot: str) -> None:
        """Nothing is kept."""


class Account(Address):
    """The account of a master key in the OS keychain: outside the grammar, so that it is nobody's address."""

    __slots__ = ()

    def __init__(self, store: str, slot: str) -> None:
        self.provider = ".ringlet"
        self.alias = f"master-key-{store}-{slot}"
        self.field = ""

    def to_set(self, *, replace: bool = False) -> str:  # noqa: ARG002 - a master key is never set by hand
        """What a person can do about it: it is no key to be set."""
        return "ringlet sealed status"


def parsed(text: str) -> bytes | None:
    """The master key that is written in 64 hexadecimal digits, or None."""
    digits = text.strip()
    if len(digits) != 2 * seals.KEY_LENGTH or not set(digits) <= set("0123456789abcdefABCDEF"):
        return None
    return bytes.fromhex(digits)


def _damaged(what: str) -> bytes:
    raise MasterKeyWrong(f"{what} is not a master key", why="another program changed it")
