"""The guarded protocol, with a way past the application for those who can be answered at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ringlet_py.daemon.guard import Bounds, Guarded
from ringlet_py.daemon.strangers import STOPPING
from ringlet_py.daemon.whole import head_of, ok, plain_answer

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from ringlet_py.daemon.straight import Asking, Straight


class Door(Guarded):
    """What comes in goes the straight way if that takes it, else to the application."""

    way: ClassVar[Straight | None] = None
    _asking: Asking | None = None  # who asks with the last request, if the way took it
    _said: bytes | None = None  # that request, if it came alone and whole
    _head: tuple[object, bytes] = (None, b"")  # of the last answer, and the headers it was made of

    def data_received(self, data: bytes) -> None:
        """Who keeps a connection mostly says the same again: nothing in it has to be looked at twice."""
        is_quiet = self._is_quiet()
        if is_quiet and self._asking and data == self._said:
            self._begin_again(self._asking)
            return
        self._said = self._asking = None
        super().data_received(data)
        is_all = self._asking is not None and self._asking.cycle is self.cycle
        if is_quiet and is_all and len(data) <= self.bounds.head:
            self._said = data

    def _begin_again(self, asking: Asking) -> None:
        cycle = self.cycle
        cycle.response_started = cycle.response_complete = False
        cycle.default_headers = self.server_state.default_headers  # the moment is among them
        if not asking.begins():
            self.ask_application(cycle)

    def ask_application(self, cycle: RequestResponseCycle) -> None:
        """Has the application answer after all."""
        self._said = None  # since it writes into what is known of the request
        super()._start_asgi_task(cycle, self.app)

    def give(self, cycle: RequestResponseCycle, body: bytes) -> None:
        """Gives the whole answer, JSON of what went well, in one go."""
        headers = cycle.default_headers
        if self._head[0] is not headers:  # others come with each second
            self._head = headers, head_of(headers)
        self._end(cycle, ok(self._head[1], body, stays=cycle.keep_alive))

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
        self._asking = self.way.takes(self, cycle) if self.way else None
        if self._asking is None:
            super()._start_asgi_task(cycle, app)


def door(bounds: Bounds, way: Straight | None = None) -> type[Door]:
    """The protocol with these bounds and that way."""
    return type("Door", (Door,), {"bounds": bounds, "way": way})
