"""What every route works with: the app, and threads for whatever may block."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ringlet_py.daemon.access import Failures
from ringlet_py.daemon.keypooler_notes import KeyNotes
from ringlet_py.daemon.lender import Lender
from ringlet_py.daemon.lent import Lent
from ringlet_py.daemon.metrics import Metrics
from ringlet_py.daemon.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.app import App
    from ringlet_py.errors import RingletError

Answer = TypeVar("Answer")
Given = ParamSpec("Given")
WRITERS, READERS = 16, 8  # threads
WRITES, READS = 64, 256  # that may wait for one of these
WARNING = 60.0  # seconds between two warnings


class Daemon:
    """The parts of one running daemon; `renewed` gives the app as the settings say now, for reloading."""

    def __init__(self, app: App, *, renewed: Callable[[App], App] = lambda app: app) -> None:
        self.app = app
        self.failures = Failures()
        self.metrics = Metrics()
        self.notes = KeyNotes()
        self.lent = Lent(steady=self.metrics.steady)
        self._renewed = renewed
        self._warned = -WARNING
        self._writers = Threads("changes", WRITERS, waiting=WRITES)
        self._readers = Threads("questions", READERS, waiting=READS)
        self._own = Threads("claims", 2)
        self.lender = self._lender()

    async def work(self, action: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """What the action answers, done in a thread; DaemonBusy if too many wait for one.

        It may have to wait for other programs, or for a person.
        """
        return await self._writers.do(action, *args, **kwargs)

    async def look(self, action: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """The same for what only reads, and waits for nobody: whatever keeps the others waiting, this goes on."""
        return await self._readers.do(action, *args, **kwargs)

    async def tend(self, action: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """The same for what the daemon does of itself, and must not be refused."""
        return await self._own.do(action, *args, **kwargs)

    def warn(self, problem: RingletError) -> None:
        """Says it to the person who runs this, once a minute however often it comes."""
        now = self.metrics.steady()
        if now - self._warned >= WARNING:
            self._warned = now
            self.app.say(f"ringlet: error: {': '.join(filter(None, (problem.what, problem.why, problem.hint)))}")

    def reload(self) -> None:
        """Reads settings and catalog again; requests that are being answered end as they began.

        Raises what is wrong with the settings, and then nothing has changed.  Counts are in the ledger, not here.
        """
        app = self._renewed(self.app)
        self.app = app
        self.lender = self._lender()

    def close(self) -> None:
        """Waits for what is being done, and closes what is open."""
        for threads in (self._writers, self._readers, self._own):
            threads.close()
        try:
            self.failures.flush(self.app.audit, is_last=True)
        finally:
            self.app.audit.close()

    def _lender(self) -> Lender:
        return Lender(self.app, self.work, self.metrics, tend=self.tend)
