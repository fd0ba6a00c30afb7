"""What goes wrong between us and the session bus, as errors."""

from __future__ import annotations

import errno
import os

from ringlet_py import errors

_FOREIGN_HINT = "unset DBUS_SESSION_BUS_ADDRESS, or set it to your own session's bus"
_NOT_ALLOWED = (errno.EACCES, errno.EPERM)
_NOBODY_THERE = (
    errno.ENOENT,
    errno.ECONNREFUSED,
    errno.ENOTDIR,
    errno.ENOTSOCK,
    errno.EPROTOTYPE,
    errno.ENAMETOOLONG,
)


def connect_problem(address: bytes, error: OSError) -> errors.KeychainError:
    """Why nothing came of connecting to that socket."""
    reason = os.strerror(error.errno) if error.errno else "not a socket's address"
    why = f"{os.fsdecode(address)!a}: {reason}"
    if isinstance(error, TimeoutError):
        return errors.KeychainTimeout("the session bus did not answer in time", why=why)
    if error.errno in _NOT_ALLOWED:
        return denied(why)
    if error.errno in _NOBODY_THERE or error.errno is None:
        return errors.KeychainAbsent("there is no keychain service: nobody answers at the session bus", why=why)
    return errors.KeychainBroken("the session bus cannot be reached", why=why)


def no_bus() -> errors.KeychainAbsent:
    """There is no address to connect to."""
    return errors.KeychainAbsent(
        "there is no keychain service: no session bus",
        why="neither DBUS_SESSION_BUS_ADDRESS nor the runtime folder leads to a Unix socket of yours",
    )


def denied(why: str) -> errors.KeychainDenied:
    """The bus is not for us."""
    return errors.KeychainDenied("the session bus does not let us in", why=why, hint=_FOREIGN_HINT)


def turned_away() -> errors.KeychainDenied:
    """The bus hung up on our introduction."""
    return denied("it closed the connection before it knew us, as another user's bus does")


def unwelcome(answer: bytes) -> errors.KeychainError:
    """The bus answered our introduction with anything but `OK`."""
    if answer.startswith(b"REJECTED"):
        return denied("it rejected our user id")
    return errors.KeychainBroken("the session bus does not keep to its protocol", why="no answer to AUTH")
