"""Master keys in a private file, one a line: the store and slot it is for, and 64 hexadecimal digits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py.backends.sealed import seals
from ringlet_py.backends.sealed.masters import parsed
from ringlet_py.errors import KeychainBroken, MasterKeyMissing, MasterKeyWrong
from ringlet_py.files.checks import quoted, reason
from ringlet_py.files.private import Lock, read_private, write_private

if TYPE_CHECKING:
    from ringlet_py.ledger.sealed import WrappedKey

_HEAD = "# master keys of ringlet's sealed backend: who reads this and the ledger has the keys\n"


class FileMaster:
    """A random master key in the file (absolute path), which is checked as the credentials file is."""

    def __init__(self, path: str) -> None:
        self._path = path

    def find(self, key: WrappedKey) -> bytes:
        """The key out of the file."""
        text = self._lines().get(_name(key.store, key.slot))
        if text is None:
            raise MasterKeyMissing(
                f"the master key is not in {self._path}",
                why="what it sealed cannot be opened without it",
                hint=f"bring the file back from a backup: ls -l {quoted(self._path)}",
            )
        raw = parsed(text)
        if raw is None:
            raise MasterKeyWrong(f"{self._path} holds something else than the master key", hint=self._look())
        return raw

    def make(self, store: str, slot: str, *, rotating: bool) -> tuple[bytes, bytes]:  # noqa: ARG002 - other kinds
        """A random key, on disk before it is used."""
        raw = os.urandom(seals.KEY_LENGTH)
        self._change(_name(store, slot), raw.hex())
        return raw, b""

    def forget(self, store: str, slot: str) -> None:
        """Takes its line out of the file."""
        if _name(store, slot) in self._lines():
            self._change(_name(store, slot), None)

    def _change(self, name: str, digits: str | None) -> None:
        try:
            with Lock(f"{self._path}.lock"):
                lines = {other: text for other, text in self._lines().items() if other != name}
                if digits is not None:
                    lines[name] = digits
                text = _HEAD + "".join(f"{one} {digits}\n" for one, digits in lines.items())
                write_private(self._path, text.encode())
        except OSError as error:
            raise KeychainBroken(f"{self._path} cannot be written", why=reason(error), hint=self._look()) from None

    def _lines(self) -> dict[str, str]:
        """What stands after each name; nothing if there is no file."""
        try:
            content = read_private(self._path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeychainBroken(f"{self._path} cannot be read", why=reason(error), hint=self._look()) from None
        lines = (line.strip().partition(" ") for line in content.decode("ascii", "replace").splitlines())
        return {name: digits for name, _, digits in lines if name and not name.startswith("#")}

    def _look(self) -> str:
        return f"ls -l {quoted(self._path)}"


def _name(store: str, slot: str) -> str:
    return f"{store}-{slot}"
