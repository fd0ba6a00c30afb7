"""What other programs keep in the keychains of macOS and Windows: looked at without values; nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ringlet_py.errors import InvalidSecret, KeychainBroken

if TYPE_CHECKING:
    from collections.abc import Callable

Name = tuple[str, str]  # service (on Windows: target) and account


class Others(Protocol):
    """Other programs' entries; raises KeychainAbsent where there is no keychain, and the KeychainError that fits."""

    place: str
    asks: bool  # whether to read a value may open a window

    def names(self) -> list[Name]:
        """Those that there are, sorted; attributes only, so nobody is asked for anything."""

    def read(self, name: Name) -> bytes:
        """The value as text in UTF-8; InvalidSecret for what is none."""


class MacOthers:
    """Generic passwords of all keychains that macOS searches."""

    place = "macOS Keychain"
    asks = True

    def __init__(self, *, timeout: float = 0) -> None:
        """Waits at most `timeout` seconds (0: as the backend does), a person's answer to a window included."""
        from ringlet_py.backends.system.macos import PATIENCE

        self._timeout = timeout or PATIENCE

    def names(self) -> list[Name]:
        from ringlet_py.backends.system.macos import within
        from ringlet_py.backends.system.macos_calls import SERVICE, Framework

        found = within("listing the keys", lambda: Framework().entries(), timeout=self._timeout)
        return sorted({name for name in found if all(name) and name[0] != SERVICE})

    def read(self, name: Name) -> bytes:
        from ringlet_py.backends.system.macos import within
        from ringlet_py.backends.system.macos_calls import Framework

        service, account = name
        raw = within("reading a value", lambda: Framework().find(account, service), timeout=self._timeout)
        if raw is None:
            raise KeychainBroken("the keychain lost what it had just found")
        return raw


class WindowsOthers:
    """Generic credentials of the user; Windows asks nobody."""

    place = "Windows Credential Manager"
    asks = False

    def names(self) -> list[Name]:
        from ringlet_py.backends.system.windows import PREFIX, Calls

        return sorted(name for name in Calls().others() if not name[0].lower().startswith(PREFIX))

    def read(self, name: Name) -> bytes:
        from ringlet_py.backends.system.windows import Calls

        return _as_utf8(Calls().blob(name[0]))


def _as_utf8(blob: bytes) -> bytes:
    """The text: Python's and Rust's keyring write UTF-16, Go's and Node's UTF-8."""
    try:
        return blob.decode("utf-16-le" if b"\0" in blob else "utf-8").encode()
    except UnicodeError:
        raise InvalidSecret("it is no text") from None


OTHERS: dict[str, Callable[[], Others]] = {"darwin": MacOthers, "win32": WindowsOthers}
