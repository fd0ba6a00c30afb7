"""What the names of D-Bus errors mean for a keychain."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.backends.system.dbus import UNKNOWN_METHOD, ErrorReply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_BUS_ERROR = "org.freedesktop.DBus.Error."
_SPAWN_ERROR = _BUS_ERROR + "Spawn."
_SERVICE_ERROR = "org.freedesktop.Secret.Error."
VANISHED = (
    UNKNOWN_METHOD,
    _BUS_ERROR + "UnknownObject",
    _BUS_ERROR + "UnknownInterface",
    _SERVICE_ERROR + "NoSuchObject",
)

_NOBODY = "there is no keychain service: nobody offers the Secret Service on the session bus"
_LATE = "the keychain service did not answer in time"
_GONE = "the keychain service went away before it answered"
_REFUSED = "the keychain refused"
# ExecFailed: the package is gone and left its service file behind.  Any other Spawn error is a service that is
# installed and does not start: if that were "absent", the next key would go to a file while the others lie in
# the keychain.
_MEANINGS: dict[str, tuple[type[errors.KeychainError], str]] = {
    _SERVICE_ERROR + "IsLocked": (errors.KeychainLocked, "the keychain is locked"),
    _BUS_ERROR + "ServiceUnknown": (errors.KeychainAbsent, _NOBODY),
    _BUS_ERROR + "NameHasNoOwner": (errors.KeychainAbsent, _NOBODY),
    _SPAWN_ERROR + "ServiceNotFound": (errors.KeychainAbsent, _NOBODY),
    _SPAWN_ERROR + "ExecFailed": (errors.KeychainAbsent, _NOBODY),
    _BUS_ERROR + "Timeout": (errors.KeychainTimeout, _LATE),
    _BUS_ERROR + "TimedOut": (errors.KeychainTimeout, _LATE),
    _BUS_ERROR + "AccessDenied": (errors.KeychainDenied, _REFUSED),
    _BUS_ERROR + "AuthFailed": (errors.KeychainDenied, _REFUSED),
    "org.gnome.keyring.Error.Denied": (errors.KeychainDenied, _REFUSED),
    _BUS_ERROR + "NoReply": (errors.KeychainBroken, _GONE),
    _BUS_ERROR + "Disconnected": (errors.KeychainBroken, _GONE),
}


class Vanished(ErrorReply):
    """An object of the service disappeared between two calls; asking again from the start is right."""


def refuse(name: str) -> NoReturn:
    """Raise what the error reply of this name means: Vanished, or the KeychainError that fits."""
    if name in VANISHED:
        raise Vanished(name) from None
    if name in _MEANINGS:
        kind, what = _MEANINGS[name]
        raise kind(what) from None
    what = "the keychain service answered with an error"
    if name.startswith(_SPAWN_ERROR):
        what = "the keychain service is installed and does not start"
    raise errors.KeychainBroken(what, why=ascii(name)) from None
