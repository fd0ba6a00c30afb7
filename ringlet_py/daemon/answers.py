"""What the daemon answers: JSON that no cache keeps, and errors as people and programs read them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ringlet_py.errors import PoolExhausted, TokenRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.errors import RingletError

JSON = "application/json"
_ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The value as JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(body, status, {**_ALWAYS, **(headers or {})}, media_type=JSON)


def text(value: str, *, kind: str) -> Response:
    """The text as it is, of that media type."""
    return Response(value, headers={**_ALWAYS, "content-type": kind})


def nothing() -> Response:
    """An answer without a body."""
    return Response(status_code=204, headers=_ALWAYS)


def refusal(problem: RingletError, *, now: float) -> Response:
    """The error as JSON, with its HTTP status; `now` is in seconds since 1970, for Retry-After."""
    status = problem.http_status
    return answer(told(problem), status=status, headers=_headers(problem, now))


def told(problem: RingletError) -> dict[str, Any]:
    """The error as plain data: `error` says what, `code` is for programs, `hint` is the next step."""
    found: dict[str, Any] = {"error": str(problem), "code": problem.code, "why": problem.why, "hint": problem.hint}
    if isinstance(problem, PoolExhausted):
        found["retry_at"] = problem.retry_at if math.isfinite(problem.retry_at) else None
    return found


def _headers(problem: RingletError, now: float) -> dict[str, str]:
    if isinstance(problem, TokenRefused):
        return {"www-authenticate": "Bearer"}
    if isinstance(problem, PoolExhausted) and math.isfinite(problem.retry_at):
        return {"retry-after": str(max(1, math.ceil(problem.retry_at - now)))}
    return {}
