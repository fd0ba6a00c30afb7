"""The daemon that runs: which process it is, whether it answers, how it is started and stopped from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import DaemonError, DaemonNotRunning, DaemonRunning, InsecurePermissions, KeychainTimeout
from ringlet_py.files.checks import POSIX, quoted
from ringlet_py.files.folders import runtime_folder
from ringlet_py.files.private import Lock, make_private_folder, open_private, read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ringlet_py.app import App

READY = "ringlet daemon: ready"  # how the line begins that it prints as soon as it answers
_MOMENT = 0.5  # seconds; whoever only looks whether the lock is held has let go of it by then
_PAUSE = 0.02
_LONGEST_LOG = 1024 * 1024
_ANSWER = 4096


@dataclass(frozen=True, kw_only=True)
class Running:
    """What a running daemon says of itself; `born` is the system's mark of the process' start, "" where it has none."""

    pid: int
    born: str
    started: float
    version: str
    urls: tuple[str, ...] = ()
    socket: str = ""


def check_installed() -> None:
    """Raises DaemonError where ringlet was installed without the extra."""
    try:
        import httptools  # noqa: F401 - the last of its packages that others would bring along
    except ModuleNotFoundError:
        what = "this ringlet was installed without what the daemon needs"
        raise DaemonError(what, hint="pip install 'ringlet-py[daemon]'") from None


class Runtime:
    """The runtime folder's files: the lock that the running daemon holds, what it says of itself, its socket."""

    def __init__(self, folder: str, *, log: str) -> None:
        self.folder = folder
        self.socket = os.path.join(folder, "daemon.sock")
        self.log = log
        self._state = os.path.join(folder, "daemon.json")
        self._lock = os.path.join(folder, "daemon.lock")

    @classmethod
    def of(cls, app: App) -> Runtime:
        """The app's."""
        folders = app.folders
        return cls(runtime_folder(app.environ, folders), log=os.path.join(folders.state, "daemon.log"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the lock; DaemonRunning if another daemon does, InsecurePermissions if the folder is not ours alone."""
        self.prepare()
        lock = Lock(self._lock, limit=_MOMENT)
        try:
            lock.__enter__()
        except KeychainTimeout:
            raise self._taken() from None
        with _left(lock):
            self.forget()  # what one that was killed has left, before it is taken for ours
            yield

    def prepare(self) -> None:
        """Makes the folder, or sees that nobody else can come at what is in it."""
        make_private_folder(self.folder)
        mode = stat.S_IMODE(os.stat(self.folder).st_mode)
        if POSIX and mode & 0o077:
            what = f"{self.folder} can be entered by others (mode {mode:04o})"
            raise InsecurePermissions(what, hint=f"chmod 700 {quoted(self.folder)}")

    def _taken(self) -> DaemonRunning:
        found = self._said()
        where = " and ".join([*found.urls, found.socket]) if found else ""
        why = f"process {found.pid} answers on {where}" if found else f"its files are in {self.folder}"
        return DaemonRunning("the daemon runs already", why=why, hint="ringlet daemon status")

    def say(self, running: Running) -> None:
        """Writes down what runs here; the caller holds the lock."""
        write_private(self._state, json.dumps(asdict(running)).encode())

    def forget(self) -> None:
        """Takes away what only a running daemon has; the caller holds the lock."""
        for path in (self._state, self.socket):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def find(self) -> Running | None:
        """The daemon that runs; None if none does, whatever one that was killed has left behind."""
        if not os.path.isdir(self.folder) or not self._is_held():
            return None
        found = self._said()
        return found if found and born(found.pid) == found.born else None

    def _is_held(self) -> bool:
        self.prepare()
        try:
            with Lock(self._lock, limit=0):
                return False
        except KeychainTimeout:
            return True

    def _said(self) -> Running | None:
        try:
            fields = json.loads(read_private(self._state))
            return Running(**{**fields, "urls": tuple(fields["urls"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None


@contextmanager
def _left(lock: Lock) -> Iterator[None]:
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def born(pid: int) -> str:
    """The system's mark of when the process began, which a later process of the same number has not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def answers(running: Running, *, patience: float = 2.0) -> bool:
    """Whether it answers within so many seconds."""
    try:
        with _connected(running, patience) as one:
            host = running.urls[0].removeprefix("http://") if not running.socket else "localhost"
            one.sendall(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            return one.recv(_ANSWER).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def _connected(running: Running, patience: float) -> socket.socket:
    if running.socket:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.settimeout(patience)
        try:
            one.connect(running.socket)
        except OSError:
            one.close()
            raise
        return one
    host, _, port = running.urls[0].removeprefix("http://").rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=patience)


def start(runtime: Runtime, words: list[str], *, environ: Mapping[str, str], patience: float = 30.0) -> Running:
    """Starts the daemon as a process of its own, which these words of a command line do; returns when it answers.

    Raises DaemonRunning, and DaemonError with what the process said where it did not start.
    """
    if runtime.find():
        raise runtime._taken()  # noqa: SLF001 - of this module
    log = _opened_log(runtime.log)
    try:
        before = os.lseek(log, 0, os.SEEK_END)
        child = _spawn(words, environ, log, folder=os.path.dirname(runtime.log))
        assert child.stdout  # noqa: S101 - a pipe was asked for
        with child.stdout as told:
            line = told.readline()
        if not line.startswith(READY.encode()):
            raise _failed(child, log, before, patience)
        child.returncode = 0  # it is nobody's child from now on
    finally:
        os.close(log)
    found = runtime.find()
    if found is None:
        raise DaemonError("the daemon ended as soon as it had started", hint=f"cat {quoted(runtime.log)}")
    return found


def _spawn(words: list[str], environ: Mapping[str, str], log: int, *, folder: str) -> subprocess.Popen[bytes]:
    own: dict[str, Any] = {"start_new_session": True} if POSIX else {"creationflags": 0x00000208}  # detached, own group
    own |= {"cwd": folder, "env": dict(environ)}  # where it was started from can be unmounted
    # -P: a file in the current folder must not take a module's place
    command = [sys.executable, "-P", "-m", "ringlet_py", *words]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, **own)


def _opened_log(path: str) -> int:
    make_private_folder(os.path.dirname(path))
    log = open_private(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    if os.fstat(log).st_size > _LONGEST_LOG:
        os.ftruncate(log, 0)
    return log


def _failed(child: subprocess.Popen[bytes], log: int, before: int, patience: float) -> DaemonError:
    """What the process said before it ended."""
    try:
        status = child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        status = child.wait()
    os.lseek(log, before, os.SEEK_SET)
    said = os.read(log, _ANSWER).decode(errors="replace").splitlines()
    parts = [line.removeprefix("ringlet: ") for line in said]
    told = {name: text for name, _, text in (part.partition(": ") for part in parts)}
    kind = DaemonRunning if told.get("error", "").endswith((" is taken", " runs already")) else DaemonError
    why = "; ".join(told[name] for name in ("error", "why") if name in told) or f"it ended with status {status}"
    return kind("the daemon did not start", why=why, hint=told.get("hint"))


def stop(runtime: Runtime, *, patience: float) -> tuple[Running, float]:
    """Asks the daemon to end and waits until it has; how many seconds that took.

    Raises DaemonNotRunning, and DaemonError if it has not ended within `patience` seconds.
    """
    found = runtime.find()
    if found is None:
        raise DaemonNotRunning("the daemon does not run", why=f"its files would be in {runtime.folder}")
    began = time.monotonic()
    _end(found)
    while runtime.find() is not None:
        if time.monotonic() - began > patience:
            why = f"process {found.pid} is still finishing requests"
            raise DaemonError("the daemon has not ended yet", why=why, hint=f"kill -9 {found.pid}")
        time.sleep(_PAUSE)
    return found, time.monotonic() - began


def _end(found: Running) -> None:
    """SIGTERM to that very process, never to another one that has its number by now."""
    if not hasattr(os, "pidfd_open"):
        os.kill(found.pid, signal.SIGTERM)
        return
    with suppress(ProcessLookupError):
        fd = os.pidfd_open(found.pid)
        try:
            if born(found.pid) == found.born:
                signal.pidfd_send_signal(fd, signal.SIGTERM)  # type: ignore[attr-defined,unused-ignore]
        finally:
            os.close(fd)
