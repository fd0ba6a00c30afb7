"""`ringlet migrate history`: entries of histories that hold a stored value, counted and taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import migrate_shown as shown
from ringlet_py.cli import output
from ringlet_py.cli.migrate_chosen import short
from ringlet_py.cli.session import session_of
from ringlet_py.errors import SearchIncomplete
from ringlet_py.moving import histories, made
from ringlet_py.searching.wanted import LEAST

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.moving.histories import History

FOUND = 1


def show_history(
    context: typer.Context,
    remove: Annotated[bool, typer.Option("--remove", help="Take these entries out of the histories.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Show one JSON object.")] = False,
) -> None:
    """Count the entries of shells' histories that hold a stored value, or take them out.

    The exit status is 1 if such entries are left, and another one if a history could not be read.
    """
    session = session_of(context)
    app = session.app
    secrets, too_short = made.values(app.keychain, app.audit)
    for address in too_short:
        output.say(f"not looked for: {address}, which has fewer than {LEAST} characters")
    found, notes = histories.found(secrets, home=app.folders.home, environ=app.environ)
    if not json:
        _show(session, found, complete=not notes)
        shown.notes(notes)
    problems = _removed(session, found, yes=yes) if remove and found else []
    _report(found, notes, problems, remove=remove, json=json)
    if problems or (found and not remove):
        raise typer.Exit(FOUND)
    if notes:
        raise SearchIncomplete(f"not every history was looked at ({len(notes)})")


def _show(session: Session, found: list[History], *, complete: bool) -> None:
    home = session.app.folders.home
    rows: list[tuple[str, ...]] = [
        (short(each.source.path, home), str(each.count), ", ".join(each.addresses)) for each in found
    ]
    output.table(("HISTORY", "ENTRIES", "KEYS"), rows)
    if not found:
        output.say("no history holds a stored key" if complete else "no history that could be read holds a stored key")


def _removed(session: Session, found: list[History], *, yes: bool) -> list[str]:
    count = sum(each.count for each in found)
    question = f"remove {count} entr{'y' if count == 1 else 'ies'} for good?"
    session.confirm(question, otherwise="ringlet migrate history --remove --yes", yes=yes)
    return histories.remove(found)


def _report(found: list[History], notes: list[str], problems: list[str], *, remove: bool, json: bool) -> None:
    if json:
        each = [{"path": one.source.path, "entries": one.count, "keys": list(one.addresses)} for one in found]
        output.document(histories=each, removed=bool(remove and found and not problems), problems=problems, notes=notes)
        return
    shown.notes(problems)
    if found and not remove:
        output.say("take them out: ringlet migrate history --remove")
    elif found and not problems:
        output.say("removed")
    for way in dict.fromkeys(one.own_way for one in found):
        output.say(f"note: {way}")
