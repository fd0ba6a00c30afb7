"""What a route says of itself, beside its path and its function: who may ask, what it takes and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from ringlet_py.daemon.answers import JSON
from ringlet_py.errors import KeychainLocked, KeychainTimeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.daemon.bodies import Kinds
    from ringlet_py.errors import RingletError

    Endpoint = Callable[[HttpRequest], Awaitable[Response]]
    # a type; a tuple of those that it may be, None among them; a list of one for many; a dict of names; `Named`
    Shape = Any

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
    `needs` it is no good; `query` names parameters.
    """

    answers: Mapping[int, Shape]
    errors: tuple[type[RingletError], ...] = ()
    who: Who = Who.CALLER
    body: Kinds | None = None
    needs: tuple[str, ...] = ()
    may_be_empty: bool = False
    query: tuple[str, ...] = ()
    kind: str = JSON


class Told(Route):
    """A route that has its contract with it."""

    def __init__(self, method: str, path: str, endpoint: Endpoint, contract: Contract) -> None:
        super().__init__(path, endpoint, methods=[method])
        if contract.who is not Who.ANYBODY:  # HEAD would count a use, or change something, and say nothing of it
            self.methods = {method}
        self.method = method
        self.contract = contract
