"""What mends a keychain on each system: one command where one does it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.doctor.finding import PROBLEM, of_error
from ringlet_py.doctor.system import MACOS, WINDOWS
from ringlet_py.errors import (
    KeychainAbsent,
    KeychainDenied,
    KeychainError,
    KeychainLocked,
    KeychainTimeout,
    RingletError,
)

if TYPE_CHECKING:
    from ringlet_py.doctor.finding import Finding
    from ringlet_py.doctor.system import System

USE_FILE = "ringlet config set credentials.backend file"
_INSTALL = {
    "debian": "sudo apt install gnome-keyring dbus-user-session",
    "fedora": "sudo dnf install gnome-keyring",
    "arch": "sudo pacman -S gnome-keyring",
    "suse": "sudo zypper install gnome-keyring",
    "alpine": "sudo apk add gnome-keyring dbus",
}
_SYSTEMD_IN_WSL = r"printf '[boot]\nsystemd=true\n' | sudo tee -a /etc/wsl.conf && wsl.exe --shutdown"
# bash's own `read` keeps the password out of arguments, whatever shell this is typed into; printf adds no line end;
# without --replace a daemon that runs stays locked
_OPENED = "gnome-keyring-daemon --replace --unlock >/dev/null"
_UNLOCK = f"""bash -c 'read -rsp "password: " p && printf %s "$p" | {_OPENED}'"""
_UNSET = {"fish": "set -e {}", "nu": "hide-env {}", "pwsh": "Remove-Item Env:{}"}
_UNLOCK_ELSEWHERE = "unlock it in the program that keeps it, then: ringlet doctor"
_RESTART = "systemctl --user restart gnome-keyring-daemon.service"


def to_mend(error: KeychainError, system: System) -> str:
    """The command for a keychain that said this; the error's own hint where nothing better is known."""
    if isinstance(error, KeychainAbsent):
        return _absent(error, system)
    if isinstance(error, KeychainLocked):
        return _locked(error, system)
    if isinstance(error, KeychainTimeout) and _has_gnome_keyring(system):
        return _RESTART
    if isinstance(error, KeychainDenied) and system.kind == MACOS:
        return "open -a 'Keychain Access'"
    return error.hint


def of_trouble(error: RingletError | OSError, system: System, *, state: str = PROBLEM) -> Finding:
    """The finding that an error is; a hint to ask the doctor gives way to what the doctor says."""
    found = of_error(error, state=state)
    if isinstance(error, KeychainError) and error.hint == type(error).hint:
        return replace(found, mend=to_mend(error, system))
    return found


def to_unset(name: str, system: System) -> str:
    """The command that takes a variable out of the person's shell."""
    shell = "pwsh" if system.kind == WINDOWS else system.shell
    return _UNSET.get(shell, "unset {}").format(name)


def _absent(error: KeychainError, system: System) -> str:
    if system.kind == MACOS:
        return "security default-keychain -s login.keychain-db"
    if system.kind == WINDOWS:
        return _otherwise(error, USE_FILE)
    if system.container:
        return USE_FILE
    if system.wsl and not system.bus:
        return _SYSTEMD_IN_WSL
    return _INSTALL.get(system.family, f"install gnome-keyring, or: {USE_FILE}")


def _locked(error: KeychainError, system: System) -> str:
    if system.kind == MACOS:
        return "security unlock-keychain"
    return _UNLOCK if system.kind != WINDOWS and system.gnome_keyring else _otherwise(error, _UNLOCK_ELSEWHERE)


def _otherwise(error: KeychainError, known: str) -> str:
    """The error's own hint, unless that is to ask the doctor, who is asked already."""
    return known if error.hint == type(error).hint else error.hint


def _has_gnome_keyring(system: System) -> bool:
    return system.kind not in (MACOS, WINDOWS) and not system.container and system.gnome_keyring
