"""`ringlet migrate`: keys that lie about are found, moved into the keychain, and put back if need be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import migrate_shown as shown
from ringlet_py.cli import output
from ringlet_py.cli.migrate_apply import apply_plan
from ringlet_py.cli.migrate_chosen import Below, scanned
from ringlet_py.cli.migrate_history import show_history
from ringlet_py.cli.migrate_undo import list_receipts, undo_receipt
from ringlet_py.cli.session import session_of
from ringlet_py.moving.finding import STORE

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session

FOUND = 1  # the exit status of a scan that found keys: scripts ask for it


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Moving in: keys that lie about, into the keychain.", no_args_is_help=True)
    group.command("scan")(scan)
    group.command("apply")(apply_plan)
    group.command("undo")(undo_receipt)
    for name in ("list", "ls"):
        group.command(name, hidden=name != "list")(list_receipts)
    group.command("history")(show_history)
    return group


def scan(
    context: typer.Context,
    below: Below = "",
    json: Annotated[bool, typer.Option("--json", help="Show one JSON object.")] = False,
) -> None:
    """Show the keys that lie about in files, variables and other tools; changes nothing.

    The exit status is 1 if there are any.
    """
    session: Session = session_of(context)
    found = scanned(session, below)
    if json:
        output.document(found=[shown.as_json(find) for find in found.finds], notes=found.notes)
    else:
        shown.finds(found.finds, home=session.app.folders.home)
        shown.notes(found.notes)
        shown.next_step(found.finds, complete=not found.notes)
    if any(find.kind != STORE or not find.stored for find in found.finds):  # what is copied may stay in another tool
        raise typer.Exit(FOUND)
