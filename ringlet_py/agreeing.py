"""Planning with what the ledger says of the keys: where each may go, and which it has to agree to at each launch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.errors import ProfileInvalid
from ringlet_py.planning import make_plan

if TYPE_CHECKING:
    from ringlet_py.entry import Entry
    from ringlet_py.ledger.made import LedgerParts
    from ringlet_py.plan import LaunchPlan
    from ringlet_py.planning import Known
    from ringlet_py.profile.profile import Profile


def agreed_plan(profile: Profile, catalog: Known, kept: LedgerParts, *, folder: str) -> LaunchPlan:
    """The launch plan of the profile, whose own folder is `folder`; raises what `make_plan` and the ledger raise."""
    plan = make_plan(_to_its_address(profile, kept), catalog, folder=folder)
    plan.limited = _limited(plan, kept)
    return plan


def _to_its_address(profile: Profile, kept: LedgerParts) -> Profile:
    """The profile, sending its key where the key is meant for; ProfileInvalid if it says otherwise itself."""
    entry = None if profile.key_pool else kept.entries.entry(profile.address)
    if entry is None or not entry.base_url or profile.base_url == entry.base_url:
        return profile
    if not profile.base_url and not profile.endpoint:
        return replace(profile, base_url=entry.base_url)
    raise ProfileInvalid(
        f"the profile {profile.name} sends {entry.address} to {profile.base_url or profile.endpoint}",
        why=f"that key is for {entry.base_url} alone",
        hint=f"ringlet profiles edit {profile.name} --base-url {entry.base_url}",
    )


def _limited(plan: LaunchPlan, kept: LedgerParts) -> frozenset[str]:
    """The addresses whose use has to be counted or could end: a launch of all others need not ask the ledger.

    Of a ledger that several machines share, all: changes made elsewhere do not show in this machine's files.
    """
    keys = [address for address in plan.addresses() if not address.field]
    if kept.is_shared:
        return frozenset(map(str, keys))
    entries = [kept.entries.entry(address) for address in keys]
    return frozenset(str(entry.address) for entry in entries if entry is not None and _is_limited(entry))


def _is_limited(entry: Entry) -> bool:
    return bool(entry.tier or entry.max_uses or entry.expires_at or not entry.active)
