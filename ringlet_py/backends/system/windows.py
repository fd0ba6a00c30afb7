"""The Windows Credential Manager: keyring's named class reads, pywin32-ctypes does the rest.

keyring's own `set` moves a secret that is already there to a second name and lets entries roam to other
machines; here each key is one generic credential with exactly its target, and stays on this machine.
Windows asks nobody and answers at once, so no call needs a limit.
"""

from __future__ import annotations

from ringlet_py.backends.system.stored import address_of, changed_under_us, missing, refuse_unfit, secret_from, too_long
from ringlet_py.entry import Address
from ringlet_py.errors import (
    InvalidName,
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    RingletError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ringlet_py.secret import Secret

PREFIX = "ringlet/"
# CRED_MAX_CREDENTIAL_BLOB_SIZE of <wincred.h> is 5 * 512 bytes, and a value is kept as UTF-16
MOST_BYTES = 2560

# numbers of <winerror.h>
_ACCESS_DENIED = 5
_NOT_FOUND = 1168
_NO_SUCH_LOGON_SESSION = 1312
_BAD_STUB_DATA = 1783


class CredentialManager:
    """Generic credentials, target `ringlet/<address>`, account `<alias>`, on this machine only."""

    name = "system"
    place = "Windows Credential Manager"
    max_length = MOST_BYTES // 2

    def __init__(self) -> None:
        self._loaded: Calls | None = None

    def get(self, address: Address) -> Secret:
        """The secret; KeyNotFound, or the KeychainError that fits."""
        stored = self._calls().stored_as(address)
        if stored != _target(address):
            why = f"a name that differs in case only is there: {stored}" if stored else ""
            raise missing(address, place=self.place, why=why)
        raw = self._calls().read(address)
        if raw is None:
            raise missing(address, place=self.place)
        return secret_from(raw, address, place=self.place)

    def set(self, address: Address, secret: Secret) -> None:
        """Make or replace the credential, and read it back.

        Raises, before anything is written, InvalidSecret for a value that cannot be kept, and InvalidName
        where a name that differs in case only is there already.
        """
        refuse_unfit(secret, address, most=self.max_length, place=self.place)
        self._refuse_other_case(address)
        self._calls().write(address, secret.reveal())
        if not self.get(address).same_as(secret):
            raise changed_under_us(address, place=self.place)

    def remove(self, address: Address) -> None:
        """Delete the credential; KeyNotFound if there is none."""
        calls = self._calls()
        if calls.stored_as(address) != _target(address) or not calls.delete(address):
            raise missing(address, place=self.place)

    def names(self) -> list[Address]:
        """What is there, sorted; targets that are not ours or not names are left out."""
        targets = (target for target in self._calls().targets(PREFIX) if target.startswith(PREFIX))
        found = (address_of(target.removeprefix(PREFIX)) for target in targets)
        return sorted(address for address in found if address)

    def check(self) -> None:
        """KeychainAbsent, KeychainDenied or KeychainBroken if it is so now."""
        self._calls().targets(PREFIX)

    def _refuse_other_case(self, address: Address) -> None:
        # Windows ignores the case of targets: writing would replace a key of another name
        stored = self._calls().stored_as(address)
        if stored not in ("", _target(address)):
            raise InvalidName(
                f"{address} was not written",
                why=f"the {self.place} ignores case, and {stored} is there",
                hint=Address.parse(stored[len(PREFIX) :]).to_set(replace=True),
            )

    def _calls(self) -> Calls:
        if self._loaded is None:
            self._loaded = Calls()
        return self._loaded


class Calls:
    """The calls into Windows, with its error numbers turned into ours."""

    def __init__(self) -> None:
        from keyring.backends import Windows

        module: Any = Windows
        if module.missing_deps:
            why = "pywin32-ctypes does not load"
            raise KeychainAbsent("the Windows Credential Manager is not here", why=why)
        self._error: type[Exception] = module.pywintypes.error
        self._cred = module.win32cred
        # not through __init__, which sets whatever attribute KEYRING_PROPERTY_* names
        self._ring = module.WinVaultKeyring.__new__(module.WinVaultKeyring)

    def stored_as(self, address: Address) -> str:
        """The target as it was written, which may differ in case, or "" if there is none."""
        target = _target(address)
        return next((found for found in self.targets(target) if found.lower() == target.lower()), "")

    def targets(self, prefix: str) -> list[str]:
        """The targets of all generic credentials that start so, in whatever case."""
        found, number = self._attempt(self._cred.CredEnumerate, f"{prefix}*", 0)
        if number == _NOT_FOUND:
            return []
        if number:
            raise failure("the keys were not listed", number)
        return [each["TargetName"] for each in found if each["Type"] == self._cred.CRED_TYPE_GENERIC]

    def others(self) -> list[tuple[str, str]]:
        """Target and account of every program's generic credentials, whatever the targets."""
        found, number = self._attempt(self._cred.CredEnumerate, None, 0)
        if number == _NOT_FOUND:
            return []
        if number:
            raise failure("the credentials were not listed", number)
        generic = [each for each in found if each["Type"] == self._cred.CRED_TYPE_GENERIC]
        return [(each["TargetName"], each["UserName"] or "") for each in generic]

    def blob(self, target: str) -> bytes:
        """The value of another program's credential, as it is."""
        found, number = self._attempt(self._cred.CredRead, target, self._cred.CRED_TYPE_GENERIC)
        if number:
            raise failure("a credential of another program was not read", number)
        return bytes(found["CredentialBlob"])

    def read(self, address: Address) -> bytes | None:
        """The secret's bytes, or None if there is no such credential."""
        try:
            # without an account the class reads this very target and no `account@target` beside it
            found, number = self._attempt(self._ring.get_credential, _target(address), None)
        except UnicodeDecodeError:
            return b"\xff"  # not text, so not a key; the error itself would hold the value
        if number:
            raise failure(f"{address} was not read", number)
        return found.password.encode() if found else None

    def write(self, address: Address, value: str) -> None:
        """Make or replace the credential; the old one stays if it fails."""
        credential = {
            "Type": self._cred.CRED_TYPE_GENERIC,
            "TargetName": _target(address),
            "UserName": address.alias,
            "CredentialBlob": value,
            "Comment": "kept by ringlet",
            "Persist": self._cred.CRED_PERSIST_LOCAL_MACHINE,
        }
        _, number = self._attempt(self._cred.CredWrite, credential, 0)
        if number:
            raise failure(f"{address} was not written", number)

    def delete(self, address: Address) -> bool:
        """Whether there was such a credential; it is deleted."""
        _, number = self._attempt(self._cred.CredDelete, _target(address), self._cred.CRED_TYPE_GENERIC)
        if number not in (0, _NOT_FOUND):
            raise failure(f"{address} was not removed", number)
        return number == 0

    def _attempt(self, call: Callable[..., Any], *arguments: object) -> tuple[Any, int]:
        try:
            return call(*arguments), 0
        except self._error as error:
            return None, int(error.args[0])


def failure(what: str, number: int) -> RingletError:
    """The error that fits a Windows error number, with the number."""
    if number == _BAD_STUB_DATA:
        return too_long(what, MOST_BYTES // 2, place="Windows Credential Manager")
    if number == _NO_SUCH_LOGON_SESSION:
        # as in a network logon (SSH with a key, WinRM), in a service, or where a policy forbids it
        return KeychainAbsent(what, why=f"this logon session keeps no credentials (error {number})")
    if number == _ACCESS_DENIED:
        hint = "run it as the user who keeps the keys"
        return KeychainDenied(what, why=f"Windows refused (error {number})", hint=hint)
    return KeychainBroken(what, why=f"Windows error {number}", hint="cmdkey /list:ringlet/*")


def _target(address: Address) -> str:
    return f"{PREFIX}{address}"
