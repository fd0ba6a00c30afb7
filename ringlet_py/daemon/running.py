"""The daemon that runs: which process it is, where it is looked for, whether it answers."""

from __future__ import annotations

import json
import os
import socket
import stat
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import (
    DaemonError,
    DaemonNotRunning,
    DaemonRunning,
    InsecurePermissions,
    KeychainTimeout,
    RingletError,
)
from ringlet_py.files.checks import POSIX, quoted
from ringlet_py.files.folders import NAME, runtime_folder
from ringlet_py.files.private import Lock, make_private_folder, read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.app import App

READY = "ringlet daemon: ready"  # how the line begins that it prints as soon as it answers
_MOMENT = 0.5  # seconds; whoever only looks whether the lock is held has let go of it by then
_ANSWER = 4096


@dataclass(frozen=True, kw_only=True)
class Running:
    """What a running daemon says of itself; `born` is the system's mark of the process' start, "" where it has none.

    `front` and `words` of a command line start another one like it.  It is `detached` if `daemon start` put it into the
    background, else it belongs to a terminal or a service manager.  `hangups` is how many SIGHUPs it has answered, and
    `problem` what kept it from reading its settings at the last one.
    """

    pid: int
    born: str
    started: float
    version: str
    urls: tuple[str, ...] = ()
    socket: str = ""
    front: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    detached: bool = False
    hangups: int = 0
    problem: str = ""


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
            raise self.taken() from None
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

    def taken(self) -> DaemonRunning:
        """The error for one that runs already, with what it says of itself."""
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

    def not_running(self) -> DaemonNotRunning:
        """The error for one that does not run, with where it was looked for."""
        return DaemonNotRunning("the daemon does not run", why=f"its files would be in {self.folder}")

    def _is_held(self) -> bool:
        self.prepare()
        try:
            with Lock(self._lock, limit=0):
                return False
        except KeychainTimeout:
            return True

    def _said(self) -> Running | None:
        try:
            fields: dict[str, Any] = json.loads(read_private(self._state))
            lists = {name: tuple(each) for name, each in fields.items() if isinstance(each, list)}
            return Running(**{**fields, **lists})
        except (OSError, ValueError, TypeError, AttributeError):
            return None


def elsewhere(app: App) -> str:
    """The folder of a daemon that runs under another XDG_RUNTIME_DIR than is set here, "" if none does."""
    own = Runtime.of(app)
    folders = [os.path.join(app.folders.state, "run"), *([f"/run/user/{os.getuid()}/{NAME}"] if POSIX else [])]
    for folder in folders:
        with suppress(RingletError, OSError):
            if folder != own.folder and Runtime(folder, log=own.log).find():
                return folder
    return ""


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
