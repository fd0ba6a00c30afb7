"""Checks of keys and profiles: what is missing, what ends soon, and what cannot start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ringlet_py.doctor.finding import WARNING, Finding, fine, many, note, of_error, problem, warning
from ringlet_py.doctor.keychain import SCRATCH
from ringlet_py.errors import KeychainBroken, LaunchError, RingletError
from ringlet_py.keychain.inventory import FEW
from ringlet_py.launcher import find_binary
from ringlet_py.status import expiring
from ringlet_py.usable import has_expired

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.backends import Backend
    from ringlet_py.doctor.surroundings import Surroundings
    from ringlet_py.entry import Address, Entry
    from ringlet_py.keychain import Keychain
    from ringlet_py.plan import LaunchPlan


def missing(surroundings: Surroundings) -> list[Finding]:
    """Keys that are listed and not there, and bound secrets without their key; nothing is unlocked for it."""
    surroundings.check_keys()
    keychain = surroundings.app.keychain
    there = keychain.entries()
    found = _damaged(keychain.backend, there) if keychain.backend.name == "file" else []
    gone = [
        problem(f"{address} is listed, but not in {keychain.backend.place}", mend=address.to_set())
        for address in keychain.missing(there)
    ]
    if not surroundings.app.kept.is_shared:  # else it may be in another machine's
        found += _elsewhere(keychain, there)
    return found + gone + [_stray(address) for address in keychain.strays(there)]


def _elsewhere(keychain: Keychain, there: list[Entry]) -> list[Finding]:
    """The keys in backends that are not in use; for those that were left in the file another check looks there."""
    used, others = keychain.backend.name, keychain.elsewhere(there)
    by_backend = {name: [str(e.address) for e in others if e.backend == name] for name in ("system", "sealed")}
    return [
        warning(
            f"{many(len(names), 'key')} cannot be used: {', '.join(names[:FEW])}{', …' * (len(names) > FEW)}",
            why=f"the backend {name} has them, and {used} is in use",
            mend=f"ringlet keychain move --from {name} --to {used} --all",
        )
        for name, names in by_backend.items()
        if names
    ]


def _damaged(backend: Backend, there: list[Entry]) -> list[Finding]:
    """The keys whose values cannot be any: read only in a file, where nothing is unlocked for it."""
    found: list[Finding] = []
    for entry in there:
        try:
            backend.get(entry.address)
        except KeychainBroken as error:
            found.append(of_error(error))
    return found


def expiry(surroundings: Surroundings) -> list[Finding]:
    """Keys that have expired, or will within 14 days."""
    now = surroundings.app.clock()
    entries = [entry for entry in surroundings.app.kept.entries.entries() if entry.active]
    past = [entry for entry in entries if has_expired(entry, int(now * 1000))]
    return [
        *(warning(f"{e.address} expired at {e.expires_at}", mend=e.address.to_set(replace=True)) for e in past),
        *(
            warning(f"{e.address} expires at {e.expires_at}", mend=e.address.to_set(replace=True))
            for e in expiring(entries, now=now)
        ),
    ]


def profiles(surroundings: Surroundings) -> list[Finding]:
    """The profiles that cannot start, each with the first reason; no key is read for it."""
    app = surroundings.app
    names = app.profiles.names()
    app.kept.entries.entries()  # plans depend on the ledger: where it cannot be read, this check says so once
    there = _there(surroundings)
    found = [finding for name in names if (finding := _of_profile(app, name, there))]
    if not names or found:
        return found
    return [fine(f"the {len(names)} profiles can start" if len(names) > 1 else f"the profile {names[0]} can start")]


def _there(surroundings: Surroundings) -> set[Address] | None:
    """Every key that is there; None where that cannot be told now, which other checks say."""
    try:
        surroundings.check_keys()
        return surroundings.app.keychain.there()
    except (RingletError, OSError):
        return None


def _of_profile(app: App, name: str, there: set[Address] | None) -> Finding | None:
    try:
        plan = app.plan(app.profiles.load(name))
        find_binary(plan.command[0], app.environ, plan.install)
        _check_pool(app, plan)
    except LaunchError as error:
        return replace(_named(name, error), state=WARNING)  # it may be for another machine
    except RingletError as error:
        return _named(name, error)
    return _without_key(name, plan, there)


def _check_pool(app: App, plan: LaunchPlan) -> None:
    """Raises PoolNotFound for a profile of a pool that there is not."""
    if plan.pool:
        app.lending.pools.get(plan.pool)


def _without_key(name: str, plan: LaunchPlan, there: set[Address] | None) -> Finding | None:
    gone = [] if there is None else [address for address in plan.addresses() if address not in there]
    if not gone:
        return None
    return problem(f"the profile {name} cannot start: {gone[0]} is not there", mend=gone[0].to_set())


def _named(name: str, error: RingletError) -> Finding:
    mend = f"ringlet profiles edit {name}" if error.hint.startswith("edit ") else error.hint
    return problem(f"the profile {name} cannot start: {error.what}", why=error.why, mend=mend)


def _stray(address: Address) -> Finding:
    mend = f"ringlet keychain remove {address.provider} {address.alias}"
    if address.key() == SCRATCH:
        return note(f"{address} is left of an interrupted ringlet doctor, and nobody's key", mend=mend)
    return warning(f"{address} is there, but not the key that it was bound to", mend=mend)
