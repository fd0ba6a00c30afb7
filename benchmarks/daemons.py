"""Daemons to be measured: filled with keys, started, and asked by wrk."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.library_claim import CONFIG, PROVIDER, library_claim
from benchmarks.world import ROOT, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = 16
PATIENCE = 20.0  # seconds; only a broken machine needs them
PATH = f"/key?provider={PROVIDER}&feature=image"
_BARE = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

BODY = {"key_id": "0" * 36, "value": "k" * 56, "metadata": {}, "secrets": {}}

async def bare(request):
    return JSONResponse(BODY)

uvicorn.run(Starlette(routes=[Route("/key", bare)]), host="127.0.0.1", port=int(sys.argv[1]), http="httptools",
            loop="asyncio", ws="none", lifespan="off", access_log=False, log_level="critical", server_header=False,
            proxy_headers=False)
"""


@dataclass(frozen=True)
class Hammered:
    """What wrk saw: answers, those that were no success, and answers a second."""

    answers: int
    refused: int
    rate: float


@dataclass(frozen=True)
class Running:
    """A server that is ready; `ready` is how many seconds that took."""

    port: int
    pid: int
    ready: float
    home: Path | None = None
    token: str = ""

    def memory(self) -> float:
        """What it has resident, in MB (10^6 bytes)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) * 1024 / 1e6

    def as_caller(self, name: str, *, scope: str) -> Running:
        """The same, asked with a new caller's token."""
        return replace(self, token=ringlet(self._home(), "tokens", "create", name, "--scope", scope).strip())

    def records(self) -> int:
        """How many claims that went well are in its audit, in all of the log's files."""
        state = self._home() / ".local/state/ringlet"
        lines = (line for path in state.glob("audit*.jsonl") for line in path.open())
        return sum('"action":"claim"' in line and '"outcome":"ok"' in line for line in lines)

    def _home(self) -> Path:
        if self.home is None:
            raise Unfit("the bare endpoint has no home")
        return self.home


def filled(home: Path, keys: int) -> None:
    """Makes a home with so many sealed keys of one provider, each with a limit."""
    library_claim(home, keys)


@contextlib.contextmanager
def bare() -> Iterator[Running]:
    """The HTTP library alone, with an answer of the same size."""
    port = _free_port()
    with _started([sys.executable, "-c", _BARE, str(port)], port, {}) as (pid, ready):
        yield Running(port, pid, ready)


@contextlib.contextmanager
def daemon(home: Path) -> Iterator[Running]:
    """The daemon of that home."""
    port = _free_port()
    command = [sys.executable, "-m", "ringlet_py", "daemon", "start", "--foreground", "--listen", f"127.0.0.1:{port}"]
    with _started(command, port, _environ(home)) as (pid, ready):
        token = (home / ".config/ringlet/http_token").read_text().strip()
        yield Running(port, pid, ready, home, token)


def hammered(running: Running, seconds: float, *, may_refuse: bool = False) -> Hammered:
    """What wrk says of some seconds."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    command += ["-H", f"Authorization: Bearer {running.token}", f"http://127.0.0.1:{running.port}{PATH}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answers = int(re.findall(r"(\d+) requests in", told)[0])
    refused = int((re.findall(r"Non-2xx or 3xx responses: (\d+)", told) or ["0"])[0])
    if refused and running.home and not may_refuse:
        raise Unfit(f"{refused} of {answers} requests were refused")
    return Hammered(answers, refused, float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0]))


def counted(running: Running, requests: int) -> dict[str, float]:
    """How many of at least so many answers have no record in the audit, whose chain is whole."""
    before, answers = running.records(), 0
    while answers < requests:
        answers += hammered(running, 5).answers
    ringlet(running._home(), "audit", "verify")  # noqa: SLF001 - two halves of one
    return {"requests": answers, "lost": max(0, answers - (running.records() - before))}


def admitted_by_one(home: Path, limit: int, requests: int) -> dict[str, float]:
    """How many of at least so many requests get a key under a pool's limit of so many."""
    filled(home, 10)
    ringlet(home, "pools", "create", PROVIDER, "--provider", PROVIDER, "--pool-limit", f"{limit}/30d")
    asked = got = 0
    with daemon(home) as running:
        before = running.records()
        while asked < requests:
            found = hammered(running, 5, may_refuse=True)
            asked, got = asked + found.answers, got + found.answers - found.refused
        # wrk does not count what is under way when it ends
        return {"asked": asked, "one": max(got, running.records() - before)}


def admitted(home: Path, url: str, limit: int) -> float:
    """How many keys two daemons on one ledger hand out under a pool's limit of so many."""
    homes = [home / name for name in ("one", "two")]
    for each in homes:
        folder = each / ".config/ringlet"
        folder.mkdir(parents=True, mode=0o700)
        (folder / "config.toml").write_text(f'{CONFIG}\n[ledger]\nurl = "{url}"\n')
    (homes[0] / ".local/share").mkdir(parents=True)
    ringlet(homes[0], "keychain", "set", PROVIDER, "one", "--force", stdin="sk-proj-" + os.urandom(24).hex())
    master = Path(".config/ringlet")
    for path in (homes[0] / master).glob("*master*"):
        (homes[1] / master / path.name).write_bytes(path.read_bytes())
        (homes[1] / master / path.name).chmod(0o600)
    ringlet(homes[0], "pools", "create", PROVIDER, "--provider", PROVIDER, "--pool-limit", f"{limit}/hour")
    with daemon(homes[0]) as one, daemon(homes[1]) as two:
        commands = [_wrk_of(each) for each in (one, two)]
        for running in [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]:
            running.wait()
        return one.records() + two.records()


def ringlet(home: Path, *argv: str, stdin: str = "") -> str:
    """Runs ringlet in that home."""
    command = [sys.executable, "-m", "ringlet_py", *argv]
    outcome = subprocess.run(command, input=stdin, env=_environ(home), capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise Unfit(f"ringlet {' '.join(argv[:2])}: exit status {outcome.returncode}\n{outcome.stderr}")
    return outcome.stdout


def _wrk_of(running: Running) -> list[str]:
    header = ["-H", f"Authorization: Bearer {running.token}"]
    return ["wrk", "-t1", "-c8", "-d3s", *header, f"http://127.0.0.1:{running.port}{PATH}"]


def _environ(home: Path) -> dict[str, str]:
    ours = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    return {**ours, "XDG_RUNTIME_DIR": ""}  # one daemon for each home


@contextlib.contextmanager
def _started(command: list[str], port: int, environ: dict[str, str]) -> Iterator[tuple[int, float]]:
    begun = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.PIPE)
    try:
        while not _answers(port):
            if process.poll() is not None:
                raise Unfit(f"{command[2:5]} ended:\n{process.stderr.read().decode() if process.stderr else ''}")
            if time.monotonic() > begun + PATIENCE:
                raise Unfit(f"{command[2:5]} is not ready")
            time.sleep(0.005)
        yield process.pid, time.monotonic() - begun
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
