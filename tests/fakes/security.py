"""Builds `security.c` and puts it where keyring looks for Apple's frameworks."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
import os
import pathlib
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = pathlib.Path(__file__).with_name("security.c")
LOADED_FROM_IT = (
    "keyring.backends.macOS.api",
    "keyring.backends.macOS",
    "ringlet_py.backends.system.macos_calls",
)
DATA = 2  # an account of this kind is no text


class FakeSecurity:
    """The tests' side of the fake: what to do next, and what is in it."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.fake_label.restype = ctypes.c_char_p
        library.fake_live.restype = ctypes.c_long

    def reset(self) -> None:
        self._library.fake_reset()

    def lock(self) -> None:
        self._library.fake_lock(1)

    def take_away(self) -> None:
        self._library.fake_take_away(1)

    def ignore_changes(self) -> None:
        self._library.fake_ignore_changes(1)

    def block(self) -> None:
        self._library.fake_block(1)

    def answer(self) -> None:
        self._library.fake_block(0)

    def fail_once(self, call: str, status: int) -> None:
        self._library.fake_fail(call.encode(), status)

    def plant(self, account: str, value: bytes, *, service: str = "ringlet", kind: int = 0) -> None:
        length = ctypes.c_long(len(value))
        self._library.fake_plant(service.encode(), account.encode(), value, length, kind)

    def count(self) -> int:
        return int(self._library.fake_count())

    def label(self, at: int = 0) -> str:
        return str(self._library.fake_label(at).decode())

    def data_reads(self) -> int:
        return int(self._library.fake_data_reads())

    def live_objects(self) -> int:
        return int(self._library.fake_live())


@contextmanager
def fake_security(folder: pathlib.Path) -> Iterator[FakeSecurity]:
    """The fake in place of Apple's frameworks for keyring and for ringlet; skips without a C compiler."""
    path = str(_built(folder))
    before = {name: sys.modules.pop(name, None) for name in LOADED_FROM_IT}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ctypes.util, "find_library", lambda name: path)
        importlib.import_module("keyring.backends.macOS.api")
    yield FakeSecurity(ctypes.CDLL(path))
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def _built(folder: pathlib.Path) -> pathlib.Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None and "c-compiler" in os.environ.get("RINGLET_REQUIRE", "").split():
        pytest.fail("c-compiler is required here: the fake of Apple's frameworks is in C")
    if compiler is None:
        pytest.skip("no C compiler: the macOS Keychain's fake cannot be built")
    built = folder / "security.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(built), str(SOURCE)], check=True)
    return built
