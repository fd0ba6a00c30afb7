"""A real daemon in a throw-away home, and plain ways to ask it things."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.daemon import conformance
from tests.end_to_end.program import PATIENCE, Home, command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

READY = "ringlet daemon: ready"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    raw: bytes

    @property
    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.raw)


class UnixConnection(http.client.HTTPConnection):
    """HTTP through a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


@dataclass
class RealDaemon:
    """`ringlet daemon start --foreground` as a process; `start` again after `stop` or `kill`."""

    home: Home
    runtime: str  # a short path, since that of a Unix socket has a limit
    words: tuple[str, ...] = ("--listen", "localhost:0")
    process: subprocess.Popen[str] | None = None
    urls: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, home: Home, *words: str) -> Self:
        """One that is not started yet, in that home."""
        runtime = tempfile.mkdtemp(prefix="ringlet-", dir="/tmp")
        home.environ["XDG_RUNTIME_DIR"] = runtime
        return cls(home, runtime, words or cls.words)

    def start(self) -> Self:
        """Starts it, and returns when it answers."""
        self.process = self.spawn()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(READY), line + self.error
        self.urls = [word for word in line.split() if word.startswith("http://")]
        return self

    def spawn(self) -> subprocess.Popen[str]:
        """The process, started and not waited for."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*command(), "daemon", "start", "--foreground", *self.words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.home.environ,
                cwd=self.home.path / "work",
            )

    @property
    def log(self) -> Path:
        """Where its standard error goes."""
        return self.home.path / "tmp/daemon.log"

    @property
    def error(self) -> str:
        """What it has said on standard error."""
        return self.log.read_text() if self.log.exists() else ""

    @property
    def url(self) -> str:
        """Where it answers on 127.0.0.1."""
        return self.urls[0]

    @property
    def port(self) -> int:
        """The port on loopback."""
        return int(self.url.rpartition(":")[2])

    @property
    def socket(self) -> str:
        """The path of its Unix socket."""
        return os.path.join(self.runtime, "ringlet", "daemon.sock")

    @property
    def admin(self) -> str:
        """The admin token as it is in its file now."""
        return (self.home.config / "http_token").read_text().strip()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        unix: bool = False,
    ) -> Answer:
        """One request on a connection of its own; `json` is the body's value, `token` the bearer token."""
        given = {"Authorization": f"Bearer {token}"} if token else {}
        body = None if json is None else _encoded(json)
        if body is not None:
            given["Content-Type"] = "application/json"
        connection = self.connection(unix=unix)
        try:
            connection.request(method, path, body, {**given, **(headers or {})})
            found = connection.getresponse()
            answer = Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
        finally:
            connection.close()
        if not headers:  # which may make of it a request that no route gets to see
            conformance.check(method, path.partition("?")[0], answer.status, answer.headers, answer.raw)
        return answer

    def connection(self, *, unix: bool = False) -> http.client.HTTPConnection:
        """A connection that can be used several times."""
        if unix:
            return UnixConnection(self.socket)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def raw(self, data: bytes) -> bytes:
        """All that comes back for these bytes until the daemon ends the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as one:
            one.sendall(data)
            return read_all(one)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks it to end, and returns its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def kill(self) -> None:
        """As a crash would."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """Ends it, however it is, and takes its folder away."""
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.runtime, ignore_errors=True)


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="needs IPv6 on loopback")


def read_all(one: socket.socket) -> bytes:
    """Everything until the end of the connection, however that comes."""
    found = b""
    try:
        while piece := one.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()
