"""The macOS Keychain: keyring's named class reads and deletes, the Security framework does the rest.

keyring's own `set` deletes the entry and then adds it again, so a failed add loses the key; here an entry
is changed in place.  No call can be interrupted while the Keychain shows its window, so each verb runs in a
thread that is left behind when the time is up: a window answered later still has its effect.
"""

from __future__ import annotations

from ringlet_py.backends.system.stored import address_of, changed_under_us, missing, refuse_unfit, secret_from
from ringlet_py.errors import KeychainBroken, KeychainLocked, KeychainTimeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ringlet_py.backends.system.macos_calls import Framework
    from ringlet_py.entry import Address
    from ringlet_py.secret import Secret

    Result = TypeVar("Result")

MOST_DUPLICATES = 100
PATIENCE = 90.0  # seconds; a person may have to find a password first


class MacKeychain:
    """Entries of service `ringlet`, account `<provider>/<alias>` or `…#<bound secret>`, in the default keychain."""

    name = "system"
    place = "macOS Keychain, login"
    max_length = 65_536  # the Keychain itself names no limit

    def __init__(self, *, timeout: float) -> None:
        """Waits at most `timeout` seconds (0: `PATIENCE`) for each verb, a person's answer to a window included."""
        self._timeout = timeout or PATIENCE
        self._loaded: Framework | None = None

    def get(self, address: Address) -> Secret:
        """The secret; KeyNotFound, or the KeychainError that fits."""
        return self._within(f"reading {address}", lambda: self._get(address))

    def set(self, address: Address, secret: Secret) -> None:
        """Make the entry or change it in place, and read it back; InvalidSecret before anything is written."""
        refuse_unfit(secret, address, most=self.max_length, place=self.place)
        self._within(f"writing {address}", lambda: self._set(address, secret))

    def remove(self, address: Address) -> None:
        """Delete every entry of that name; KeyNotFound if there is none."""
        self._within(f"removing {address}", lambda: self._remove(address))

    def names(self) -> list[Address]:
        """What is there, sorted; attributes only, so nobody is asked for anything."""
        return self._within("listing the keys", self._names)

    def check(self) -> None:
        """KeychainAbsent or KeychainLocked if it is so now; shows no window."""
        self._within("looking at its state", self._check)

    def _get(self, address: Address) -> Secret:
        raw = self._framework().find(str(address))
        if raw is None:
            self._framework().refuse_absent()
            raise missing(address, place=self.place)
        return secret_from(raw, address, place=self.place)

    def _set(self, address: Address, secret: Secret) -> None:
        self._framework().write(str(address), secret.reveal().encode())
        if not self._get(address).same_as(secret):
            raise changed_under_us(address, place=self.place)

    def _remove(self, address: Address) -> None:
        framework, account = self._framework(), str(address)
        if not framework.delete(account):
            framework.refuse_absent()
            raise missing(address, place=self.place)
        # one deletion takes one match or all of them, as the kind of keychain has it
        for _ in range(MOST_DUPLICATES):
            if not framework.delete(account):
                return
        why = "each deletion uncovers another one"
        raise KeychainBroken(f"{address} is still in the {self.place}", why=why)

    def _names(self) -> list[Address]:
        found = (address_of(account) for account in self._framework().accounts())
        return sorted({address for address in found if address})

    def _check(self) -> None:
        framework = self._framework()
        framework.refuse_absent()
        if framework.locked():
            raise KeychainLocked("the macOS Keychain is locked", hint="security unlock-keychain")

    def _framework(self) -> Framework:
        if self._loaded is None:
            from ringlet_py.backends.system.macos_calls import Framework

            self._loaded = Framework()
        return self._loaded

    def _within(self, doing: str, call: Callable[[], Result]) -> Result:
        return within(doing, call, timeout=self._timeout)


def within(doing: str, call: Callable[[], Result], *, timeout: float) -> Result:
    """What the call answers in that many seconds; else KeychainTimeout, and it is left to itself."""
    from threading import Thread

    results: list[Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001 — the caller raises it
            errors.append(error)

    # a daemon thread, since one that waits for a window must not keep the process from ending
    thread = Thread(target=run, name="macos-keychain", daemon=True)
    thread.start()
    thread.join(timeout)
    if errors:
        raise errors[0]
    if not results:
        raise _too_late(doing, timeout)
    return results[0]


def _too_late(doing: str, timeout: float) -> KeychainTimeout:
    return KeychainTimeout(
        f"the macOS Keychain did not answer in {timeout:g} seconds: {doing}",
        why="its window may still be open; if it is answered now, it still has its effect",
    )
