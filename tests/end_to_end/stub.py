"""A stub agent: a shell script that notes what it was started with, without a Python of its own in between."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.end_to_end.program import COVERAGE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.program import Home

# the shell's own /proc entries are as exec left them
SCRIPT = """#!/bin/sh
into=${0%/*}/../report
mkdir -p "$into"
for name in environ cmdline stat status limits; do cat "/proc/$$/$name" >"$into/$name"; done
readlink "/proc/$$/cwd" >"$into/cwd"
umask >"$into/umask"
[ -z "$STUB_READS" ] || cat >"$into/stdin"
[ -z "$STUB_LAST" ] || eval "$STUB_LAST"
"""


@dataclass(frozen=True)
class Report:
    """What the stub agent saw."""

    folder: Path

    def text(self, name: str) -> str:
        """One of the notes."""
        return (self.folder / name).read_text().removesuffix("\n")

    @property
    def environ(self) -> dict[bytes, bytes]:
        """The env block, without what coverage adds."""
        pairs = (line.partition(b"=") for line in (self.folder / "environ").read_bytes().split(b"\0") if line)
        return {name: value for name, _, value in pairs if name != COVERAGE.encode()}

    @property
    def names(self) -> set[str]:
        """The names of its variables."""
        return {os.fsdecode(name) for name in self.environ}

    def variable(self, name: str) -> str:
        """One variable's value; KeyError if it was not given."""
        return os.fsdecode(self.environ[name.encode()])

    @property
    def args(self) -> list[bytes]:
        """The arguments, without the interpreter and the script."""
        return (self.folder / "cmdline").read_bytes().split(b"\0")[2:-1]

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self._stat[0])

    @property
    def group(self) -> int:
        """Its process group."""
        return int(self._stat[4])

    @property
    def terminal(self) -> int:
        """The number of its controlling terminal, 0 for none."""
        return int(self._stat[6])

    @property
    def ignored(self) -> set[int]:
        """The signals that are ignored."""
        line = next(line for line in self.text("status").splitlines() if line.startswith("SigIgn:"))
        mask = int(line.split()[1], 16)
        return {number for number in range(1, signal.NSIG) if mask >> (number - 1) & 1}

    @property
    def core_limit(self) -> str:
        """Soft and hard limit for core files."""
        line = next(line for line in self.text("limits").splitlines() if line.startswith("Max core file size"))
        return " ".join(line.split()[4:6])

    @property
    def _stat(self) -> list[str]:
        return self.text("stat").split()


def install(home: Home, profile: str = "work", document: str = "") -> Report:
    """Puts the stub agent on the home's PATH and makes a profile that runs it."""
    home.program("stub", SCRIPT)
    home.profile(profile, f'agent = "generic"\nprovider = "anthropic"\ncommand = ["stub"]\n{document}')
    return Report(home.path / "report")
