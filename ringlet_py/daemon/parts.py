"""What every route works with: the app, and threads for whatever may block."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ringlet_py.daemon.access import Failures
from ringlet_py.daemon.lender import Lender
from ringlet_py.daemon.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.app import App
    from ringlet_py.errors import RingletError

Answer = TypeVar("Answer")
Given = ParamSpec("Given")
THREADS = 16
WARNING = 60.0  # seconds between two warnings


class Daemon:
    """The parts of one running daemon; `renewed` gives the app as the settings say now, for reloading."""

    def __init__(self, app: App, *, renewed: Callable[[App], App] = lambda app: app) -> None:
        self.app = app
        self.failures = Failures()
        self.metrics = Metrics()
        self._renewed = renewed
        self._warned = -WARNING
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ringlet")
        self.lender = Lender(app, self.work, self.metrics)

    async def work(self, action: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """What the action answers, done in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: action(*args, **kwargs))

    def warn(self, problem: RingletError) -> None:
        """Says it to the person who runs this, once a minute however often it comes."""
        now = self.metrics.steady()
        if now - self._warned >= WARNING:
            self._warned = now
            self.app.say(f"ringlet: error: {problem.what}: {problem.hint}")

    def reload(self) -> None:
        """Reads settings and catalog again; requests that are being answered end as they began.

        Raises what is wrong with the settings, and then nothing has changed.  Counts are in the ledger, not here.
        """
        app = self._renewed(self.app)
        self.app, self.lender = app, Lender(app, self.work, self.metrics)

    def close(self) -> None:
        """Waits for what is being done, and closes what is open."""
        self._threads.shutdown()
        try:
            self.failures.flush(self.app.audit, is_last=True)
        finally:
            self.app.audit.close()
