"""Looks for a key where it must not be: in output, files, and the command lines of all processes."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.encodings import encodings
from tests.end_to_end.program import PACKAGE_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.program import Home, Outcome


def canary() -> str:
    """A key that nothing else on this machine holds, long enough for its encoded forms to be unmistakable."""
    return "sk-ant-api03-" + os.urandom(30).hex()


@dataclass
class Search:
    """Everything that a home's commands left behind; `found` says where the key is."""

    home: Home
    key: str
    found: list[str] = field(default_factory=list)
    outputs: int = 0

    def __post_init__(self) -> None:
        self.use(self.key)

    def use(self, key: str) -> None:
        """Looks for this key from now on."""
        self.key = key
        self.needles = encodings(key)

    def output(self, command: str, outcome: Outcome) -> Outcome:
        """Looks through what a command printed."""
        self.outputs += 1
        for name, text in (("standard output", outcome.out), ("standard error", outcome.err)):
            if self.holds(text.encode("utf-8", "surrogateescape")):
                self.found.append(f"{name} of {command}")
        return outcome

    def files(self, *allowed: Path) -> None:
        """Looks through all files of the home, their names too; the allowed ones are where keys belong."""
        for path in self.home.files():
            if path not in allowed and (self.holds(bytes(path)) or self.holds(_content(path))):
                self.found.append(f"file {path.relative_to(self.home.path)}")

    def holds(self, raw: bytes) -> bool:
        """Whether the key is in there, in any form."""
        return any(needle in raw for needle in self.needles)


class CommandLines(threading.Thread):
    """Reads every process's command line again and again, while the commands run."""

    def __init__(self, search: Search) -> None:
        super().__init__(daemon=True)
        self._search = search
        self._over = threading.Event()
        self.looks = 0

    def run(self) -> None:
        """Samples until the end."""
        while not self._over.is_set():
            self.looks += 1
            for process, line in _command_lines():
                if self._search.holds(line):
                    self._search.found.append(f"command line of process {process}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def leaking_build(folder: Path, module: str, addition: str) -> str:
    """A copy of the package with lines added to one module; what PYTHONPATH must be for it."""
    shutil.copytree(
        Path(PACKAGE_ROOT) / "ringlet_py", folder / "ringlet_py", ignore=shutil.ignore_patterns("__pycache__")
    )
    with (folder / "ringlet_py" / module).open("a") as file:
        file.write(f"\n\n{addition}")
    return str(folder)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:  # it went away, or its modes are part of the test
        return b""


def _command_lines() -> Iterator[tuple[str, bytes]]:
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield process, Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
