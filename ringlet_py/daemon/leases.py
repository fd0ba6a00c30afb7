"""Leases over HTTP: claimed for a time, then renewed, released, reported on, listed and revoked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.access import caller_of
from ringlet_py.daemon.answers import answer
from ringlet_py.daemon.bodies import object_of
from ringlet_py.daemon.contract import KEYCHAIN, Contract, Told
from ringlet_py.entry import Address, utc
from ringlet_py.errors import DaemonBusy, LeaseEnded, LeaseNotFound, NotFound, UsageError
from ringlet_py.leasing.shown import shown
from ringlet_py.leasing.terms import DEFAULT, seconds_of
from ringlet_py.lending.reports import Outcome, from_header
from ringlet_py.values import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.lease import Lease, Request
    from ringlet_py.ledger.tokens import StoredLease
    from ringlet_py.profile.provider import Provider
    from ringlet_py.tokens import Caller

NUMBER = (int, float)
TEXTS = ("provider", "alias", "pool", "feature", "user", "channel", "session", "purpose", "agent")
CLAIM: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(TEXTS, str),
    "wait": NUMBER,
    "soonest_ready": bool,
    "ttl": (*NUMBER, str),
}
RENEW: dict[str, type | tuple[type, ...]] = {"ttl": (*NUMBER, str)}
REPORT: dict[str, type | tuple[type, ...]] = {
    "outcome": str,
    "retry_after": (*NUMBER, str),
    "until": str,
    "whole_org": bool,
}
_PERHAPS = (str, None)
LEASE = {
    "id": str,
    "address": str,
    "state": str,
    **dict.fromkeys(("caller", "token", "feature", "pool", "purpose", "backend", "org", "reason"), _PERHAPS),
    **dict.fromkeys(("created_at", "expires_at", "ended_at"), _PERHAPS),
}
LENT = {
    "lease": LEASE,
    "key": str,
    "reason": str,
    "base_url": _PERHAPS,
    "remaining": (int, None),
    "ready_at": _PERHAPS,
    "key_expires_at": _PERHAPS,
}
LONGEST_WAIT = 60.0  # seconds
_LONGEST_TEXT = 256  # characters


def routes() -> list[Told]:
    """What `/leases` answers."""
    one, lease, ended = "/leases/{id}", {200: {"lease": LEASE}}, (LeaseNotFound, LeaseEnded)
    return [
        Told("POST", "/leases", claim, Contract(answers={201: LENT}, body=CLAIM, errors=(NotFound, *KEYCHAIN))),
        Told(
            "GET",
            "/leases",
            list_leases,
            Contract(answers={200: {"leases": [LEASE]}}, query={"all": ("true", "false")}),
        ),
        Told("GET", one, get, Contract(answers=lease, errors=(LeaseNotFound,))),
        Told("DELETE", one, revoke, Contract(answers=lease, errors=ended)),
        Told("POST", f"{one}/renew", renew, Contract(answers=lease, errors=ended, body=RENEW, may_be_empty=True)),
        Told("POST", f"{one}/release", release, Contract(answers=lease, errors=ended)),
        Told("POST", f"{one}/report", report, Contract(answers=lease, errors=ended, body=REPORT, needs=("outcome",))),
    ]


async def claim(request: HttpRequest) -> Response:
    """A key that is free, for a time; its value is in the answer."""
    daemon, caller = await _asked(request)
    said = await object_of(request, CLAIM)
    ttl = seconds_of(said.pop("ttl", DEFAULT))
    wanted = _wanted(caller, said, daemon.app.catalog.providers)
    lease = await daemon.lender.claim(wanted)
    try:
        remember, ends = daemon.app.leasing.remember, caller.expires_at
        stored = await daemon.work(remember, lease, wanted, ttl=ttl, token=caller.id, token_ends=ends)
    except DaemonBusy:  # nothing was done, and nobody has the key
        await daemon.tend(daemon.app.broker.release, lease)
        raise
    daemon.lent.note(caller, lease)
    return answer(_handed_over(daemon, caller, lease, stored), status=201)


async def list_leases(request: HttpRequest) -> Response:
    """The caller's leases and those of tokens made under its own; with `?all=true` also those that have ended."""
    daemon, caller = await _asked(request)
    ended = request.query_params.get("all", "") == "true"
    found = await daemon.look(daemon.app.leasing.list, caller, ended=ended)
    return answer({"leases": [shown(lease, now=daemon.app.clock(), top=caller.top) for lease in found]})


async def get(request: HttpRequest) -> Response:
    """One of the caller's leases, or of those of tokens made under its own."""
    daemon, caller = await _asked(request)
    return _told(daemon, caller, await daemon.look(daemon.app.leasing.get, _id(request), caller))


async def renew(request: HttpRequest) -> Response:
    """The lease runs for so long from now."""
    daemon, caller = await _asked(request)
    said = await object_of(request, RENEW) if await request.body() else {}
    ttl = seconds_of(said.get("ttl", DEFAULT))
    return _told(daemon, caller, await daemon.work(daemon.app.leasing.renew, _id(request), ttl, caller))


async def release(request: HttpRequest) -> Response:
    """Gives its use back, and ends it."""
    daemon, caller = await _asked(request)
    return _told(daemon, caller, await daemon.work(daemon.app.leasing.release, _id(request), caller))


async def report(request: HttpRequest) -> Response:
    """How its key fared at the provider."""
    daemon, caller = await _asked(request)
    outcome = _outcome(await object_of(request, REPORT))
    return _told(daemon, caller, await daemon.work(daemon.app.leasing.report, _id(request), outcome, caller))


async def revoke(request: HttpRequest) -> Response:
    """Ends it, and gives nothing back."""
    daemon, caller = await _asked(request)
    return _told(daemon, caller, await daemon.work(daemon.app.leasing.revoke, _id(request), caller))


async def _asked(request: HttpRequest) -> tuple[Daemon, Caller]:
    return request.app.state.daemon, await caller_of(request)


def _told(daemon: Daemon, caller: Caller, lease: StoredLease) -> Response:
    return answer({"lease": shown(lease, now=daemon.app.clock(), top=caller.top)})


def _id(request: HttpRequest) -> str:
    return str(request.path_params["id"])


def _wanted(caller: Caller, said: dict[str, Any], providers: Mapping[str, Provider]) -> Request:
    """The claim that the body asks for, in the caller's name; UsageError."""
    for name in TEXTS:
        if len(said.get(name, "")) > _LONGEST_TEXT or not said.get(name, "").isprintable():
            raise UsageError(f"{name} is longer than {_LONGEST_TEXT} characters, or cannot be shown")
        if looks_like_key(said.get(name, ""), providers):  # which the audit would keep
            raise UsageError(f"{name} holds what looks like a key", hint="make a new key: this one was sent in clear")
    if not 0 <= said.get("wait", 0) <= LONGEST_WAIT:
        raise UsageError("the wait cannot be right", hint=f"give seconds, at most {LONGEST_WAIT:.0f}")
    alias = said.pop("alias", "")
    if alias and said.get("pool"):
        raise UsageError("either a key or a pool is claimed, not both", hint="leave alias or pool out")
    if alias and not said.get("provider"):
        raise UsageError("an alias is one of a provider's", hint="say which provider")
    return caller.request(Address(said["provider"], alias) if alias else None, **said)


def _handed_over(daemon: Daemon, caller: Caller, lease: Lease, stored: StoredLease) -> dict[str, Any]:
    return {
        "lease": shown(stored, now=daemon.app.clock(), top=caller.top),
        "key": lease.secret.reveal(),
        "reason": lease.reason,
        "base_url": lease.base_url or None,
        "remaining": None if lease.remaining < 0 else lease.remaining,
        "ready_at": utc(lease.ready_at) if lease.ready_at else None,
        "key_expires_at": lease.expires_at or None,
    }


def _outcome(said: dict[str, Any]) -> Outcome:
    if "outcome" not in said:
        raise UsageError("the report has no outcome", hint='for example {"outcome": "rate-limited", "retry_after": 30}')
    retry_after, until = said.get("retry_after"), _moment(said["until"]) if "until" in said else None
    if isinstance(retry_after, str):
        retry_after, dated = from_header(retry_after)
        until = dated if until is None else until
    kind, whole_org = said["outcome"][:_LONGEST_TEXT], said.get("whole_org")
    return Outcome(kind=kind, retry_after=retry_after, until=until, whole_org=whole_org)


def _moment(text: str) -> float:
    hint = "for example 2027-06-15T12:00:00Z"
    try:
        moment = datetime.fromisoformat(text[:_LONGEST_TEXT])
    except ValueError:
        raise UsageError("until is no moment", hint=hint) from None
    if moment.tzinfo is None:
        raise UsageError("until is no moment", why="it has no zone", hint=hint)
    return moment.timestamp()
