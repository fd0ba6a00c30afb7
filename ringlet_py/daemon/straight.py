"""`GET /key` straight from the protocol to the claims and back: there are a thousand of them for each other request.

What can be answered at once with a key is; all else, errors among it, is said by the application, to which the request
goes with the claim that was begun for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from starlette.datastructures import QueryParams

from ringlet_py.daemon.access import BEGUN, bearer_in
from ringlet_py.daemon.keypooler_claims import asked, note_lent, shown_at_once, wishes_of
from ringlet_py.errors import TokenRefused

if TYPE_CHECKING:
    from starlette.types import Scope
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from ringlet_py.daemon.door import Door
    from ringlet_py.daemon.keypooler_claims import Wishes
    from ringlet_py.daemon.lender import Answer, Call
    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.daemon.strangers import Strangers
    from ringlet_py.lease import Lease, Request
    from ringlet_py.tokens import Caller

PATH = "/key"
_BODIES = (b"content-length", b"transfer-encoding", b"expect")
_ALIKE, _LENGTH = 500, 256  # queries that are kept taken apart, and their bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request that may go the straight way: as it came, and what it says."""

    headers: list[tuple[bytes, bytes]] = field(repr=False)
    query: bytes
    token: str = field(repr=False)
    wishes: Wishes


class Straight:
    """The way past the application; `strangers` are turned away on it too, and told so by the application."""

    def __init__(self, daemon: Daemon, strangers: Strangers) -> None:
        self._daemon = daemon
        self._strangers = strangers
        self._known = lru_cache(maxsize=_ALIKE)(_wishes)
        self._waiting: dict[RequestResponseCycle, Door] = {}
        self._last: tuple[Caller, Wishes, Request] | None = None

    def takes(self, door: Door, cycle: RequestResponseCycle) -> bool:
        """Whether it sees to the answer."""
        scope = cycle.scope
        if scope["path"] != PATH or scope["method"] != "GET" or "target" in scope:
            return False
        try:
            return self._begins(door, cycle)
        except Exception:  # noqa: BLE001 - whatever it is, the application meets it too, and says so
            return False

    def stop(self) -> None:
        """Tells all who still wait that the daemon stops."""
        while self._waiting:
            cycle, door = self._waiting.popitem()
            try:
                door.stop(cycle)
            except Exception:  # noqa: BLE001 - the others are to be told too
                door.transport.abort()

    def waiting(self) -> int:
        """How many wait for their answers."""
        return len(self._waiting)

    def _begins(self, door: Door, cycle: RequestResponseCycle) -> bool:
        """Begins the claim; False for a request that is for the application to answer."""
        scope: Scope = cycle.scope  # type: ignore[assignment]
        head = door.head
        # who keeps a connection says the same again and again
        if head is None or head.headers != scope["headers"] or head.query != scope["query_string"]:
            head = door.head = self._head(scope)
        if head is None:
            return False
        asked, tell = partial(self._asked, head.wishes), partial(self._tell, door, cycle)
        self._daemon.lender.begin(head.token, asked, tell, partial(_is_gone, door, cycle))
        self._waiting[cycle] = door
        return True

    def _head(self, scope: Scope) -> Head | None:
        """What the head says, None if the application has to say something of it."""
        headers, query = scope["headers"], scope["query_string"]
        token = bearer_in(headers)
        # a token in the query has a name that is not known, so whoever has one there is told so by the application
        if not token or len(query) > _LENGTH or self._strangers.refusal(scope):
            return None
        if any(name in _BODIES for name, _ in headers):
            return None
        return Head(headers, query, token, self._known(query))

    def _asked(self, wishes: Wishes, caller: Caller) -> Request:
        """The request; those who come together mostly ask for the same."""
        last = self._last  # once: two groups may be answered at a time, in threads
        if last is None or last[0] is not caller or last[1] is not wishes:
            self._last = last = caller, wishes, asked(caller, wishes)
        return last[2]

    def _tell(self, door: Door, cycle: RequestResponseCycle, call: Call, answer: Answer) -> bool:
        """Gives the answer; False if nobody is left to have it."""
        if self._waiting.pop(cycle, None) is None:
            return False
        if _is_gone(door, cycle) and not isinstance(answer, TokenRefused):  # which is recorded, whoever is left
            return False
        try:
            self._answer(door, cycle, call, answer)
        except BaseException:
            door.transport.abort()  # else it would wait for ever
            raise
        return True

    def _answer(self, door: Door, cycle: RequestResponseCycle, call: Call, answer: Answer) -> None:
        lease = None if isinstance(answer, Exception) or door.flow.write_paused else answer
        body = None if lease is None else self._body(call, lease)
        if lease is None or body is None:
            cycle.scope[BEGUN] = call, answer  # type: ignore[literal-required]
            door.ask_application(cycle)
        else:
            self._daemon.metrics.claimed(call, lease)
            note_lent(self._daemon, call, lease)
            door.answer(cycle, body)

    def _body(self, call: Call, lease: Lease) -> bytes | None:
        try:
            return shown_at_once(self._daemon, call, lease)
        except Exception:  # noqa: BLE001 - whatever it is, the application meets it too, and says so
            return None


def _is_gone(door: Door, cycle: RequestResponseCycle) -> bool:
    """Whether no answer can reach who asked."""
    return cycle.disconnected or door.transport.is_closing()


def _wishes(query: bytes) -> Wishes:
    return wishes_of(QueryParams(query).multi_items())
