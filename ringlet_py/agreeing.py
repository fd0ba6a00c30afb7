"""Planning with what the ledger says of the keys: where each may go, and which it has to agree to at each launch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.errors import ProfileInvalid
from ringlet_py.keychain.fingerprints import check_key
from ringlet_py.limits import NEVER
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
    for address in plan.addresses():
        check_key(address.key())
    _send_further_keys(plan, profile, catalog, kept)
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
        f"{_named(profile)} sends {entry.address} to {profile.base_url or profile.endpoint}",
        why=f"that key is for {entry.base_url} alone",
        hint=f"ringlet profiles edit {profile.name} --base-url {entry.base_url}",
    )


def _send_further_keys(plan: LaunchPlan, profile: Profile, catalog: Known, kept: LedgerParts) -> None:
    """Lets the address of a further key travel with it, in its provider's variable; else the key could go elsewhere."""
    for address in profile.references.values():
        entry = kept.entries.entry(address.key())
        if entry is None or not entry.base_url or entry.base_url in plan.env.values():
            continue
        described = catalog.providers.get(address.provider)
        variable = described.base_url_env if described else ""
        if not variable or variable in plan.env:
            raise ProfileInvalid(
                f"{_named(profile)} does not say where {address} goes",
                why=f"that key is for {entry.base_url} alone",
                hint=f"give its program the address too: --env VARIABLE={entry.base_url}",
            )
        plan.env[variable] = entry.base_url


def _named(profile: Profile) -> str:
    return f"the profile {profile.name}" if profile.name else "the command"


def _limited(plan: LaunchPlan, kept: LedgerParts) -> frozenset[str]:
    """The addresses whose use has to be counted or could end: a launch of all others need not ask the ledger.

    Of a ledger that several machines share, all: changes made elsewhere do not show in this machine's files.
    """
    addresses = plan.addresses()
    if kept.is_shared:
        return frozenset(map(str, addresses))
    known = {address: kept.entries.entry(address.key()) for address in addresses}
    out = {key for key, until in kept.claims.resting().items() if until >= NEVER} if any(known.values()) else set()
    return frozenset(
        str(address) for address, entry in known.items() if entry and (_is_limited(entry) or str(entry.address) in out)
    )


def _is_limited(entry: Entry) -> bool:
    return bool(entry.tier or entry.max_uses or entry.expires_at or not entry.active)
