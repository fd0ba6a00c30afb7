"""The published package simple_keystore doing the same: its own environment, its own Redis, its own store."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from typing import TYPE_CHECKING

from benchmarks.world import Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PACKAGE = "simple_keystore==0.11.0"
PATIENCE = 10.0  # seconds, for Redis to start
# one process a size, in the folder of its store; tells the nanoseconds of each call
SCRIPT = """
import json, sys, time
from simple_keystore import SimpleKeyStore
from simple_keystore.get_available_key_for_use import get_available_key_for_use
keys, seconds, port = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
store = SimpleKeyStore("bench.db")
for number in range(keys):
    store.add_key(name="k", unencrypted_key=f"sk-{number:040}", active=True)
def claim():
    get_available_key_for_use("k", store, 1000000, 60, "127.0.0.1", port)
claim()
times, end = [], time.monotonic() + seconds
while time.monotonic() < end or len(times) < 3:
    before = time.perf_counter_ns(); claim(); times.append(time.perf_counter_ns() - before)
print(json.dumps(times))
"""


def medians(folder: Path, sizes: Sequence[int], seconds: float, cache: Path) -> dict[int, float]:
    """Microseconds of its `get_available_key_for_use` in stores of so many keys, all of them free."""
    python = installed(cache / "simple_keystore")
    with redis(folder / "redis") as port:
        return {size: _median(python, folder / str(size), (str(size), str(seconds), str(port))) for size in sizes}


def installed(folder: Path) -> str:
    """The interpreter of an environment that has the package."""
    python = folder / "bin/python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        outcome = subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=False)
        if outcome.returncode:
            raise Unfit(f"{PACKAGE} could not be installed")
        (folder / "ready").touch()
    return str(python)


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[int]:
    """The port of a Redis of our own."""
    folder.mkdir(parents=True)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)  # noqa: S607 - from PATH
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Unfit("redis-server did not start")


def _median(python: str, folder: Path, arguments: Sequence[str]) -> float:
    folder.mkdir(parents=True)
    master = base64.urlsafe_b64encode(os.urandom(32)).decode()
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "SIMPLE_KEYSTORE_KEY": master}
    outcome = subprocess.run(
        [python, "-c", SCRIPT, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if outcome.returncode:
        print(outcome.stderr, file=sys.stderr)  # noqa: T201 - to whoever runs the benchmark
        raise Unfit("simple_keystore failed")
    times = sorted(json.loads(outcome.stdout.splitlines()[-1]))
    return float(times[len(times) // 2]) / 1000
