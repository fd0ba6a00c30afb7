"""A daemon in this process: the lock, the sockets, what keeps others out of its memory, and then `serve`."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py import __version__
from ringlet_py.daemon.binding import Listen, bind_loopback, bind_unix
from ringlet_py.daemon.log import dated
from ringlet_py.daemon.parts import Daemon
from ringlet_py.daemon.renewal import Renewal
from ringlet_py.daemon.running import READY, Running, Runtime, born
from ringlet_py.daemon.server import Doors, Events, serve
from ringlet_py.errors import DaemonError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ringlet_py.app import App

PR_SET_DUMPABLE = 4  # <linux/prctl.h>
PT_DENY_ATTACH = 31  # <sys/ptrace.h> of macOS
OPEN_FILES = 4096


@dataclass(frozen=True)
class Ways:
    """How the daemon can be reached: through loopback (None: not), and through the Unix socket ("": not).

    `front` is what its command line says before the command; `detached` that it was put into the background.
    """

    listen: Listen | None
    unix: str = ""
    front: tuple[str, ...] = ()
    detached: bool = False

    def words(self, port: int) -> tuple[str, ...]:
        """The options that make another daemon reachable in the same way, on the port that this one got."""
        return ("--listen", f"{self.listen.name}:{port}") if self.listen else ("--socket",)


def run(app: App, ways: Ways, *, renewed: Callable[[], App], tell: Callable[[str], None]) -> None:
    """Is the daemon until it is asked to end; `tell` gets one line when it answers.

    `app` is one that holds the audit open; `renewed` makes another like it, when the settings have changed.
    """
    keep_to_ourselves()
    gc.enable()  # which commands, that end soon, do without
    app.say = dated(app.say, app.clock)  # before any part is made that says something
    runtime = Runtime.of(app)
    app.catalog.providers  # noqa: B018 - which every claim needs: better none that starts than one that lends nothing
    with runtime.held():
        sockets = _sockets(ways, say=app.say)
        doors = Doors(sockets=sockets)
        try:
            app.tokens.admin.ensure()
            app.kept.expect()
            daemon = Daemon(app, renewed=Renewal(app, renewed))
            running = _running(app, doors, ways)
            events = Events(
                ready=lambda: _ready(runtime, running, tell, app.say),
                reloaded=lambda number, problem: runtime.say(replace(running, hangups=number, problem=problem)),
                say=app.say,
            )
            serve(daemon, doors, events)
            app.say("ringlet: the daemon has stopped")
        finally:
            for one in sockets:
                one.close()
            runtime.forget()


def _sockets(ways: Ways, *, say: Callable[[str], None]) -> list[socket.socket]:
    """The bound sockets; where there is loopback too, one that cannot have a Unix socket goes without."""
    found = bind_loopback(ways.listen) if ways.listen else []
    if not ways.unix:
        return found
    try:
        return [*found, bind_unix(ways.unix)]
    except DaemonError as problem:
        if not found:
            raise
        say(f"ringlet: warning: without a Unix socket: {problem}")
        return found


def _running(app: App, doors: Doors, ways: Ways) -> Running:
    pid = os.getpid()
    has_unix = len(doors.sockets) > len(doors.urls)
    return Running(
        pid=pid,
        born=born(pid),
        started=app.clock(),
        version=__version__,
        urls=tuple(doors.urls),
        socket=ways.unix if has_unix else "",
        front=ways.front,
        words=ways.words(doors.port),
        detached=ways.detached,
    )


def _ready(runtime: Runtime, running: Running, tell: Callable[[str], None], say: Callable[[str], None]) -> None:
    runtime.say(running)
    say(f"ringlet: the daemon {running.version} has started as process {running.pid}")
    gc.freeze()  # what is there now stays to the end, and need not be looked through again and again
    gc.set_threshold(10_000, 20, 20)  # a group of claims makes thousands of objects that are gone with it
    tell(" ".join([READY, *running.urls, running.socket]).rstrip())


def keep_to_ourselves() -> None:
    """Nothing of this process for others: not in files, not in a core, and as far as systems go not in its memory."""
    os.umask(0o077)
    if os.name == "nt":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    _deny_others()


def _deny_others() -> None:
    """Debuggers and /proc/PID/mem: for root alone; where the system has no such thing, the person's own alone."""
    import ctypes

    libc = ctypes.CDLL(None)
    if sys.platform == "linux":
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    elif sys.platform == "darwin":
        libc.ptrace(PT_DENY_ATTACH, 0, None, 0)
