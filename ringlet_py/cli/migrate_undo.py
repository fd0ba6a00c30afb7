"""`ringlet migrate undo` and `list`: receipts, and how they are put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import migrate_shown as shown
from ringlet_py.cli import output
from ringlet_py.cli.migrate_chosen import short
from ringlet_py.cli.session import session_of
from ringlet_py.errors import RingletError
from ringlet_py.moving import made
from ringlet_py.moving.formats.known import format_of
from ringlet_py.moving.formats.posix import Posix
from ringlet_py.moving.placing import CHANGED
from ringlet_py.moving.redacting import redacted
from ringlet_py.moving.stored import Stored
from ringlet_py.secret import REDACTED

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.moving.receipts import Receipt, Receipts
    from ringlet_py.moving.undoing import Return, Undoing, Undone

LEFT_OVER = 1
Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]


def undo_receipt(
    context: typer.Context,
    receipt: Annotated[str, typer.Argument(help="The receipt, or its beginning; else the latest.")] = "",
    drop: Annotated[bool, typer.Option("--drop", help="Put nothing back, and be done with the receipt.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Put back what was cut out of files, with the values from the keychain; the keys stay there too.

    What could not be put back stays in the receipt.

    The exit status is 1 if something could not be put back.
    """
    session = session_of(context)
    app = session.app
    kept = made.receipts(app.folders)
    chosen = kept.named(receipt) if receipt else kept.latest()
    undoing = made.undoing(app.keychain, app.broker, app.folders, app.clock)
    if drop:
        _drop(session, undoing, chosen, yes=yes, json=json)
        return
    plan = undoing.planned(chosen)
    if not json:
        _show(session, plan)
    if plan.files or plan.variables:
        _ask(session, plan, yes=yes)
    elif chosen.undone_at and not json:
        output.say(f"{chosen.id} was closed at {chosen.undone_at}")
    done = undoing.undo(plan)
    problems = [*plan.refused, *done.problems]
    if json:
        output.document(receipt=chosen.id, restored=done.paths, problems=problems, keys=done.addresses)
    else:
        _report(session, plan, done)
    if problems:
        raise typer.Exit(LEFT_OVER)


def _show(session: Session, plan: Return) -> None:
    """Each file's change as a diff; one that was changed since says so."""
    home, providers = session.app.folders.home, session.app.catalog.providers
    stored = Stored(session.app.keychain)
    for each in plan.files:
        name = short(each.source.path, home)
        if each.state == CHANGED:
            output.line(f"# {name} was changed since it was edited")
        format_ = format_of(each.source.path) or Posix()
        both = (each.source.text, each.filled(lambda _: REDACTED))
        shown.diff(name, *(stored.redacted(redacted(text, format_, providers)) for text in both))
    for one in plan.variables:
        output.line(output.printable(f"set {one.name} to {one.address} again"))
    shown.notes(plan.notes)
    shown.notes(plan.refused)
    for path in plan.restored:
        output.say(f"{short(path, home)} is as it was")


def _ask(session: Session, plan: Return, *, yes: bool) -> None:
    count = len(plan.files) + len(plan.variables)
    changed = f", of which {len(plan.changed)} changed since" if plan.changed else ""
    question = f"restore {count} place{'s' * (count != 1)}{changed}?"
    session.confirm(question, otherwise=f"ringlet migrate undo {plan.receipt.id} --yes", yes=yes)


def _report(session: Session, plan: Return, done: Undone) -> None:
    for path in done.paths:
        output.say(f"restored {short(path, session.app.folders.home)}")
    shown.notes(done.problems)
    if done.addresses:
        output.say("the keys are still in the keychain; to remove them there too:")
        for address in dict.fromkeys(done.addresses):
            output.say(f"  ringlet keychain remove {address.replace('/', ' ', 1)}")
    if (plan.refused or done.problems) and not plan.receipt.undone_at:
        close = f"ringlet migrate undo {plan.receipt.id} --drop"
        output.say(f"what is still out stays in the receipt; to be done with it: {close}")


def _drop(session: Session, undoing: Undoing, receipt: Receipt, *, yes: bool, json: bool) -> None:
    """Closes the receipt, and says what its keys were cut out of."""
    places = [f"{short(each.path, session.app.folders.home)}: {', '.join(each.addresses)}" for each in receipt.files]
    places += [f"{each.name}: {each.address}" for each in receipt.variables]
    if not json:
        shown.notes(f"still out of {place}" for place in places)
    again = f"ringlet migrate undo {receipt.id} --drop --yes"
    session.confirm(f"put nothing back, and be done with {receipt.id}?", otherwise=again, yes=yes)
    undoing.drop(receipt)
    if json:
        output.document(receipt=receipt.id, restored=[], problems=[], keys=[])
        return
    output.say(f"closed {receipt.id}; the keys stay in the keychain")


def list_receipts(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    json: Json = False,
) -> None:
    """List the receipts of what was moved, the latest last."""
    session = session_of(context)
    kept = made.receipts(session.app.folders)
    rows = [row for id_ in kept.ids() if (row := _summary(kept, id_)) and (everything or not row["undone_at"])]
    if json:
        output.document(receipts=rows)
        return
    home = session.app.folders.home
    if not rows:
        output.say("there is no receipt" if everything else "no receipt is open")
    output.table(
        ("RECEIPT", "MOVED AT", "CLOSED AT", "KEYS", "FILES"),
        [
            (
                str(row["receipt"]),
                str(row["made_at"]) or "-",
                str(row["undone_at"]) or "-",
                ", ".join(row["keys"]) or "-",
                output.printable(str(row["problem"])) or ", ".join(short(path, home) for path in row["files"]),
            )
            for row in rows
        ],
    )


def _summary(kept: Receipts, id_: str) -> dict[str, list[str] | str]:
    """One line about a receipt; one that cannot be read says why."""
    try:
        receipt = kept.load(id_)
    except RingletError as problem:
        return {"receipt": id_, "made_at": "", "undone_at": "", "keys": [], "files": [], "problem": problem.what}
    variables = receipt.variables
    keys = {*(key for each in receipt.files for key in each.addresses), *(each.address for each in variables)}
    files = [*(each.path for each in receipt.files), *(each.name for each in variables)]
    moments = {"made_at": receipt.made_at, "undone_at": receipt.undone_at}
    return {"receipt": id_, **moments, "keys": sorted(keys), "files": files, "problem": ""}
