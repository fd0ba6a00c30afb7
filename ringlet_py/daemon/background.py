"""The daemon put into the background: a process of its own, whose standard error is the log."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.log import STAMP, stamped
from ringlet_py.daemon.running import READY
from ringlet_py.errors import DaemonError, DaemonRunning
from ringlet_py.files.checks import POSIX, quoted
from ringlet_py.files.private import make_private_folder, open_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.daemon.running import Running, Runtime

_LONGEST_LOG = 1024 * 1024
_SHOWN = 4096  # bytes of the log that are looked at for what went wrong
_PATIENCE = 30.0  # seconds for a process that does not start to end
_ENDINGS = (" is taken", " runs already")  # of errors that say that something else has the daemon's place


def start(runtime: Runtime, words: list[str], *, environ: Mapping[str, str], clock: Callable[[], float]) -> Running:
    """Starts the daemon as a process of its own, which these words of a command line do; returns when it answers.

    Raises DaemonRunning, and DaemonError with what the process said where it did not start.
    """
    if runtime.find():
        raise runtime.taken()
    log = _opened(runtime.log)
    try:
        before = os.lseek(log, 0, os.SEEK_END)
        child = _spawn(words, environ, log, folder=os.path.dirname(runtime.log))
        assert child.stdout  # noqa: S101 - a pipe was asked for
        with child.stdout as told:
            line = told.readline()
        if not line.startswith(READY.encode()):
            raise _failed(child, log, before, clock)
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


def _opened(path: str) -> int:
    make_private_folder(os.path.dirname(path))
    log = open_private(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    if os.fstat(log).st_size > _LONGEST_LOG:
        os.ftruncate(log, 0)
    return log


def _failed(child: subprocess.Popen[bytes], log: int, before: int, clock: Callable[[], float]) -> DaemonError:
    """What the process said before it ended; if it said nothing, the log has at least that it ended."""
    try:
        status = child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        status = child.wait()
    os.lseek(log, before, os.SEEK_SET)
    told = _told(os.read(log, _SHOWN).decode(errors="replace"))
    what = "the daemon did not start"
    if "error" not in told:
        told["error"] = f"it ended with status {status}"
        os.write(log, stamped(f"ringlet: error: {what}: {told['error']}\n", clock()).encode())
    kind = DaemonRunning if told["error"].endswith(_ENDINGS) else DaemonError
    why = "; ".join(told[name] for name in ("error", "why") if name in told)
    return kind(what, why=why, hint=told.get("hint"))


def _told(text: str) -> dict[str, str]:
    """What follows `ringlet: error: ` and the like in the log's lines."""
    lines = [re.sub(f"^{STAMP} ", "", line).removeprefix("ringlet: ") for line in text.splitlines()]
    return {name: rest for name, _, rest in (line.partition(": ") for line in lines)}
