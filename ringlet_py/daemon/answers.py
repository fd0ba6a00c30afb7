"""What the daemon answers: JSON that no cache keeps, and errors as people and programs read them."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ringlet_py.errors import DaemonBusy, InsecurePermissions, PoolExhausted, RingletError, TokenRefused
from ringlet_py.lending.refusals import ANOTHER_TOKEN
from ringlet_py.lending.turns import NAME_ONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest

JSON = "application/json"
ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
CALLER = "ringlet.caller"  # where a request's scope has whoever holds its token, once that is known
LOOK = "GET /openapi.json tells what there is"
_WAIT = "wait as long as Retry-After says"
_OWNER = "ask whoever runs ringlet"
_COMMAND = "ringlet "  # how a hint's command begins
_HERE = {
    RingletError.hint: LOOK,
    PoolExhausted.hint: _WAIT,
    NAME_ONE: 'send "provider", "pool" or "feature"',
}


def answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The value as JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return as_json(body, status=status, headers=headers)


def as_json(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """What is JSON already."""
    return Response(body, status, {**ALWAYS, **(headers or {})}, media_type=JSON)


def text(value: str, *, kind: str) -> Response:
    """The text as it is, of that media type."""
    return Response(value, headers={**ALWAYS, "content-type": kind})


def nothing() -> Response:
    """An answer without a body."""
    return Response(status_code=204, headers=ALWAYS)


def refusal(request: HttpRequest, problem: RingletError, *, now: float) -> Response:
    """The error as JSON, with its HTTP status; `now` is in seconds since 1970, for Retry-After."""
    status = problem.http_status
    return answer(told(request, problem), status=status, headers=_headers(problem, now))


def told(request: HttpRequest, problem: RingletError) -> dict[str, Any]:
    """The error as plain data: `error` says what, `code` is for programs, `hint` is the next step for who asked."""
    caller = request.scope.get(CALLER)
    is_admin = caller is not None and caller.is_admin
    found: dict[str, Any] = {"error": str(problem), "code": problem.code, "why": problem.why}
    if isinstance(problem, InsecurePermissions) and not is_admin:
        found |= {"error": "a file of ringlet's is not its owner's alone", "why": ""}
    elif is_broken(problem) and not is_admin:  # whose disk it is, is not its business
        folders = request.app.state.daemon.app.folders
        found |= {name: _without_folder(found[name], folders.state, folders.config) for name in ("error", "why")}
    found["hint"] = _hint(problem, is_admin=is_admin)
    if isinstance(problem, PoolExhausted):
        found["retry_at"] = problem.retry_at if math.isfinite(problem.retry_at) else None
    return found


def is_broken(problem: RingletError) -> bool:
    """Whether it is the owner's to mend, and no request can do anything about it."""
    return problem.http_status >= 500 and not isinstance(problem, DaemonBusy)


def _without_folder(text: str, *folders: str) -> str:
    for folder in folders:
        text = text.replace(os.path.join(folder, ""), "")
    return text


def _hint(problem: RingletError, *, is_admin: bool) -> str:
    """The next step as one takes it over HTTP; commands are for the admin, who can type them."""
    if is_broken(problem) and not is_admin:
        return _OWNER
    hint = _HERE.get(problem.hint, problem.hint)
    if hint == _WAIT and not math.isfinite(getattr(problem, "retry_at", 0.0)):
        hint = "no waiting helps: claim another one"
    if "--" in hint and _COMMAND not in hint:  # an option of the command line
        return LOOK
    if is_admin:
        return hint
    if hint == ANOTHER_TOKEN:
        return "ask whoever gave you the token"
    before, command, _ = hint.partition(_COMMAND)
    return (before.rstrip(": ").removesuffix(", or") or _OWNER) if command else hint


def _headers(problem: RingletError, now: float) -> dict[str, str]:
    if isinstance(problem, TokenRefused):
        return {"www-authenticate": "Bearer"}
    if isinstance(problem, DaemonBusy):
        return {"retry-after": str(problem.retry_after)}
    if isinstance(problem, PoolExhausted) and math.isfinite(problem.retry_at):
        return {"retry-after": str(max(1, math.ceil(problem.retry_at - now)))}
    return {}
