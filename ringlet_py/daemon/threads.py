"""Threads for what may block: so many at once, so many that wait for one, and a word at once for all others."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ringlet_py.errors import DaemonBusy

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

Answer = TypeVar("Answer")
Given = ParamSpec("Given")


def busy(what: str) -> DaemonBusy:
    """The error for a request that would be one too many to wait."""
    return DaemonBusy("the daemon has too much to do", why=f"too many {what} wait already")


class Threads:
    """`count` threads; beyond those, `waiting` actions (None: any number) wait for their turn."""

    def __init__(self, name: str, count: int, *, waiting: int | None = None) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=f"ringlet-{name}")
        self._most = None if waiting is None else count + waiting
        self._under_way = 0
        self._lock = threading.Lock()

    async def do(self, action: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """What the action answers; DaemonBusy, at once and with nothing done, if too many wait already."""
        with self._lock:
            if self._most is not None and self._under_way >= self._most:
                raise busy(self._name)
            self._under_way += 1
        try:
            future = self._pool.submit(action, *args, **kwargs)
        except BaseException:  # the system has no more threads to give
            self._done()
            raise
        future.add_done_callback(self._done)  # also of what nobody waits for any more
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Waits for what is being done."""
        self._pool.shutdown()

    def _done(self, _: Future[Answer] | None = None) -> None:
        with self._lock:
            self._under_way -= 1
