"""Which backend is used: the OS keychain, and the file only where there is no keychain at all."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends import dismiss, expect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ringlet_py.backends import Backend
    from ringlet_py.entry import Address
    from ringlet_py.secret import Secret

    T = TypeVar("T")

WARNING = (
    "⚠ Using file-backed credentials ({path}).\n"
    "  For better security on multi-user systems, install GNOME Keyring or set up a service-mode keychain."
)


class SystemOrFile:
    """The system backend; when it is absent, and only then, the file, with one warning a command.

    While the keychain is present the file is not used, but what still lies in it is named.
    """

    def __init__(self, system: Backend, file: Backend, say: Callable[[str], None]) -> None:
        self._system = system
        self._file = file
        self._say = say
        self._chosen: Backend = system
        self._said: set[str] = set()

    @property
    def name(self) -> str:
        return self._chosen.name

    @property
    def place(self) -> str:
        return self._chosen.place

    @property
    def max_length(self) -> int:
        return self._chosen.max_length

    def expect(self, address: Address) -> None:
        if self._chosen is self._system:
            expect(self._system, address)

    def dismiss(self) -> None:
        dismiss(self._system)

    def get(self, address: Address) -> Secret:
        try:
            return self._with_fallback(lambda backend: backend.get(address))
        except errors.KeyNotFound:
            self._name_leftovers(only=address)
            raise

    def set(self, address: Address, secret: Secret) -> None:
        self._with_fallback(lambda backend: backend.set(address, secret))

    def remove(self, address: Address) -> None:
        try:
            self._with_fallback(lambda backend: backend.remove(address))
        except errors.KeyNotFound:
            self._name_leftovers(only=address)
            raise

    def names(self) -> list[Address] | None:
        names = self._with_fallback(lambda backend: backend.names())
        self._name_leftovers()
        return names

    def check(self) -> None:
        self._with_fallback(lambda backend: backend.check())

    def _with_fallback(self, act: Callable[[Backend], T]) -> T:
        if self._chosen is self._system:
            try:
                return act(self._system)
            except errors.KeychainAbsent:
                self._chosen = self._file
                self._say(WARNING.format(path=self._file.place))
        return act(self._file)

    def _name_leftovers(self, only: Address | None = None) -> None:
        """Says what lies in the file although the keychain is in use; its own trouble is not ours here."""
        if self._chosen is self._file:
            return
        try:
            names = self._file.names() or []
        except (errors.RingletError, OSError):
            self._say_once(f"note: {self._file.place} cannot be read; it is not used while the keychain is there")
            return
        left = [str(name) for name in names if not name.field and only in (None, name)]
        if left:
            self._say_once(f"note: not used, but still in {self._file.place}: {', '.join(sorted(left))}")

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)
