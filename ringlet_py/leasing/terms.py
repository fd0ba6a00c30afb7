"""For how long a lease is given, and whether it runs; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.entry import LONG_NAME
from ringlet_py.errors import LeaseEnded, UsageError
from ringlet_py.profile.lengths import EXAMPLE, IN_WORDS, lease_length
from ringlet_py.tokens.shown import moment

if TYPE_CHECKING:
    from ringlet_py.ledger.tokens import StoredLease

DEFAULT = 3600.0  # seconds
RUNNING, EXPIRED, RELEASED, REVOKED = "running", "expired", "released", "revoked"


def seconds_of(ttl: float | str) -> float:
    """The length of a lease in seconds: a number of them, or `8h`; UsageError for what is too short or too long."""
    length = lease_length(ttl)
    if length is None:
        shown = f" {ttl!a}" if len(str(ttl)) < LONG_NAME else ""
        raise UsageError(f"a lease cannot run{shown}", why=IN_WORDS, hint=EXAMPLE)
    return length


def until(ttl: float, *ends: int, now: float) -> int:
    """When a lease of that length (in seconds) ends: at the latest with whatever ends first; LeaseEnded if it has.

    `ends` and the answer are in milliseconds since 1970 (0: never), `now` in seconds.
    """
    found = min((int((now + ttl) * 1000), *filter(None, ends)))
    if found <= now * 1000:
        raise LeaseEnded("the key, or the token, of the lease has expired")
    return found


def state_of(lease: StoredLease, now: float) -> str:
    """RUNNING, or how it ended; `now` is in seconds since 1970."""
    return lease.ended or (EXPIRED if lease.expires_at <= now * 1000 else RUNNING)


def ended(lease: StoredLease, now: float) -> str:
    """How and when it ended, "" while it runs; `now` is in seconds since 1970."""
    state = state_of(lease, now)
    if state == RUNNING:
        return ""
    at = lease.expires_at if state == EXPIRED else lease.ended_at
    return f"{state} at {moment(at)}" if at else f"{state} with the token that it was claimed with"


def check_running(lease: StoredLease, now: float) -> None:
    """Raises LeaseEnded for one that does not run any more."""
    if how := ended(lease, now):
        raise LeaseEnded(f"the lease {lease.id} of {lease.address} has ended", why=how)
