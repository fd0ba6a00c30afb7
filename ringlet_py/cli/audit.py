"""`ringlet audit`: who asked for which key, and whether the log is as it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ringlet_py.audit import reading, verify
from ringlet_py.cli import output
from ringlet_py.cli.nearly import say_slips_of_records
from ringlet_py.cli.session import app_of
from ringlet_py.errors import AuditBroken

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="The record of every access.", no_args_is_help=True)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_records)
    group.command("verify")(verify_log)
    return group


def list_records(
    context: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="For example 7d, 1h30m or 2026-11-22T10:00:00Z.")
    ] = "",
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="PROVIDER[/ALIAS]",
            help="Only this key, or this provider's.",
        ),
    ] = "",
    profile: Annotated[str, typer.Option("--profile", help="Only this profile.")] = "",
    caller: Annotated[
        str, typer.Option("--caller", help="Only this caller of a pool, for example user:7 or channel:ops.")
    ] = "",
    action: Annotated[str, typer.Option("--action", help="Only this action, for example claim or set.")] = "",
    outcome: Annotated[str, typer.Option("--outcome", help="Only this outcome, for example ok.")] = "",
    json: Json = False,
) -> None:
    """List the records, oldest first."""
    app = app_of(context)
    moment = reading.parse_since(since, datetime.fromtimestamp(app.clock(), UTC)) if since else None
    query = reading.Query(since=moment, key=key, profile=profile, caller=caller, action=action, outcome=outcome)
    found = list(reading.find(app.folders.state, query))
    if not found:
        say_slips_of_records(query, reading.find(app.folders.state, reading.Query()))
    if json:
        output.document(records=found)
        return
    told = [name for name in ("caller", "feature", "pool") if any(record.get(name) for record in found)]
    fields = ("at", "action", "address", "outcome", "profile", "agent", *told, "purpose")
    output.table((*map(str.upper, fields), "BY"), [_row(record, fields) for record in found])


def verify_log(context: typer.Context, json: Json = False) -> None:
    """Check that no record was edited, removed, reordered or cut off."""
    found = verify.verify(app_of(context).folders.state)
    if json:
        output.document(
            ok=found.ok,
            records=found.records,
            files=found.files,
            problems=[_finding(one) for one in found.problems],
            notes=[_finding(one) for one in found.notes],
        )
    else:
        output.lines(output.printable(f"problem: {one}") for one in found.problems)
        for one in found.notes:
            output.say(output.printable(f"note: {one}"))
    if not found.ok:
        raise AuditBroken("the audit log is not as it was written", hint="compare it with a backup")
    if not json:
        output.line(f"ok: {found.records} records in {len(found.files)} files")


def _finding(one: verify.Finding) -> dict[str, Any]:
    return {"file": one.file, "line": one.line, "what": one.what}


def _row(record: dict[str, Any], fields: tuple[str, ...]) -> tuple[str, ...]:
    by = f"{record.get('parent_name') or record.get('parent', '?')} ({record.get('tty') or 'no tty'})"
    return (*(output.printable(str(record.get(field) or "-")) for field in fields), output.printable(by))
