"""Runs ringlet up to the moment where it would become the agent, or fail, and tells what it had done by then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.end_to_end.program import COVERAGE, PATIENCE, Home
from tests.secret_services import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# the console script, but for what happens in place of exec; the names are taken before json adds its own
RUNNER = """
import os
import sys


def tell(*call):
    modules = sorted(sys.modules)
    import json

    call = [call[1], dict(call[2])] if call else [[], {}]
    with open(os.environ["TOLD"], "w") as file:
        json.dump([modules, *call], file)


def execve(*call):
    tell(*call)
    os._exit(0)


os.execve = execve
del sys.path[0]
from ringlet_py.__main__ import main

try:
    main()
finally:
    tell()
"""
# only the full door imports it
FULL = "ringlet_py.cli.main"


@dataclass(frozen=True)
class Attempt:
    """How far a run came: its modules, and what it would have become, or how it failed."""

    modules: frozenset[str]
    argv: list[str]
    env: dict[str, str]
    status: int
    err: str

    @property
    def is_light(self) -> bool:
        """Whether it took the light door."""
        return FULL not in self.modules


def attempt(home: Home, *argv: str, environ: Mapping[str, str] | None = None) -> Attempt:
    """One run of ringlet, by default of the profile `x`; `-S` keeps out what a site's .pth files import."""
    told = home.path / "tmp/told"
    told.unlink(missing_ok=True)
    given = {**home.environ, "TOLD": str(told), **(environ or {})}
    given["PYTHONPATH"] += os.pathsep + sysconfig.get_path("purelib")
    given.pop(COVERAGE, None)  # it would import half of the standard library before ringlet starts
    done = subprocess.run(
        [sys.executable, "-S", "-c", RUNNER, *(argv or ("run", "x"))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=given,
        cwd=home.path / "work",
        timeout=PATIENCE,
        check=False,
    )
    assert told.exists(), done.stderr
    modules, words, env = json.loads(told.read_text())
    return Attempt(frozenset(modules), words, env, done.returncode, done.stderr)


def plan_of(home: Home, profile: str = "x") -> Path:
    """The profile's compiled plan."""
    return home.path / f".cache/ringlet/plans/{profile}.plan"


def warm(home: Home, profile: str = "x", *, environ: Mapping[str, str] | None = None) -> Attempt:
    """The first run through the light door: while its sources are fresh, a plan is not compiled."""
    tried: list[Attempt] = []

    def is_light() -> bool:
        tried.append(attempt(home, "run", profile, environ=environ))
        assert tried[-1].argv, tried[-1].err
        return tried[-1].is_light

    wait_until(is_light, "the plan is compiled")
    return tried[-1]
