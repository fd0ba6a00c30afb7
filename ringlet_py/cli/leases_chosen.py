"""Which leases a command is about: one by its id or the beginning of it, or all that run of a profile, token or key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.errors import LeaseNotFound, UsageError
from ringlet_py.leasing.grants import GRANTEE
from ringlet_py.tokens.caller import ADMIN, Caller

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.ledger.tokens import StoredLease

OWNER = Caller(name=ADMIN)  # whoever may read the ledger may do with leases what the admin token may
_BEGINNING = re.compile("[0-9a-f]{6,23}")


def id_of(app: App, text: str) -> str:
    """The id of the lease that begins so, or the text itself; UsageError if several do."""
    if not _BEGINNING.fullmatch(text):
        return text
    found = [lease.id for lease in app.leasing.list(OWNER, ended=True) if lease.id.startswith(text)]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} leases begin with {text}", hint="give more of the ID: ringlet leases list --all"
        )
    return found[0] if found else text


def running(app: App, *, profile: str, token: str, key: str) -> list[StoredLease]:
    """Those that run of all that is named; LeaseNotFound if there are none."""
    every = app.leasing.list(OWNER)
    if profile:
        every = [lease for lease in every if lease.caller == f"{GRANTEE}{profile}" and not lease.token]
    if token:
        id_ = app.tokens.get(token).id
        every = [lease for lease in every if lease.token == id_]
    if key:
        address = Address.parse(key)
        every = [lease for lease in every if not _is_of_pool(lease) and Address.parse(lease.address).key() == address]
    if not every:
        raise LeaseNotFound("no such lease runs")
    return every


def _is_of_pool(lease: StoredLease) -> bool:
    """Whether it is a grant of a pool, whose address names no key."""
    return bool(lease.pool) and lease.caller.startswith(GRANTEE)
