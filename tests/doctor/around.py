"""Surroundings made up for a test: a home, a system, a keychain in memory, programs that answer what is said here."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ringlet_py.app import App
from ringlet_py.doctor.surroundings import Surroundings
from ringlet_py.doctor.system import System
from ringlet_py.testing import FakeClock, MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ringlet_py.backends import Backend
    from ringlet_py.doctor.finding import Finding
    from tests.end_to_end.program import Home

NO_CONFIG = ""


class MemoryApp(App):
    """The app of a home whose OS keychain is in memory."""

    keychain_in_memory: MemoryBackend

    def system_backend(self) -> Backend:
        """The same for every test that looks into it."""
        return self.keychain_in_memory


def made(
    home: Home,
    *,
    memory: MemoryBackend | None = None,
    environ: Mapping[str, str] | None = None,
    answers: Mapping[str, str] | None = None,
    **changes: Any,
) -> Surroundings:
    """What a check looks at: this home, and what is given; `answers` are what programs say, by their path."""
    app = MemoryApp({**home.environ, **(environ or {})}, clock=FakeClock(time.time()), say=lambda _: None)
    app.keychain_in_memory = memory or MemoryBackend()

    def run(commands: Sequence[Sequence[str]]) -> list[str]:
        return [(answers or {}).get(command[0], "") for command in commands]

    root = home.path / "root"
    root.mkdir(exist_ok=True)
    surroundings = Surroundings(
        app=app,
        system=System(family="debian"),
        keychain=lambda: app.keychain_in_memory,
        run=run,
        daemon=lambda: "",
        root=str(root),
        user=os.geteuid(),
    )
    return replace(surroundings, **changes)


def states(findings: Iterable[Finding]) -> list[str]:
    """The state of each."""
    return [finding.state for finding in findings]


def told(findings: Iterable[Finding]) -> str:
    """All that they say, in one text."""
    return "\n".join(f"{each.state}: {each.what} | {each.why} | {each.mend}" for each in findings)


def write(path: Path, text: str = "", *, mode: int = 0o600) -> Path:
    """A file with its folders."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path
