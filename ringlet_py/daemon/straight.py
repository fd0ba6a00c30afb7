"""`GET /key` straight from the protocol to the claims and back: there are a thousand of them for each other request.

What can be answered at once with a key is; all else, errors among it, is said by the application, to which the request
goes with the claim that was begun for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.datastructures import QueryParams

from ringlet_py.daemon.access import BEGUN, bearer_in
from ringlet_py.daemon.keypooler_claims import asked, note_lent, shown_at_once, wishes_of
from ringlet_py.errors import TokenRefused

if TYPE_CHECKING:
    from starlette.types import Scope
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from ringlet_py.daemon.calls import Answer, Call
    from ringlet_py.daemon.door import Door
    from ringlet_py.daemon.keypooler_claims import Wishes
    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.daemon.strangers import Strangers
    from ringlet_py.lease import Lease, Request
    from ringlet_py.tokens import Caller

PATH = "/key"
_BODIES = (b"content-length", b"transfer-encoding", b"expect")
_ALIKE, _LENGTH = 500, 256  # queries that are kept taken apart, and their bytes


class Straight:
    """The way past the application; `strangers` are turned away on it too, and told so by the application."""

    def __init__(self, daemon: Daemon, strangers: Strangers) -> None:
        self._daemon = daemon
        self._strangers = strangers
        self._known = lru_cache(maxsize=_ALIKE)(_wishes)
        self.waiting: set[Asking] = set()  # for their answers
        self._last: tuple[Caller, Wishes, Request] | None = None

    def takes(self, door: Door, cycle: RequestResponseCycle) -> Asking | None:
        """Who asks, if it sees to the answer."""
        scope: Scope = cycle.scope  # type: ignore[assignment]
        if scope["path"] != PATH or scope["method"] != "GET" or "target" in scope:
            return None
        try:
            asking = self._understood(door, cycle, scope)
        except Exception:  # noqa: BLE001 - whatever it is, the application meets it too, and says so
            return None
        return asking if asking and asking.begins() else None

    def begins(self, asking: Asking) -> bool:
        """Begins the claim; False where that is for the application to do."""
        try:
            self._daemon.lender.begin(asking)
        except Exception:  # noqa: BLE001 - as above
            return False
        self.waiting.add(asking)
        return True

    def stop(self) -> None:
        """Tells all who still wait that the daemon stops."""
        while self.waiting:
            asking = self.waiting.pop()
            try:
                asking.door.stop(asking.cycle)
            except Exception:  # noqa: BLE001 - the others are to be told too
                asking.door.transport.abort()

    def _understood(self, door: Door, cycle: RequestResponseCycle, scope: Scope) -> Asking | None:
        """Who asks what; None if the application has to say something of it."""
        headers, query = scope["headers"], scope["query_string"]
        token = bearer_in(headers)
        # a token in the query has a name that is not known, so whoever has one there is told so by the application
        if not token or len(query) > _LENGTH or self._strangers.refusal(scope):
            return None
        if any(name in _BODIES for name, _ in headers):
            return None
        return Asking(self, door, cycle, token=token, wishes=self._known(query))

    def request(self, wishes: Wishes, caller: Caller) -> Request:
        """The request; those who come together mostly ask for the same."""
        last = self._last  # once: two groups may be answered at a time, in threads
        if last is None or last[0] is not caller or last[1] is not wishes:
            self._last = last = caller, wishes, asked(caller, wishes)
        return last[2]

    def answer(self, asking: Asking, call: Call, answer: Answer) -> None:
        """Gives the answer, or has the application give it."""
        door, cycle = asking.door, asking.cycle
        lease = None if isinstance(answer, Exception) or door.flow.write_paused else answer
        body = self._body(call, lease) if lease else None
        if lease is None or body is None:
            cycle.scope[BEGUN] = call, answer  # type: ignore[literal-required]
            door.ask_application(cycle)
        else:
            self._daemon.metrics.claimed(call, lease)
            note_lent(self._daemon, call, lease)
            door.give(cycle, body)

    def _body(self, call: Call, lease: Lease) -> bytes | None:
        try:
            return shown_at_once(self._daemon, call, lease)
        except Exception:  # noqa: BLE001 - whatever it is, the application meets it too, and says so
            return None


class Asking:
    """Who waits on a connection for the key that its last request asks for."""

    __slots__ = ("_way", "_wishes", "cycle", "door", "token")

    def __init__(self, way: Straight, door: Door, cycle: RequestResponseCycle, *, token: str, wishes: Wishes) -> None:
        self._way = way
        self._wishes = wishes
        self.door = door
        self.cycle = cycle
        self.token = token

    def begins(self) -> bool:
        """Begins the claim, be it the first or the same again."""
        return self._way.begins(self)

    def asked(self, caller: Caller) -> Request:
        """What is asked for."""
        return self._way.request(self._wishes, caller)

    def tell(self, call: Call, answer: Answer) -> bool:
        """Gives the answer; False if nobody is left to have it."""
        if self not in self._way.waiting:
            return False
        self._way.waiting.remove(self)
        if self.is_gone() and not isinstance(answer, TokenRefused):  # which is recorded, whoever is left
            return False
        try:
            self._way.answer(self, call, answer)
        except BaseException:
            self.door.transport.abort()  # else it would wait for ever
            raise
        return True

    def is_gone(self) -> bool:
        """Whether no answer can reach who asked."""
        return self.cycle.disconnected or self.door.transport.is_closing()


def _wishes(query: bytes) -> Wishes:
    return wishes_of(QueryParams(query).multi_items())
