"""The daemon as a process: sockets that are ours, uvicorn on them, signals, reloading, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn

from ringlet_py.daemon.asgi import asgi
from ringlet_py.daemon.door import Door, door
from ringlet_py.daemon.guard import Bounds, sweep
from ringlet_py.daemon.straight import Straight
from ringlet_py.daemon.strangers import Strangers
from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from starlette.types import ASGIApp

    from ringlet_py.daemon.parts import Daemon

_SILENT = logging.CRITICAL + 1  # uvicorn's log could repeat what a request says
_SWEEP = 0.25  # seconds between two looks at slow connections
_WATCH = 1.0  # seconds between two looks at the settings


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The bound sockets; `grace` is how many seconds requests may take to end when the daemon stops."""

    sockets: list[socket.socket]
    bounds: Bounds = field(default_factory=Bounds)
    grace: int = 10

    @property
    def port(self) -> int:
        """The port on loopback, 0 without one."""
        ports = [one.getsockname()[1] for one in self.sockets if one.family in (socket.AF_INET, socket.AF_INET6)]
        return ports[0] if ports else 0

    @property
    def urls(self) -> list[str]:
        """Where the daemon can be reached through loopback."""
        found = [one.getsockname()[:2] for one in self.sockets if one.family in (socket.AF_INET, socket.AF_INET6)]
        return [f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" for host, port in found]


@dataclass(frozen=True, kw_only=True)
class Events:
    """Who is told what: `ready` as soon as requests are answered, `reloaded` how many SIGHUPs were answered and what
    was wrong at the last one, in a thread of its own, and `say` what a person may want to know.
    """

    ready: Callable[[], None]
    reloaded: Callable[[int, str], None]
    say: Callable[[str], None]


def serve(daemon: Daemon, doors: Doors, events: Events) -> None:
    """Answers requests until SIGTERM or SIGINT, then finishes those that are under way and closes the daemon."""
    application = Strangers(asgi(daemon), port=doors.port, say=events.say)
    way = Straight(daemon, application)
    server = _Server(config_of(application, door(doors.bounds, way), grace=doors.grace), daemon, doors, events, way=way)
    try:
        asyncio.run(server.serve(sockets=doors.sockets))
    finally:
        daemon.close()


def config_of(application: ASGIApp, protocol: type[Door], *, grace: int) -> uvicorn.Config:
    """uvicorn's: everything said, so that no variable of the environment has a say."""
    return uvicorn.Config(
        application,
        http=protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=_SILENT,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        forwarded_allow_ips=[],
        workers=1,
        timeout_graceful_shutdown=grace,
    )


class _Server(uvicorn.Server):
    """uvicorn's server with our signals, and with someone who looks after connections and settings."""

    def __init__(self, config: uvicorn.Config, daemon: Daemon, doors: Doors, events: Events, *, way: Straight) -> None:
        super().__init__(config)
        self._daemon = daemon
        self._bounds = doors.bounds
        connections, requests = self.server_state.connections, self.server_state.tasks
        daemon.metrics.watch(connections=lambda: len(connections), requests=lambda: len(requests) + len(way.waiting))
        self._way = way
        self._events = events
        self._say = events.say
        self._tasks: set[asyncio.Task[None]] = set()
        self._hangups = 0
        self._reloading = asyncio.Lock()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_problem)
        await super().startup(sockets)
        self._tasks |= {loop.create_task(self._sweep()), loop.create_task(self._watch())}
        self._events.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what is under way; slow connections are ended as ever."""
        await super().shutdown(sockets)
        self._way.stop()
        for task in self._tasks:
            task.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but the process is not ended by the signal afterwards: there is more to close."""
        wanted = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGBREAK", None)]
        before = {number: signal.signal(number, self.handle_exit) for number in wanted if number is not None}
        hangup = getattr(signal, "SIGHUP", None)
        if hangup is not None:
            before[hangup] = signal.signal(hangup, self._on_hangup)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_hangup(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._answer_hangup, loop)

    def _answer_hangup(self, loop: asyncio.AbstractEventLoop) -> None:
        task = loop.create_task(self._hung_up())
        self._tasks.add(task)  # the loop itself holds no task
        task.add_done_callback(self._tasks.discard)

    async def _hung_up(self) -> None:
        problem = await self._reload()
        self._hangups += 1
        try:
            await self._daemon.tend(self._events.reloaded, self._hangups, problem)
        except (RingletError, OSError) as error:
            self._say(f"ringlet: error: who asked for it cannot be told: {error}")

    async def _reload(self) -> str:
        """Reads the settings again, one after the other; what was wrong with them."""
        async with self._reloading:
            try:
                await self._daemon.tend(self._daemon.reload)
            except Exception as problem:  # noqa: BLE001 - whatever it was, they are looked at again the next time
                self._say(f"ringlet: error: the settings were not read again: {_told(problem)}")
                return _told(problem)
        self._say("ringlet: the settings were read again")
        return ""

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        pause = min(_SWEEP, self._bounds.head_seconds / 4)
        while True:
            await asyncio.sleep(pause)
            sweep(self.server_state.connections, loop.time())

    async def _watch(self) -> None:
        path = self._daemon.app.folders.config_file
        seen = _stamp(path)
        while True:
            await asyncio.sleep(_WATCH)
            await self._record_failures()
            if _stamp(path) != seen:
                seen = _stamp(path)
                await self._reload()

    async def _record_failures(self) -> None:
        try:
            await self._daemon.tend(self._daemon.failures.flush, self._daemon.app.audit)
        except Exception as problem:  # noqa: BLE001 - as above
            self._say(f"ringlet: error: {_told(problem)}")

    def _on_problem(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """One line, with the kind of what happened alone: its text and its traceback may hold a value."""
        problem = context.get("exception")
        self._say(f"ringlet: error: {context['message']} ({type(problem).__name__})")


def _told(problem: Exception) -> str:
    """What was wrong; of what nobody foresaw its kind alone."""
    return str(problem) if isinstance(problem, (RingletError, OSError)) else type(problem).__name__


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns
