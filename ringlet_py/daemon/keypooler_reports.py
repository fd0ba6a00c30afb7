"""`POST /key/{id}/exhausted`: a caller says that its provider has no more for a key until some moment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ringlet_py.daemon.access import caller_of
from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.bodies import object_of
from ringlet_py.daemon.keypooler_keys import entry_of, no_key
from ringlet_py.daemon.keypooler_shapes import check_moment, moment
from ringlet_py.entry import utc
from ringlet_py.errors import OutOfScope, UsageError
from ringlet_py.lease import Lease
from ringlet_py.lending.reports import QUOTA_SPENT, Outcome
from ringlet_py.lending.scopes import steps_of
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.daemon.bodies import Kinds
    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.tokens import Caller

REPORTED: Kinds = {"until": str}
LONGEST = 86_400.0  # seconds for which a caller may have a key rest


async def report_exhausted(request: HttpRequest) -> Response:
    """The key rests until then, for a day at most if a caller says so; 404 for an id that is not in its scope.

    A caller says so of keys that it got here within the last hour: it knows nothing of others, and 403 says that.
    """
    daemon: Daemon = request.app.state.daemon
    caller = await caller_of(request)
    given = await object_of(request, REPORTED)
    until = seconds_of_moment(given.get("until", ""))
    if not caller.is_admin:  # others need the key too
        until = min(until, daemon.app.clock() + LONGEST)
    await daemon.work(_rest, daemon, caller, request.path_params["id"], until)
    return answer({"status": "exhausted", "until": moment(utc(until))})


def seconds_of_moment(text: str) -> float:
    """A moment as RFC 3339 writes it, in seconds since 1970; UsageError."""
    try:
        return datetime.fromisoformat(check_moment("until", text)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError("until must be RFC3339", why="there is no such moment") from None


def _rest(daemon: Daemon, caller: Caller, key_id: str, until: float) -> None:
    app = daemon.app
    address = entry_of(app, key_id).address
    try:  # a scope is about what is known of the key now
        steps_of(caller.request(address), app.lending.known(fresh=True), app.catalog)
    except OutOfScope:
        raise no_key() from None
    if not (caller.is_admin or daemon.lent.is_lent(caller, address)):
        why = "whose key it was within the last hour knows how it fares"
        raise OutOfScope("the token was not lent this key lately", why=why, hint="claim it first: GET /key")
    lease = Lease(address, backend=app.backend.name, secret=Secret(""))
    said = "" if caller.is_admin else f"token:{caller.name}"
    app.broker.report(lease, Outcome(kind=QUOTA_SPENT, until=until, whole_org=False), caller=said)
