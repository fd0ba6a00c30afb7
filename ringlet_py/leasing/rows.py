"""From a lease as the gate knows it to one that is remembered, and back; pure, but for ids that are made up."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.lease import Lease
from ringlet_py.leasing.terms import REVOKED
from ringlet_py.ledger.tokens import StoredLease
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from ringlet_py.lease import Request

ID_LENGTH = 24  # as of a lease that counted something


def stored_of(lease: Lease, request: Request, token: str, *, now: float, expires_at: int) -> StoredLease:
    """What is remembered of what was claimed; `now` in seconds since 1970, `expires_at` in milliseconds."""
    return StoredLease(
        id=lease.id or os.urandom(ID_LENGTH // 2).hex(),
        address=str(lease.address),
        caller=request.caller or _whose(request),
        token=token,
        feature=lease.feature or request.feature,
        pool=request.pool,
        purpose=request.purpose,
        backend=lease.backend,
        org=lease.org,
        reason=lease.reason,
        created_at=int(now * 1000),
        expires_at=expires_at,
    )


def lease_of(stored: StoredLease) -> Lease:
    """The lease as the gate knows it, without its secret, which only a claim gives."""
    return Lease(
        Address.parse(stored.address),
        backend=stored.backend,
        secret=Secret(""),
        id=stored.id,
        feature=stored.feature,
        org=stored.org,
    )


def orphaned(lease: StoredLease) -> StoredLease:
    """The lease as it is once its token is gone."""
    return lease if lease.ended else replace(lease, ended=REVOKED)


def milliseconds(moment: str) -> int:
    """A moment as entries have it, in milliseconds since 1970; 0 for none."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0


def _whose(request: Request) -> str:
    whom = (f"{kind}:{name}" for kind, name in (("user", request.user), ("channel", request.channel)) if name)
    return next(whom, "")
