"""Times of whole processes: hyperfine runs each command a few times a round, rounds interleave, medians judge."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.world import ADDRESS, PATIENCE, VARIABLE, Unfit, done, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.world import World

WARM_UPS = 3
RUNS_A_ROUND = 2

ISOLATED = "python3 -I -S -c pass"
BARE = "python3 -c pass"
FILE = "ringlet run x, file backend"
SYSTEM = "ringlet run x, gnome-keyring"
SECRET_TOOL = "secret-tool lookup"  # noqa: S105 - a command
SCRIPT = "sh: secret-tool lookup, exec"
KEYRING = "keyring get"
ENVCHAIN = "envchain ns true"
VERSION = "ringlet --version"
COMPLETION = "ringlet __complete run"
HELP = "ringlet --help"
FULL = "ringlet profiles list"
TYPER = "python3 -c 'import typer'"

# the bars: command, peer, and the most that its median may be of the peer's
BARS = (
    (FILE, ISOLATED, 1.6),
    (SYSTEM, SECRET_TOOL, 1.35),
    (SYSTEM, KEYRING, 1 / 15),
    (SYSTEM, ENVCHAIN, 1.0),
    (COMPLETION, ISOLATED, 3.0),
    (FULL, TYPER, 1.5),
)
# shown beside them, without a bar
PEERS = ((FILE, BARE), (SYSTEM, ISOLATED), (SYSTEM, SCRIPT), (VERSION, BARE), (HELP, BARE))


@dataclass
class Command:
    """One command, where it runs, and how long each of its runs took, in seconds."""

    name: str
    argv: Sequence[str]
    backend: str = "file"
    times: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.times) * 1000

    @property
    def least(self) -> float:
        """The shortest, in milliseconds."""
        return min(self.times) * 1000


def commands(world: World) -> list[Command]:
    """What is measured in this world."""
    python, ringlet = world.installed.python, world.installed.program("ringlet")
    lookup = ("secret-tool", "lookup", "service", "ringlet", "username", ADDRESS)
    text = f"#!/bin/sh\n{VARIABLE}=$({' '.join(lookup)}) || exit\nexport {VARIABLE}\nexec true\n"
    found = [
        Command(FILE, (ringlet, "run", "x")),
        Command(SYSTEM, (ringlet, "run", "x"), "secret-service"),
        Command(ISOLATED, (python, "-I", "-S", "-c", "pass")),
        Command(BARE, (python, "-c", "pass")),
        Command(SECRET_TOOL, lookup, "secret-service"),
        Command(SCRIPT, (world.program("lookup-and-exec", text),), "secret-service"),
        Command(KEYRING, (world.installed.program("keyring"), "get", "ringlet", ADDRESS), "secret-service"),
        Command(VERSION, (ringlet, "--version")),
        Command(COMPLETION, (ringlet, "__complete", "run", "")),
        Command(HELP, (ringlet, "--help")),
        Command(FULL, (ringlet, "profiles", "list")),
        Command(TYPER, (python, "-c", "import typer")),
    ]
    return found + envchain(world)


def envchain(world: World) -> list[Command]:
    """The C program that does the same, if it is installed."""
    path = world.environ()["PATH"]
    if not any(os.access(f"{folder}/envchain", os.X_OK) for folder in path.split(":")):
        return []
    environ = world.environ("secret-service")
    done(run(["envchain", "--set", "ns", VARIABLE], environ, stdin=world.key + "\n"))
    return [Command(ENVCHAIN, ("envchain", "ns", "true"), "secret-service")]


def check(measured: Sequence[Command], world: World) -> None:
    """That each does what its name says: those that look a key up print it, and all end well."""
    for command in measured:
        printed = done(run(command.argv, world.environ(command.backend)))
        if command.name in (SECRET_TOOL, KEYRING) and printed.rstrip("\n") != world.key:
            raise Unfit(f"{command.name} printed something else than the key")


def measure(measured: Sequence[Command], world: World, rounds: int) -> None:
    """Fills in the times; each round begins with another command."""
    for number in range(rounds):
        start = number % len(measured)
        for command in [*measured[start:], *measured[:start]]:
            command.times += one_round(command, world, WARM_UPS if number == 0 else 0)


def one_round(command: Command, world: World, warm_ups: int) -> list[float]:
    """The seconds of a few runs."""
    export = world.folder / "times.json"
    # without a shell; hyperfine splits the line as a shell would, and no word of ours needs quotes but one
    line = " ".join(f"'{word}'" if " " in word else word for word in command.argv)
    options = ["-N", "--style", "none", "--warmup", str(warm_ups), "--runs", str(RUNS_A_ROUND)]
    hyperfine = ["hyperfine", *options, "--export-json", str(export), line]
    outcome = subprocess.run(
        hyperfine,
        env=world.environ(command.backend),
        cwd=world.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    done(outcome)
    times: list[float] = json.loads(export.read_text())["results"][0]["times"]
    return times


def runs(rounds: int) -> int:
    """How often each command runs."""
    return WARM_UPS + rounds * RUNS_A_ROUND
