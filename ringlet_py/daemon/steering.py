"""The running daemon asked from outside: to end, or to read its settings again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ringlet_py.daemon.running import born
from ringlet_py.errors import DaemonError

if TYPE_CHECKING:
    from ringlet_py.daemon.running import Running, Runtime

_PAUSE = 0.02


def stop(runtime: Runtime, *, patience: float) -> tuple[Running, float]:
    """Asks the daemon to end and waits until it has; how many seconds that took.

    Raises DaemonNotRunning, and DaemonError if it has not ended within `patience` seconds.
    """
    found = _found(runtime)
    began = time.monotonic()
    send(found, signal.SIGTERM)
    while runtime.find() is not None:
        if time.monotonic() - began > patience:
            why = f"process {found.pid} is still finishing requests"
            raise DaemonError("the daemon has not ended yet", why=why, hint=f"kill -9 {found.pid}")
        time.sleep(_PAUSE)
    return found, time.monotonic() - began


def reload(runtime: Runtime, *, patience: float) -> Running:
    """Has the daemon read its settings and its catalog again, and waits until it says that it has.

    Raises DaemonNotRunning, and DaemonError with what it says of settings that are wrong, or if it says nothing.
    """
    found = _found(runtime)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None:
        why = "this system has no SIGHUP; a changed config.toml is read by itself"
        raise DaemonError("the daemon cannot be asked to read its settings", why=why, hint="ringlet daemon restart")
    began = time.monotonic()
    send(found, hangup)
    while (now := runtime.find()) is not None and now.pid == found.pid:
        if now.hangups > found.hangups:
            return _checked(now)
        if time.monotonic() - began > patience:
            why = f"process {found.pid} has not said that it did"
            raise DaemonError("the settings were not read again", why=why, hint="ringlet daemon restart")
        time.sleep(_PAUSE)
    raise DaemonError("the daemon has ended meanwhile", hint="ringlet daemon start")


def send(found: Running, number: int) -> None:
    """The signal to that very process, if it is still there, never to another one that has its number by now."""
    with suppress(ProcessLookupError):
        if hasattr(os, "pidfd_open"):
            _by_handle(found, number)
        else:
            os.kill(found.pid, number)


def _by_handle(found: Running, number: int) -> None:
    fd = os.pidfd_open(found.pid)
    try:
        if born(found.pid) == found.born:
            signal.pidfd_send_signal(fd, number)  # type: ignore[attr-defined,unused-ignore]
    finally:
        os.close(fd)


def _found(runtime: Runtime) -> Running:
    found = runtime.find()
    if found is None:
        raise runtime.not_running()
    return found


def _checked(running: Running) -> Running:
    if running.problem:
        what = "the settings were not read again, and those from before still hold"
        raise DaemonError(what, why=running.problem, hint="ringlet doctor")
    return running
