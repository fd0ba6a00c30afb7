"""Times of claims: functions that claim once are plugged in, called in turns for some seconds, and judged."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from benchmarks.world import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ringlet_py.ledger.claims import Member, Turn

    # nanoseconds of each call, made for so many seconds
    Timed = Callable[[float], list[int]]

Name = TypeVar("Name")
LIMIT = "1000000/minute"  # counted, and never used up
WARM_UPS = 200
PROCESSES = 4
START_UP = 2.0  # seconds until all of them are there


def interleaved(timed: Mapping[Name, Timed], rounds: int, seconds: float) -> dict[Name, list[int]]:
    """Nanoseconds of each call; in every round all have their share of the seconds, so that they see the same load."""
    found: dict[Name, list[int]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, one in timed.items():
            found[name] += one(seconds / rounds)
    return found


def warmed(claim: Callable[[], object]) -> Timed:
    """Times calls of that function, from when it has been called some times."""
    for _ in range(WARM_UPS):
        claim()

    def timed(seconds: float) -> list[int]:
        found = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = time.perf_counter_ns()
            claim()
            found.append(time.perf_counter_ns() - before)
        return found

    return timed


def ledger_claim(folder: Path, keys: int) -> Callable[[], object]:
    """One claim of the embedded engine, without fetching a secret."""
    from ringlet_py.ledger.claims import Claim
    from ringlet_py.ledger.clock import SystemClock
    from ringlet_py.ledger.sqlite_claims import SqliteClaims
    from ringlet_py.ledger.sqlite_file import SqliteFile
    from ringlet_py.ledger.sqlite_session import Session

    claims = SqliteClaims(Session(SqliteFile(str(folder / "ledger.sqlite"))), SystemClock(time.time))
    turn, members = turn_of(keys)
    version = claims.version()
    claims.enlist(turn, members, version=version)
    numbers = count()
    return taking(lambda: claims.claim(Claim(turn=turn, version=version, lease=f"{id(claims)}-{next(numbers)}")))


def taking(claim: Callable[[], object]) -> Callable[[], object]:
    """The function, if it takes a key: to refuse would be quicker."""
    from ringlet_py.ledger.claims import Taken

    answer = claim()
    if not isinstance(answer, Taken):
        raise Unfit(f"a claim was answered with {answer}")
    return claim


def turn_of(keys: int) -> tuple[Turn, list[Member]]:
    """A pool of so many keys, each with a limit."""
    from ringlet_py.ledger.claims import Member, Turn
    from ringlet_py.limits import Rate

    rates = (Rate.parse(LIMIT),)
    members = [Member(address=f"openai/k{number:05}", rates=rates) for number in range(keys)]
    return Turn(pool="p", provider="openai", feature="image", policy="round-robin"), members


def fairness(folder: Path, seconds: float) -> dict[str, float]:
    """How unequal the claims of some processes on one ledger are, and how long one waited at most."""
    start = time.time() + START_UP
    command = [sys.executable, "-m", "benchmarks.claiming", str(folder), str(start), str(seconds)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    found = [json.loads(process.communicate()[0]) for process in running]
    counts = [number for number, _ in found]
    return {
        "unfair": max(counts) / min(counts),
        "longest_ms": max(longest for _, longest in found) / 1e6,
        "rate": sum(counts) / seconds,
    }


def _one_of_them(folder: Path, start: float, seconds: float) -> None:
    timed = warmed(ledger_claim(folder, 10))
    time.sleep(max(0.0, start - time.time()))
    found = timed(seconds)
    print(json.dumps([len(found), max(found)]))  # noqa: T201 - to the process that started us


if __name__ == "__main__":
    from pathlib import Path

    _one_of_them(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
