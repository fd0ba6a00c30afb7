"""What a route says of itself, beside its path and its function: who may ask, what it takes and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from ringlet_py.daemon.answers import JSON
from ringlet_py.errors import KeychainLocked, KeychainTimeout, UsageError
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.daemon.bodies import Kinds
    from ringlet_py.errors import RingletError

    Endpoint = Callable[[HttpRequest], Awaitable[Response]]
    # a type; a tuple of those that it may be, None among them; a list of one for many; a dict of names; `Named`
    Shape = Any

_SHOWN = 40  # characters of what an error repeats
KEYCHAIN = (KeychainLocked, KeychainTimeout)  # where a value is read or written


class Who(Enum):
    """Whose request is answered: everybody's, that of any token's holder, or the admin's alone."""

    ANYBODY = "anybody"
    CALLER = "caller"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Named:
    """The shape of an object whose names are not known before."""

    each: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What one route promises.

    `answers` has the shape of each status that is no error, None for one without a body, and `kind` is their media
    type; `errors` are those that not every route has.  `body` is what `object_of` is given, and without those of
    `needs` it is no good; `query` has the texts that each parameter may be, none for any.
    """

    answers: Mapping[int, Shape]
    errors: tuple[type[RingletError], ...] = ()
    who: Who = Who.CALLER
    body: Kinds | None = None
    needs: tuple[str, ...] = ()
    may_be_empty: bool = False
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: str = JSON


class Told(Route):
    """A route that has its contract with it."""

    def __init__(self, method: str, path: str, endpoint: Endpoint, contract: Contract) -> None:
        super().__init__(path, endpoint, methods=[method])
        if contract.who is not Who.ANYBODY:  # HEAD would count a use, or change something, and say nothing of it
            self.methods = {method}
        self.method = method
        self.contract = contract


def check_query(request: HttpRequest) -> None:
    """Raises UsageError for a query that the request's route does not know, with the nearest name or value."""
    route = request.scope.get("route")
    known = route.contract.query if isinstance(route, Told) else {}
    seen = set()
    for name, text in request.query_params.multi_items():
        if name not in known:
            raise UsageError(f"the query has {name[:_SHOWN]!a}, which is not known here", why=_nearest(name, known))
        if name in seen:
            raise UsageError(f"{name} is said twice")
        seen.add(name)
        if known[name] and text not in known[name]:
            raise UsageError(f"{name} cannot be {text[:_SHOWN]!a}", why=_nearest(text, known[name]))


def _nearest(text: str, known: Collection[str]) -> str:
    return did_you_mean(text[:_SHOWN], known) if known else "nothing is known here"
