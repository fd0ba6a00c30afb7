"""The calls into Apple's Security framework, on the libraries and the named class of keyring."""

from __future__ import annotations

import keyring.errors
from keyring.backends import macOS

from ringlet_py.errors import (
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    KeychainError,
    KeychainLocked,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SERVICE = "ringlet"

# OSStatus numbers of <Security/SecBase.h>
_CANCELED = -128
_NOT_AVAILABLE = -25291
_AUTH_FAILED = -25293
_NO_SUCH_KEYCHAIN = -25294
_DUPLICATE = -25299
_NOT_FOUND = -25300
_NO_DEFAULT_KEYCHAIN = -25307
_INTERACTION_NOT_ALLOWED = -25308
_INTERACTION_REQUIRED = -25315
_IN_DARK_WAKE = -25320
_NO_WINDOW = (_INTERACTION_NOT_ALLOWED, _INTERACTION_REQUIRED, _IN_DARK_WAKE)
_ABSENT = (_NOT_AVAILABLE, _NO_SUCH_KEYCHAIN, _NO_DEFAULT_KEYCHAIN)

_UTF8 = 0x08000100  # kCFStringEncodingUTF8
_UNLOCKED = 1  # kSecUnlockStateStatus
_LONGEST_ACCOUNT = 1024


class Framework:
    """What the backend asks of the Keychain; raises the KeychainError that fits the OSStatus."""

    def __init__(self) -> None:
        if not hasattr(macOS, "api"):
            raise KeychainAbsent("the macOS Keychain is not here", why="the Security framework does not load")
        self._api: Any = macOS.api
        # not through __init__, which sets whatever attribute KEYRING_PROPERTY_* names
        self._ring: Any = macOS.Keyring.__new__(macOS.Keyring)
        self._ring.keychain = None  # the class's own value is the variable KEYCHAIN_PATH
        self._cf = _core_foundation(self._api)
        self._sec = _security(self._api)

    def find(self, account: str, service: str = SERVICE) -> bytes | None:
        """The bytes of the entry, or None if there is none."""
        try:
            value = self._ring.get_password(service, account)
        except keyring.errors.KeyringError as error:
            status = _status(error)
        except UnicodeDecodeError:
            return b"\xff"  # not text, so not a key; the error itself would hold the value
        else:
            return None if value is None else value.encode()
        what = account if service == SERVICE else "an entry of another program"
        raise self._failure(f"{what} was not read", status)

    def write(self, account: str, raw: bytes) -> None:
        """Change the entry in place, or make it: when this fails, the old value is still there."""
        status = self._update(account, raw)
        if status == _NOT_FOUND:
            status = self._add(account, raw)
        if status == _DUPLICATE:  # somebody made it between the two calls
            status = self._update(account, raw)
        if status:
            raise self._failure(f"{account} was not written", status)

    def delete(self, account: str) -> bool:
        """Whether there was such an entry; it is deleted."""
        try:
            self._ring.delete_password(SERVICE, account)
        except keyring.errors.KeyringError as error:
            status = _status(error)
        else:
            return True
        if status == _NOT_FOUND:
            return False
        raise self._failure(f"{account} was not removed", status)

    def accounts(self) -> list[str]:
        """The accounts of all our entries, read without the secrets."""
        return [account for _, account in self.entries(kSecAttrService=SERVICE) if account]

    def entries(self, **chosen: str) -> list[tuple[str, str]]:
        """Service and account of all entries with these attributes, whoever made them, read without the secrets.

        What is no text is "" there.
        """
        from ctypes import byref, c_void_p

        yes = c_void_p.in_dll(self._cf, "kCFBooleanTrue")
        everything = self._api.k_("kSecMatchLimitAll")
        query = self._passwords(kSecMatchLimit=everything, kSecReturnAttributes=yes, **chosen)
        found = c_void_p()
        status = self._api.SecItemCopyMatching(query, byref(found))
        if status == _NOT_FOUND:
            self.refuse_absent()
            return []
        if status:
            raise self._failure("the keys were not listed", status)
        try:
            return self._named(found)
        finally:
            self._cf.CFRelease(found)

    def refuse_absent(self) -> None:
        """KeychainAbsent if the person has no default keychain."""
        status, _ = self._state()
        if status:
            raise self._failure("the macOS Keychain cannot be used", status)

    def locked(self) -> bool:
        """Whether the default keychain is there and locked."""
        status, unlocked = self._state()
        return not status and not unlocked

    def _state(self) -> tuple[int, int]:
        from ctypes import byref, c_uint32

        flags = c_uint32()
        status = self._sec.SecKeychainGetStatus(None, byref(flags))
        return int(status), flags.value & _UNLOCKED

    def _update(self, account: str, raw: bytes) -> int:
        changes = self._api.create_query(kSecValueData=self._data(raw))
        return int(self._sec.SecItemUpdate(self._query(kSecAttrAccount=account), changes))

    def _add(self, account: str, raw: bytes) -> int:
        label = f"{SERVICE}/{account}"  # what Keychain Access shows
        item = self._query(kSecAttrAccount=account, kSecAttrLabel=label, kSecValueData=self._data(raw))
        return int(self._api.SecItemAdd(item, None))

    def _query(self, **attributes: object) -> Any:
        return self._passwords(kSecAttrService=SERVICE, **attributes)

    def _passwords(self, **attributes: object) -> Any:
        return self._api.create_query(kSecClass=self._api.k_("kSecClassGenericPassword"), **attributes)

    def _data(self, raw: bytes) -> Any:
        from ctypes import c_void_p

        return c_void_p(self._cf.CFDataCreate(None, raw, len(raw)))

    def _named(self, items: Any) -> list[tuple[str, str]]:
        names = [self._api.k_(key) for key in ("kSecAttrService", "kSecAttrAccount")]
        each = [self._cf.CFArrayGetValueAtIndex(items, index) for index in range(self._cf.CFArrayGetCount(items))]
        found = [[self._text(self._cf.CFDictionaryGetValue(item, name)) for name in names] for item in each]
        return [(service, account) for service, account in found]

    def _text(self, value: Any) -> str:
        from ctypes import create_string_buffer

        if not value or self._cf.CFGetTypeID(value) != self._cf.CFStringGetTypeID():
            return ""
        buffer = create_string_buffer(_LONGEST_ACCOUNT)
        if not self._cf.CFStringGetCString(value, buffer, len(buffer), _UTF8):
            return ""
        return buffer.value.decode()

    def _failure(self, what: str, status: int) -> KeychainError:
        if status == _CANCELED and self.locked():
            return KeychainLocked(what, why="the window that asks to unlock the keychain was closed")
        return failure(what, status)


def failure(what: str, status: int) -> KeychainError:
    """The error that fits an OSStatus, with its number."""
    number = f"OSStatus {status}"
    if status in _ABSENT:
        return KeychainAbsent(what, why=f"there is no default keychain ({number})")
    if status == _CANCELED:
        return KeychainDenied(what, why=f"the keychain's window was closed ({number})")
    if status == _AUTH_FAILED:
        return KeychainDenied(what, why=f"the keychain refused ({number})")
    if status in _NO_WINDOW:
        why = f"it is locked, and its window cannot be shown here, as over SSH ({number})"
        return KeychainLocked(what, why=why, hint="security unlock-keychain")
    return KeychainBroken(what, why=number, hint=f"security error {status}")


def _status(error: Exception) -> int:
    """The OSStatus behind an error of keyring's class, which keeps it in the cause alone."""
    cause = error.__cause__
    return int(cause.args[0]) if cause and cause.args else 0


def _security(api: Any) -> Any:
    from ctypes import c_int32, c_void_p

    security = api._sec  # noqa: SLF001 — keyring has no public name for it
    for function in (security.SecItemUpdate, security.SecKeychainGetStatus):
        function.restype, function.argtypes = c_int32, (c_void_p, c_void_p)
    return security


def _core_foundation(api: Any) -> Any:
    from ctypes import c_bool, c_char_p, c_long, c_uint32, c_ulong, c_void_p

    # without these ctypes would cut 64-bit pointers down to 32 bits
    prototypes = (
        ("CFArrayGetCount", c_long, (c_void_p,)),
        ("CFArrayGetValueAtIndex", c_void_p, (c_void_p, c_long)),
        ("CFDataCreate", c_void_p, (c_void_p, c_char_p, c_long)),
        ("CFDictionaryGetValue", c_void_p, (c_void_p, c_void_p)),
        ("CFGetTypeID", c_ulong, (c_void_p,)),
        ("CFRelease", None, (c_void_p,)),
        ("CFStringGetCString", c_bool, (c_void_p, c_char_p, c_long, c_uint32)),
        ("CFStringGetTypeID", c_ulong, ()),
    )
    foundation = api._found  # noqa: SLF001 — keyring has no public name for it
    for name, result, arguments in prototypes:
        function = getattr(foundation, name)
        function.restype, function.argtypes = result, arguments
    return foundation
