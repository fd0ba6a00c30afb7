"""Instructions that a launch takes up to `execve`, counted by valgrind's callgrind: the same on a busy machine."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.world import ENDS_AT_EXEC, Unfit, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.world import World

LIMITS = Path(__file__).with_name("limits.json")
BARE = "python3 -c pass"
ISOLATED = "python3 -I -S -c pass"
COMPLETION = "__complete run"
VERSION = "--version"
COUNTED = re.compile(r"Collected : (\d+)")


def instructions(world: World) -> dict[str, int]:
    """How many instructions each command takes in this world; exec is replaced by an exit."""
    entry = world.folder / "ringlet-ends-at-exec"
    entry.write_text(ENDS_AT_EXEC)
    python = world.installed.python
    found = {BARE: count([python, "-c", "pass"], world), ISOLATED: count([python, "-I", "-S", "-c", "pass"], world)}
    for backend in world.backends():
        found[f"run, {backend}"] = count([python, str(entry), "run", "x"], world, backend)
    found[VERSION] = count([python, str(entry), "--version"], world)
    found[COMPLETION] = count([python, str(entry), "__complete", "run", ""], world)
    return found


def count(command: Sequence[str], world: World, backend: str = "file") -> int:
    """The instructions of one run; Unfit if it failed."""
    valgrind = shutil.which("valgrind")
    if not valgrind:
        raise Unfit("valgrind is not installed: apt-get install --no-install-recommends valgrind")
    # strings hash alike every time, so that dictionaries collide alike
    environ = world.environ(backend) | {"PYTHONHASHSEED": "0"}
    outcome = run([valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *command], environ)
    found = COUNTED.search(outcome.stderr)
    if outcome.returncode or not found:
        raise Unfit(f"{' '.join(command)} under callgrind: exit status {outcome.returncode}\n{outcome.stderr}")
    return int(found[1])


def ratios(counted: dict[str, int]) -> dict[str, float]:
    """Each count as a multiple of the bare interpreter's in the same environment."""
    return {name: value / counted[BARE] for name, value in counted.items()}


def limits() -> dict[str, float]:
    """The most that each may take, as such a multiple."""
    found: dict[str, float] = json.loads(LIMITS.read_text())
    return found
