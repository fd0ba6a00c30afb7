"""A real redis-server of a test's own, in its own folder, which can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

PROGRAM = shutil.which("redis-server")
LIMIT = 10.0
needs_redis = pytest.mark.skipif(
    PROGRAM is None and "redis" not in os.environ.get("RINGLET_REQUIRE", "").split(),
    reason="redis-server is not installed",
)


class RedisProcess:
    """The server; `url` is on loopback, `socket` the path of its Unix socket."""

    def __init__(self, *options: str) -> None:
        # a Unix socket's path must be short
        self.folder = Path(tempfile.mkdtemp(prefix="ringlet-redis-"))
        self.socket = self.folder / "redis.sock"
        self.port = _free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket}"

    def start(self, *options: str) -> None:
        """Starts it, with what its folder keeps, and returns when it answers."""
        assert PROGRAM is not None, "there is no redis-server"
        given = {"--dir": str(self.folder), "--port": str(self.port), "--bind": "127.0.0.1"}
        given |= {"--unixsocket": str(self.socket), "--appendonly": "yes", "--appendfsync": "always", "--save": ""}
        argv = [PROGRAM, *(word for pair in given.items() for word in pair), *self._options, *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._await()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        self._end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(LIMIT)
            self._process = None

    def _await(self) -> None:
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            if self._answers():
                return
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.005)
        raise AssertionError("redis-server does not answer")

    def _answers(self) -> bool:
        """Whether it takes connections and has read its file; one that wants a password says so, which will do."""
        try:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(self.socket))
                asking.sendall(b"PING\r\n")
                return asking.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _free_port() -> int:
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        return int(probing.getsockname()[1])
