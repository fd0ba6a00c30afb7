"""`ringlet migrate apply`: shows what would be done, asks, and does it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import migrate_shown as shown
from ringlet_py.cli import output
from ringlet_py.cli.migrate_chosen import Below, chosen, scanned, short
from ringlet_py.cli.migrate_profile import offer_profile
from ringlet_py.cli.session import session_of
from ringlet_py.errors import UsageError
from ringlet_py.moving import made
from ringlet_py.moving.applying import planned
from ringlet_py.moving.finding import is_possible, is_sure
from ringlet_py.moving.judging import LEFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.cli.session import Session
    from ringlet_py.moving.applying import Done, Plan
    from ringlet_py.moving.finding import Find
    from ringlet_py.moving.scanning import Scan

LEFT_OVER = 1  # the exit status where something that was asked for could not be done
_SETTING = ("shell", "environment")  # the kinds of files that give a shell its variables


def apply_plan(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select", metavar="WHAT", help="An address, provider, file or variable, * for any part (repeatable)."
        ),
    ] = None,
    below: Below = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done, and end.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Store the keys, and leave the files as they are.")] = False,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Create this profile with it.")] = "",
    no_profile: Annotated[bool, typer.Option("--no-profile", help="Offer no profile.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Show one JSON object.")] = False,
) -> None:
    """Move keys into the keychain, and cut them out of their files; can be undone.

    The exit status is 1 if something could not be moved.
    """
    session = session_of(context)
    if profile and no_profile:
        raise UsageError("--profile and --no-profile exclude each other", hint="give one of them")
    if not dry_run:
        made.unlock(session.app.keychain)
    found = scanned(session, below)
    plan = _planned(session, found, select or [], keep=keep, json=json)
    if plan.is_empty or dry_run:
        _say_nothing(plan, found.finds, json=json)
        fine = dry_run or offer_profile(session, plan.addresses, name=profile, wanted=bool(profile))
        raise typer.Exit(LEFT_OVER if plan.refused or not fine else 0)
    _ask(session, plan, yes=yes)
    done = made.mover(session.app.keychain, session.app.folders, session.app.clock).apply(plan)
    _report(session, plan, done, json=json)
    if not json:
        _check_shell(session, done, found.finds)
    fine = offer_profile(session, plan.addresses, name=profile, wanted=not (no_profile or (json and not profile)))
    if done.problems or plan.refused or not fine:
        raise typer.Exit(LEFT_OVER)


def _planned(session: Session, found: Scan, select: Sequence[str], *, keep: bool, json: bool) -> Plan:
    """The plan, shown unless it is for a program; what was named and has to be left counts as refused."""
    home = session.app.folders.home
    meant = chosen(found.finds, select, home)
    plan = planned(meant, session.app.catalog.providers, keep=keep)
    left = [f"{find.name} in {short(find.where, home)} is left: {find.why}" for find in meant if find.level == LEFT]
    if not json:
        shown.plan(plan, home=home)
        shown.notes([*found.notes, *left, *plan.refused])
    plan.refused += left if select else []
    return plan


def _ask(session: Session, plan: Plan, *, yes: bool) -> None:
    new = len({find.address for find in plan.finds if not find.stored})
    what = [f"{new} key{'s' * (new != 1)} into {session.app.keychain.backend.place}"] if new else []
    cuts = len(plan.cuts) + bool(plan.variables)
    verb = "move" if what else "edit"
    what += [f"{cuts} file{'s' * (cuts != 1)} edited" if new else f"{cuts} file{'s' * (cuts != 1)}"] if cuts else []
    session.confirm(f"{verb} {', '.join(what)}?", otherwise=f"ringlet {shlex.join(session.argv)} --yes", yes=yes)


def _say_nothing(plan: Plan, finds: Sequence[Find], *, json: bool) -> None:
    """What is said where nothing is done."""
    if json:
        would = {"would_store": plan.addresses, "would_edit": [cut.text.source.path for cut in plan.cuts]}
        output.document(stored=[], edited=[], problems=plan.refused, notes=_notes(plan), receipt="", **would)
        return
    if not plan.is_empty:
        return
    output.say("there is nothing to move")
    perhaps = [find for find in finds if is_possible(find) and not is_sure(find)]
    if perhaps and not plan.finds:
        output.say(f"{len(perhaps)} may be keys: ringlet migrate scan shows them, --select moves them")


def _report(session: Session, plan: Plan, done: Done, *, json: bool) -> None:
    edited = [cut.text.source.path for cut in done.cut]
    if json:
        problems, edited = [*plan.refused, *done.problems], [*edited, *done.taken_out]
        notes = [*_notes(plan), *_left_there(plan)]
        output.document(stored=done.stored, edited=edited, problems=problems, notes=notes, receipt=done.receipt)
        return
    for address in done.stored:
        output.say(f"stored {address}")
    for name in done.taken_out:
        output.say(output.printable(f"took {name} out of the user's variables"))
    for path in edited:
        output.say(f"edited {short(path, session.app.folders.home)}")
    shown.notes(done.problems)
    for text in _left_there(plan):
        output.say(output.printable(text))
    if done.receipt:
        output.say(f"put it back: ringlet migrate undo {done.receipt}")


def _notes(plan: Plan) -> list[str]:
    """What a cut leaves behind: programs without a key, and copies of values."""
    return [note for cut in plan.cuts for note in cut.notes]


def _left_there(plan: Plan) -> list[str]:
    """What other tools still keep, since ringlet changes nothing of theirs."""
    kept = [find for find in plan.finds if find.remove]
    return [f"{find.name} is still in {find.place}; remove it there: {find.remove}" for find in kept]


def _check_shell(session: Session, done: Done, finds: Sequence[Find]) -> None:
    """Says whether a new shell is without the variables, what sets them if it is not, and what to do about this one."""
    from ringlet_py.moving.login_shell import still_set

    names = list(dict.fromkeys(f.name for cut in done.cut if cut.text.kind in _SETTING for f in cut.finds))
    if not names:
        return
    environ = session.app.environ
    if session.can_see:  # some people's shells take seconds to start
        output.say("asking a new shell whether it still has them")
    still = still_set(names, environ)
    if still is None:
        output.say("whether a new shell still has them could not be told; see: printenv")
    for name in still or ():
        where = short(_setter(name, done, finds), session.app.folders.home)
        output.say(f"a new shell still has {name}: {where or 'something else'} sets it")
    if still == []:
        output.say(f"a new shell does not have {', '.join(names)}")
    here = [name for name in names if name in environ]
    if here:
        output.say(f"this shell still has {', '.join(here)}: start a new one, or: unset {' '.join(here)}")


def _setter(name: str, done: Done, finds: Sequence[Find]) -> str:
    """The place in a file of a shell that gives the name a value still, "" if none was found."""
    gone = [find for cut in done.cut for find in cut.finds]
    places = [find.where for find in finds if find.name == name and find.kind in _SETTING and find not in gone]
    return places[0] if places else ""
