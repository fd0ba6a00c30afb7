"""The daemon's routes as one ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ringlet_py.daemon import keypooler, leases, metrics, openapi, token_routes
from ringlet_py.daemon.access import TooManyFailures
from ringlet_py.daemon.answers import LOOK, answer, is_broken, refusal, told
from ringlet_py.daemon.contract import Contract, Told, Who
from ringlet_py.errors import InsecurePermissions, NotFound, RingletError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.daemon.parts import Daemon


def asgi(daemon: Daemon) -> Starlette:
    """The application; each route finds the daemon as `request.app.state.daemon`."""
    handlers = {RingletError: _refused, TooManyFailures: _slowed, HTTPException: _missed, Exception: _broken}
    application = Starlette(routes=routes(), exception_handlers=handlers)
    application.router.redirect_slashes = False  # who follows takes the token along
    application.state.daemon = daemon
    return application


def routes() -> list[Told]:
    """Everything that is answered."""
    parts = (leases, token_routes, keypooler, openapi, metrics)
    found = [route for part in parts for route in part.routes()]
    return [Told("GET", "/health", health, Contract(who=Who.ANYBODY, answers={200: {"status": str}})), *found]


async def health(_: HttpRequest) -> Response:
    """That it lives."""
    return answer({"status": "ok"})


async def _refused(request: HttpRequest, problem: Exception) -> Response:
    assert isinstance(problem, RingletError)  # noqa: S101 - registered for no other
    daemon: Daemon = request.app.state.daemon
    if isinstance(problem, InsecurePermissions) or is_broken(problem):
        daemon.warn(problem)
    return refusal(request, problem, now=daemon.app.clock())


async def _slowed(request: HttpRequest, problem: Exception) -> Response:
    assert isinstance(problem, TooManyFailures)  # noqa: S101 - registered for no other
    headers = {"retry-after": str(problem.retry_after)}
    return answer(told(request, problem), status=problem.http_status, headers=headers)


async def _missed(request: HttpRequest, problem: Exception) -> Response:
    """No such path, or no such method on it."""
    assert isinstance(problem, HTTPException)  # noqa: S101 - registered for no other
    code = NotFound.code if problem.status_code == NotFound.http_status else UsageError.code
    said = {"error": problem.detail.lower(), "code": code, "why": "", "hint": LOOK}
    headers = {"allow": ", ".join(_methods(request))} if problem.status_code == 405 else problem.headers
    return answer(said, status=problem.status_code, headers=headers)


def _methods(request: HttpRequest) -> list[str]:
    """Those that the path has, in whichever routes."""
    found = [route.methods for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for methods in found for method in methods})


async def _broken(_: HttpRequest, __: Exception) -> Response:
    """Nothing of what went wrong, which may hold a value; it is said on standard error, by its kind alone."""
    return answer({"error": "something went wrong here", "code": RingletError.code, "why": "", "hint": ""}, status=500)
