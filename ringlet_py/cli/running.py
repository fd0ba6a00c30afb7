"""`ringlet run` and `ringlet profiles run`: a key, an agent, and then the agent alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli.session import session_of
from ringlet_py.errors import UsageError
from ringlet_py.secret import REDACTED

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.plan import LaunchPlan

Purpose = Annotated[str, typer.Option("--purpose", help="Why, for the audit record.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show the whole plan, keys redacted, and stop.")]
AuditLog = Annotated[
    bool | None,
    typer.Option("--audit-log/--no-audit-log", help="Record this access, or do not; else as configured."),
]
Json = Annotated[bool, typer.Option("--json", help="Show the dry run as one JSON object.")]


def run_profile(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The profile.")],
    purpose: Purpose = "",
    dry_run: DryRun = False,
    audit_log: AuditLog = None,
    json: Json = False,
) -> None:
    """Run a profile's agent with its key; what stands after -- goes to the agent."""
    session = _session(context, audit_log)
    plan = session.app.plan_named(name)
    _run(session, plan, args=session.tail, purpose=purpose, dry_run=dry_run, json=json)


def run_short(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The profile.")] = "",
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="[VARIABLE=]PROVIDER/ALIAS",
            help="Run a command with this key instead of a profile (repeatable).",
        ),
    ] = None,
    purpose: Purpose = "",
    dry_run: DryRun = False,
    audit_log: AuditLog = None,
    json: Json = False,
) -> None:
    """Run a profile's agent with its key; all after the first -- goes to the agent.

    Or any command with a key, without a profile: ringlet run --key PROVIDER/ALIAS -- COMMAND...
    """
    if bool(name) == bool(key):
        hint = "ringlet run NAME -- ARGS, or ringlet run --key PROVIDER/ALIAS -- COMMAND"
        raise UsageError("either the name of a profile or --key is needed", hint=hint)
    if not key:
        run_profile(context, name, purpose=purpose, dry_run=dry_run, audit_log=audit_log, json=json)
        return
    from ringlet_py import one_off

    session = _session(context, audit_log)
    plan, args = one_off.plan(key, session.tail, catalog=session.app.catalog, kept=session.app.kept)
    _run(session, plan, args=args, purpose=purpose, dry_run=dry_run, json=json)


def _session(context: typer.Context, audit_log: bool | None) -> Session:
    session = session_of(context)
    if audit_log is not None:
        session.audit_log = audit_log
    return session


def _run(session: Session, plan: LaunchPlan, *, args: tuple[str, ...], purpose: str, dry_run: bool, json: bool) -> None:
    if not dry_run:
        for text in _lines(plan, session, args) if session.verbose and not json else ():
            output.tell(output.printable(text))
        raise typer.Exit(session.app.run(plan, args=args, purpose=purpose))
    if json:
        output.document(plan=described(plan, session, args))
    else:
        output.lines(_lines(plan, session, args))
    for problem in session.app.leasing.grants.missing(plan) if plan.lease else ():
        raise problem  # as the run would, and unlike there nothing is recorded


def _lines(plan: LaunchPlan, session: Session, args: tuple[str, ...]) -> list[str]:
    """The plan as a person reads it, with every key redacted."""
    shown = described(plan, session, args)
    return [f"{name}: {text}" for name, value in shown.items() for text in texts(value)]


def described(plan: LaunchPlan, session: Session, args: tuple[str, ...] = ()) -> dict[str, object]:
    """The plan as data, with every key redacted."""
    from ringlet_py.drafting import redacted_env
    from ringlet_py.launcher import env_block, find_binary

    secrets = {str(address): REDACTED for address in plan.addresses()}
    environ = session.environ
    env = env_block(plan, environ, secrets)
    return {
        "profile": plan.profile,
        "agent": plan.agent,
        "provider": plan.provider,
        "base_url": plan.base_url,
        "binary": find_binary(plan.command[0], environ, plan.install),
        "argv": [*plan.command, *plan.args, *args],
        "keys": keys_of(plan),
        "env": redacted_env(plan, session.app.catalog.providers),
        "inherit": plan.inherit,
        "dropped": sorted(name for name in environ if name not in env),
        "folders": list(plan.folders),
        "files": list(plan.files),
    }


def keys_of(plan: LaunchPlan) -> dict[str, str]:
    """Where the key in each variable comes from: its address, or the pool that it is claimed from."""
    pooled = {name: f"pool {plan.pool}{field and f'#{field}'}" for name, field in plan.pooled.items()}
    return {**{name: str(address) for name, address in plan.keys.items()}, **pooled}


def texts(value: object) -> list[str]:
    """The lines in which a field of a plan is shown; none for what is empty."""
    if isinstance(value, dict):
        return [f"{name}={text}" for name, text in value.items()]
    if isinstance(value, list):
        return [" ".join(value)] if value else []
    return [str(value)] if value else []
