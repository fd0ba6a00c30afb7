"""Profiles with a lease: granted their keys by whoever makes them, and what keeps one from starting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.plan import LaunchPlan


def grant(app: App, plan: LaunchPlan) -> None:
    """Grants the profile its keys if it has a lease; one that has none keeps no grant."""
    from ringlet_py.cli.leases import grant_to

    if plan.lease:
        grant_to(app, plan, plan.lease)
    else:
        app.leasing.grants.end(plan.profile)


def summary(app: App, name: str) -> dict[str, str]:
    """One line about a profile; one that cannot start says why."""
    found = app.profiles.summary(name)
    try:
        missing = not_granted(app, app.plan(app.profiles.load(name))) if found["lease"] else []
    except RingletError as problem:
        missing = [problem.what]
    return {**found, "problem": missing[0]} if missing else found


def not_granted(app: App, plan: LaunchPlan) -> list[str]:
    """What the profile is not granted, each with the command that grants it."""
    missing = app.leasing.grants.missing(plan) if plan.lease else []
    return [f"{problem.what}: {problem.hint}" for problem in missing]
