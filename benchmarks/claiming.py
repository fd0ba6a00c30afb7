"""Times of claims: a function that claims once is plugged in, called for some seconds, and its median judged."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringlet_py.ledger.claims import Refused, Taken, Unlisted

WARM_UPS = 200
PROCESSES = 4
START_UP = 2.0  # seconds until all of them are there


def median(folder: Path, keys: int, seconds: float) -> float:
    """Microseconds of a claim in a pool of so many keys, each with a limit."""
    return statistics.median(times(ledger_claim(folder, keys), seconds)) / 1000


def times(claim: Callable[[], object], seconds: float) -> list[int]:
    """Nanoseconds of each call."""
    for _ in range(WARM_UPS):
        claim()
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = time.perf_counter_ns()
        claim()
        found.append(time.perf_counter_ns() - before)
    return found


def ledger_claim(folder: Path, keys: int) -> Callable[[], Taken | Refused | Unlisted]:
    """One claim of the embedded engine, without fetching a secret."""
    from ringlet_py.ledger.claims import Claim, Member, Turn
    from ringlet_py.ledger.clock import SystemClock
    from ringlet_py.ledger.sqlite_claims import SqliteClaims
    from ringlet_py.ledger.sqlite_file import SqliteFile
    from ringlet_py.limits import Rate

    claims = SqliteClaims(SqliteFile(str(folder / "ledger.sqlite")), SystemClock(time.time))
    turn = Turn(pool="p", provider="openai", feature="image", policy="round-robin")
    rates = (Rate.parse("100000/minute"),)
    version = claims.version()
    claims.enlist(
        turn, [Member(address=f"openai/k{number:05}", rates=rates) for number in range(keys)], version=version
    )
    numbers = count()
    return lambda: claims.claim(Claim(turn=turn, version=version, lease=f"{id(claims)}-{next(numbers)}"))


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
    claim = ledger_claim(folder, 10)
    time.sleep(max(0.0, start - time.time()))
    found = times(claim, seconds)
    print(json.dumps([len(found), max(found)]))  # noqa: T201 - to the process that started us


if __name__ == "__main__":
    from pathlib import Path

    _one_of_them(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
