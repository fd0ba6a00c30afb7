"""What the checks look at: the app, the system, and how other programs are asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainAbsent, KeychainError, RingletError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ringlet_py.app import App
    from ringlet_py.backends import Backend
    from ringlet_py.doctor.system import System

KEYCHAIN_PATIENCE = 5.0  # seconds that the keychain has for each answer


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Everything that is looked at; each part says itself what is wrong with it, when it is asked.

    `app` asks nobody and says nothing, nor does the `keychain` of the system; `run` gives what each command printed
    ("" where it did not answer); `daemon` is the version of the one that runs, "" if none does; `root` is where the
    files of the system hang from, `user` our number (-1 where there are none).
    """

    app: App
    system: System
    keychain: Callable[[], Backend]
    run: Callable[[Sequence[Sequence[str]]], list[str]]
    daemon: Callable[[], str]
    root: str
    user: int

    @cached_property
    def choice(self) -> str:
        """The backend that config.toml chooses; "" where it cannot be read."""
        try:
            return self.app.settings.backend
        except (RingletError, OSError):
            return ""

    @cached_property
    def needs_keychain(self) -> bool:
        """Whether keys, or what opens them, are to be in the OS keychain; False where that is not known."""
        if self.choice != "sealed":
            return self.choice not in ("", "file")
        return self.app.settings.master_key == "system"

    @cached_property
    def keychain_trouble(self) -> KeychainError | None:
        """Why the OS keychain cannot be used now, None if it can; asked once."""
        try:
            self.keychain().check()
        except KeychainError as trouble:
            return trouble
        return None

    def check_keys(self) -> None:
        """Raises the keychain's trouble where keys cannot be asked for now, so that nobody waits for it once more."""
        trouble = self.keychain_trouble
        falls_back = isinstance(trouble, KeychainAbsent) and self.choice == "system"
        if trouble is not None and self.needs_keychain and not falls_back:
            raise trouble
