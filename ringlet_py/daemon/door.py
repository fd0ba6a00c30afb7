"""The guarded protocol, with a way past the application for those who can be answered at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ringlet_py.daemon.guard import Bounds, Guarded
from ringlet_py.daemon.strangers import STOPPING
from ringlet_py.daemon.whole import ok, plain_answer

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from ringlet_py.daemon.straight import Head, Straight


class Door(Guarded):
    """What comes in goes the straight way if that takes it, else to the application."""

    way: ClassVar[Straight | None] = None
    head: Head | None = None  # what the way has noted of the last request here

    def ask_application(self, cycle: RequestResponseCycle) -> None:
        """Has the application answer after all."""
        super()._start_asgi_task(cycle, self.app)

    def answer(self, cycle: RequestResponseCycle, body: bytes) -> None:
        """Gives the whole answer, JSON of what went well, in one go."""
        self._end(cycle, ok(body, cycle.default_headers, stays=cycle.keep_alive))

    def stop(self, cycle: RequestResponseCycle) -> None:
        """Says that the daemon stops."""
        cycle.keep_alive = False
        status, code, what, _ = STOPPING
        self._end(cycle, plain_answer(status, what, code=code))

    def _end(self, cycle: RequestResponseCycle, answer: bytes) -> None:
        cycle.response_started = cycle.response_complete = True
        self.transport.write(answer)
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self.way is None or not self.way.takes(self, cycle):
            super()._start_asgi_task(cycle, app)


def door(bounds: Bounds, way: Straight | None = None) -> type[Door]:
    """The protocol with these bounds and that way."""
    return type("Door", (Door,), {"bounds": bounds, "way": way})
