"""`GET /key` straight from the protocol to its function: it is asked for a thousand times for each other request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request as HttpRequest
from starlette.routing import Route

from ringlet_py.daemon.keypooler_claims import claim_key
from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

PATH = "/key"


class Straight:
    """The application, whose router and layers take longer than a claim; errors are answered as it answers them."""

    def __init__(self, application: Starlette) -> None:
        self._application = application
        self._handlers = application.exception_handlers
        self._route = next(one for one in application.routes if isinstance(one, Route) and one.path == PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request, or lets the application."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET":
            await self._application(scope, receive, send)
            return
        scope["app"], scope["route"] = self._application, self._route
        request = HttpRequest(scope, receive, send)
        try:
            response = await claim_key(request)
        except RingletError as problem:
            kind = type(problem) if type(problem) in self._handlers else RingletError
            response = await self._handled(request, problem, kind)
        except Exception as problem:
            response = await self._handled(request, problem, Exception)
            await response(scope, receive, send)
            raise
        await response(scope, receive, send)

    async def _handled(self, request: HttpRequest, problem: Exception, kind: type[Exception]) -> Response:
        found: Response = await self._handlers[kind](request, problem)
        return found
