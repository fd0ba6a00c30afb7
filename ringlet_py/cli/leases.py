"""`ringlet leases`: keys that were lent for a time, to whom and until when; renewed, released and revoked by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output
from ringlet_py.cli.leases_chosen import OWNER, id_of, running
from ringlet_py.cli.pools_report import told
from ringlet_py.cli.session import app_of, session_of
from ringlet_py.cli.waiting import seconds
from ringlet_py.errors import UsageError
from ringlet_py.leasing.shown import shown
from ringlet_py.leasing.terms import seconds_of
from ringlet_py.lending.reports import INVALID, OK, QUOTA_SPENT, RATE_LIMITED, Outcome

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.ledger.tokens import StoredLease
    from ringlet_py.plan import LaunchPlan

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
Lease = Annotated[str, typer.Argument(metavar="ID", help="The lease, or the first six digits of it or more.")]
Ttl = Annotated[str, typer.Option("--ttl", help="For how long from now: 8h, 30m, at most 30d.")]
_COLUMNS = ("LEASE", "KEY", "STATE", "CALLER", "FEATURE", "EXPIRES")


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Leases: keys that were lent for a time.", no_args_is_help=True)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_leases)
    group.command("show")(show)
    group.command("grant")(grant)
    group.command("renew")(renew)
    group.command("release")(release)
    group.command("report")(report)
    group.command("revoke")(revoke)
    return group


def list_leases(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended, for a month.")] = False,
    json: Json = False,
) -> None:
    """List the leases that run: which key, for whom, until when."""
    app = app_of(context)
    found = [shown(lease, now=app.clock()) for lease in app.leasing.list(OWNER, ended=every)]
    if json:
        output.document(leases=found)
        return
    if not found:
        output.say("there are no leases" + " that run" * (not every))
    output.table(_COLUMNS, [_row(lease) for lease in found])


def show(context: typer.Context, lease: Lease, json: Json = False) -> None:
    """Show all that is remembered of a lease; never a value."""
    app = app_of(context)
    found = _told(app, app.leasing.get(id_of(app, lease), OWNER))
    if json:
        output.document(lease=found)
    else:
        output.lines(output.printable(f"{name.replace('_', ' ')}: {text}") for name, text in found.items() if text)


def grant(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(help="The profile.")],
    ttl: Annotated[str, typer.Option("--ttl", help="For how long from now; else as the profile says.")] = "",
    json: Json = False,
) -> None:
    """Let a profile start again that has a lease: leases grant work --ttl 8h."""
    app = app_of(context)
    plan = app.plan(app.profiles.load(profile))
    if not plan.lease:
        hint = f"ringlet profiles edit {profile} --lease 8h"
        raise UsageError(f"the profile {profile} needs no grant", why="it has no lease", hint=hint)
    grant_to(app, plan, ttl or plan.lease, json=json)


def grant_to(app: App, plan: LaunchPlan, ttl: str, *, json: bool = False) -> None:
    """Grants the plan's profile its keys for that time from now, and says so."""
    found = app.leasing.grants.grant(plan, seconds_of(ttl))
    if json:
        output.document(leases=[_told(app, lease) for lease in found])
        return
    for lease in found:
        key = f"the pool {lease.pool}" if lease.pool else lease.address
        output.say(f"granted {key} to the profile {plan.profile} until {_told(app, lease)['expires_at']}")


def renew(context: typer.Context, lease: Lease, ttl: Ttl, json: Json = False) -> None:
    """Let a lease run on, at most until its key or its token ends: leases renew ID --ttl 8h."""
    app = app_of(context)
    found = app.leasing.renew(id_of(app, lease), seconds_of(ttl), OWNER)
    _show(app, found, f"runs until {_told(app, found)['expires_at']}", json=json)


def release(context: typer.Context, lease: Lease, json: Json = False) -> None:
    """End a lease and give its use back, as if the key had not been claimed."""
    app = app_of(context)
    _show(app, app.leasing.release(id_of(app, lease), OWNER), "released", json=json)


def report(
    context: typer.Context,
    lease: Lease,
    rate_limited: Annotated[
        float | None,
        typer.Option("--rate-limited", metavar="TIME", parser=seconds, help="The provider said 429: for so long, 30s."),
    ] = None,
    invalid: Annotated[bool, typer.Option("--invalid", help="The provider said 401 or 403.")] = False,
    quota_spent: Annotated[bool, typer.Option("--quota-spent", help="Nothing is left of its quota today.")] = False,
    ok: Annotated[bool, typer.Option("--ok", help="It went well.")] = False,
    json: Json = False,
) -> None:
    """Say how a lease's key fared, for all who claim it: leases report ID --rate-limited 30s."""
    flags = {RATE_LIMITED: rate_limited is not None, INVALID: invalid, QUOTA_SPENT: quota_spent, OK: ok}
    said = [kind for kind, given in flags.items() if given]
    if len(said) != 1:
        raise UsageError("a report says one thing", hint="--rate-limited TIME, --invalid, --quota-spent or --ok")
    app = app_of(context)
    outcome = Outcome(kind=said[0], retry_after=rate_limited)
    found = app.leasing.report(id_of(app, lease), outcome, OWNER)
    _show(app, found, f"reported {said[0]}", json=json)
    state = "" if json else told(app, found)
    if state:
        output.say(output.printable(state))


def revoke(
    context: typer.Context,
    leases: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="The leases, or the first six digits of each or more.")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="All that this profile is granted.")] = "",
    token: Annotated[str, typer.Option("--token", help="All that were claimed with this token.")] = "",
    key: Annotated[str, typer.Option("--key", metavar="ADDRESS", help="All of this key.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """End leases: nothing more is lent or renewed on them; a key that was read is still known to who read it."""
    app = app_of(context)
    chosen = {"profile": profile, "token": token, "key": key}
    if bool(leases) == any(chosen.values()):
        raise UsageError(
            "say which leases", hint="ringlet leases revoke ID, or --profile NAME, --token NAME, --key ADDRESS"
        )
    # of an ID that is wrong, none is revoked
    wanted = [app.leasing.get(id_of(app, each), OWNER).id for each in leases or _agreed(context, chosen, yes=yes)]
    found = [app.leasing.revoke(each, OWNER) for each in dict.fromkeys(wanted)]
    if json:
        output.document(leases=[_told(app, lease) for lease in found])
        return
    for lease in found:
        output.say(f"{lease.id} ({lease.address}): revoked")
    output.say("note: whoever has read the key still has it; a new value at the provider is what takes it back")


def _agreed(context: typer.Context, chosen: dict[str, str], *, yes: bool) -> list[str]:
    """The leases of all that is named, once the person at the terminal agrees."""
    session = session_of(context)
    found = [lease.id for lease in running(session.app, **chosen)]
    whose = " and ".join(f"the {name} {text}" for name, text in chosen.items() if text)
    question = f"revoke {len(found)} lease{'s' * (len(found) != 1)} of {whose}?"
    session.confirm(output.printable(question), otherwise="", yes=yes or not session.can_ask)
    return found


def _show(app: App, lease: StoredLease, what: str, *, json: bool) -> None:
    if json:
        output.document(lease=_told(app, lease))
        return
    output.say(output.printable(f"{lease.id} ({lease.address}): {what}"))


def _told(app: App, lease: StoredLease) -> dict[str, Any]:
    return shown(lease, now=app.clock())


def _row(lease: dict[str, Any]) -> tuple[str, ...]:
    names = ("id", "address", "state", "caller", "feature", "expires_at")
    return tuple(output.printable(lease[name] or "-") for name in names)
