"""What is told of a lease: plain data for JSON, the same from the command line and from the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.leasing.terms import state_of
from ringlet_py.tokens.shown import moment
from ringlet_py.tokens.tree import above_of

if TYPE_CHECKING:
    from ringlet_py.ledger.tokens import StoredLease

_TEXTS = ("caller", "token", "feature", "pool", "purpose", "backend", "org", "reason")


def shown(lease: StoredLease, *, now: float, top: str = "") -> dict[str, str | None]:
    """The lease's fields, moments in UTC, None for what it does not say; `now` is in seconds since 1970.

    `top` is the token of whoever sees it, to whom no token above that is named.
    """
    return {
        "id": lease.id,
        "address": lease.address,
        "state": state_of(lease, now),
        **{name: getattr(lease, name) or None for name in _TEXTS},
        "caller": lease.caller.replace(f"token:{above_of(top)}", "token:", 1) or None,
        "created_at": moment(lease.created_at),
        "expires_at": moment(lease.expires_at),
        "ended_at": moment(lease.ended_at),
    }
