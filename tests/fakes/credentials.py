"""A Credential Manager in memory, in place of pywin32-ctypes, with the limits that Wine does not enforce."""
# ruff: noqa: N802, N803 — the names are those of the API

from __future__ import annotations

import fnmatch
import importlib
import sys
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 2560
NOT_FOUND = 1168
BAD_STUB_DATA = 1783
LOADED_FROM_IT = ("keyring.backends.Windows",)


class WindowsError(Exception):
    """As pywin32's `pywintypes.error`: number, function, text."""

    def __init__(self, winerror: int, funcname: str, strerror: str = "") -> None:
        super().__init__(winerror, funcname, strerror)
        self.winerror, self.funcname, self.strerror = winerror, funcname, strerror


class FakeCredentials:
    """The functions of `win32cred`, on a dictionary whose keys ignore case."""

    CRED_TYPE_GENERIC = 1
    CRED_PERSIST_SESSION = 1
    CRED_PERSIST_LOCAL_MACHINE = 2
    CRED_PERSIST_ENTERPRISE = 3

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, int] = {}
        self.forgets_writes = False

    def fail(self, function: str, winerror: int) -> None:
        self.failing[function] = winerror

    def CredWrite(self, Credential: dict[str, Any], Flags: int = 0) -> None:
        self._may("CredWrite")
        blob = Credential["CredentialBlob"].encode("utf-16-le")
        if len(blob) > MOST_BYTES:
            raise WindowsError(BAD_STUB_DATA, "CredWrite", "The stub received bad data")
        if not self.forgets_writes:
            kept = {name: Credential[name] for name in ("UserName", "Comment", "Persist")}
            self.plant(Credential["TargetName"], blob, **kept)

    def CredRead(self, TargetName: str, Type: int, Flags: int = 0) -> dict[str, Any]:
        self._may("CredRead")
        return dict(self._found(TargetName, "CredRead"))

    def CredDelete(self, TargetName: str, Type: int, Flags: int = 0) -> None:
        self._may("CredDelete")
        self._found(TargetName, "CredDelete")
        del self.kept[TargetName.casefold()]

    def CredEnumerate(self, Filter: str | None = None, Flags: int = 0) -> list[dict[str, Any]]:
        self._may("CredEnumerate")
        pattern = (Filter or "*").casefold()
        found = [dict(kept) for name, kept in self.kept.items() if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise WindowsError(NOT_FOUND, "CredEnumerate", "Element not found")
        return found

    def plant(self, target: str, blob: bytes, **more: Any) -> None:
        plain = {"Type": 1, "UserName": None, "TargetName": target, "CredentialBlob": blob}
        self.kept[target.casefold()] = {**plain, **more}

    def _may(self, function: str) -> None:
        if function in self.failing:
            raise WindowsError(self.failing[function], function)

    def _found(self, target: str, function: str) -> dict[str, Any]:
        if target.casefold() not in self.kept:
            raise WindowsError(NOT_FOUND, function, "Element not found")
        return self.kept[target.casefold()]


@contextmanager
def fake_credentials() -> Iterator[FakeCredentials]:
    """The fake in place of pywin32-ctypes for keyring and for ringlet."""
    fake = FakeCredentials()
    package, top = types.ModuleType("win32ctypes.pywin32"), types.ModuleType("win32ctypes")
    errors = types.ModuleType("win32ctypes.pywin32.pywintypes")
    vars(errors)["error"] = WindowsError
    vars(fake)["__name__"] = "win32ctypes.pywin32.win32cred"
    vars(package).update(pywintypes=errors, win32cred=fake)
    vars(top)["pywin32"] = package
    in_place: dict[str, Any] = {
        "win32ctypes": top,
        "win32ctypes.pywin32": package,
        "win32ctypes.pywin32.pywintypes": errors,
        "win32ctypes.pywin32.win32cred": fake,
    }
    before = {name: sys.modules.pop(name, None) for name in (*LOADED_FROM_IT, *in_place)}
    sys.modules.update(in_place)
    importlib.import_module("keyring.backends.Windows")
    yield fake
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module
