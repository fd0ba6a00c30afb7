"""The published package simple_keystore doing the same: its own environment, its own Redis, its own store."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import venv
from typing import IO, TYPE_CHECKING, cast

from benchmarks.world import Unfit

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "simple_keystore==0.11.0"
# one process a size, in the folder of its store; told some seconds, it tells the nanoseconds of each call
SCRIPT = """
import json, sys, time
from simple_keystore import SimpleKeyStore
from simple_keystore.get_available_key_for_use import get_available_key_for_use
keys, port, out = int(sys.argv[1]), int(sys.argv[2]), sys.stdout
sys.stdout = sys.stderr
store = SimpleKeyStore("bench.db")
for number in range(keys):
    store.add_key(name="k", unencrypted_key=f"sk-{number:040}", active=True)
def claim():
    get_available_key_for_use("k", store, 1000000, 60, "127.0.0.1", port)
claim()
print("ready", file=out, flush=True)
for line in sys.stdin:
    times, end = [], time.monotonic() + float(line)
    while not times or time.monotonic() < end:
        before = time.perf_counter_ns(); claim(); times.append(time.perf_counter_ns() - before)
    print(json.dumps(times), file=out, flush=True)
"""


def installed(folder: Path) -> str:
    """The interpreter of an environment that has the package, which is made at the first time."""
    python = folder / "bin/python"
    if (folder / "ready").exists():
        return str(python)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    except subprocess.CalledProcessError:
        why = "pip says why above; it needs a package index that can be reached"
        raise Unfit(f"{PACKAGE}, which claims are compared with, could not be installed: {why}") from None
    (folder / "ready").touch()
    return str(python)


class Peer:
    """A store of so many keys, all of them free, whose limits the Redis at that port counts; call it to time it."""

    def __init__(self, python: str, folder: Path, *, keys: int, port: int) -> None:
        folder.mkdir(parents=True)
        self._log = folder / "log"
        master = base64.urlsafe_b64encode(os.urandom(32)).decode()
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "SIMPLE_KEYSTORE_KEY": master}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [python, "-c", SCRIPT, str(keys), str(port)],
                cwd=folder,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._told()

    def __call__(self, seconds: float) -> list[int]:
        """Nanoseconds of each `get_available_key_for_use`, for so long and at least once."""
        pipe = cast("IO[str]", self._process.stdin)
        print(seconds, file=pipe, flush=True)
        return [int(each) for each in json.loads(self._told())]

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()

    def _told(self) -> str:
        line = cast("IO[str]", self._process.stdout).readline()
        if not line:
            raise Unfit(f"{PACKAGE} failed: {self._log.read_text()[-2000:]}")
        return line
