"""`ringlet doctor`: what is wrong here, and the exact command that mends it."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output
from ringlet_py.cli.session import session_of
from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.backends import Backend
    from ringlet_py.cli.session import Session
    from ringlet_py.doctor.finding import Finding, Repair
    from ringlet_py.doctor.surroundings import Surroundings

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]
FOUND = 1  # the exit status where anything is worse than a note
_MARKS = {"ok": "✔", "note": "·", "warning": "⚠", "problem": "✘"}
_PLAIN = {"ok": "ok", "note": "-", "warning": "!", "problem": "x"}


def look(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --fix: do not ask.")] = False,
    json: Json = False,
) -> None:
    """Look for what is wrong here: backend, files, variables, agents, keys, records; exit status 1 if something is."""
    from ringlet_py.doctor.finding import needs_attention

    session = session_of(context)
    surroundings = _surroundings(session)
    found = _examined(surroundings)
    mended = _mended(session, surroundings, found, yes=yes) if fix else []
    if mended:
        surroundings = _surroundings(session)
        found = _examined(surroundings)
    if json:
        _show_json(found, mended, surroundings)
    else:
        _show(found)
    if needs_attention(found):
        raise typer.Exit(FOUND)


def _surroundings(session: Session) -> Surroundings:
    """What is looked at, with an app of its own that asks nobody and says nothing beside the findings."""
    from ringlet_py.app import App
    from ringlet_py.doctor.programs import answers
    from ringlet_py.doctor.surroundings import Surroundings
    from ringlet_py.doctor.system import system_of

    clock = session.app.clock
    app = App(session.environ, config=session.config, clock=clock, say=lambda _: None)
    return Surroundings(
        app=app,
        system=system_of(sys.platform, session.environ),
        keychain=lambda: _keychain(session),
        run=partial(answers, environ=session.environ, folder=session.environ.get("HOME", os.sep)),
        daemon=lambda: _daemon(session),
        root="/",
        user=os.geteuid() if hasattr(os, "geteuid") else -1,
    )


def _examined(surroundings: Surroundings) -> list[Finding]:
    from ringlet_py.cli.progress import progress
    from ringlet_py.doctor.examining import CHECKS, examine

    with progress("looking", total=len(CHECKS), long_steps=True) as done:
        return examine(surroundings, done=done)


def _keychain(session: Session) -> Backend:
    """The OS keychain, with little time for each answer."""
    from ringlet_py.backends.system import system_backend
    from ringlet_py.doctor.surroundings import KEYCHAIN_PATIENCE

    return system_backend(session.environ, timeout=KEYCHAIN_PATIENCE, can_ask=False, say=lambda _: None)


def _daemon(session: Session) -> str:
    """The version of the daemon that runs, "" if none does."""
    from ringlet_py.daemon.running import Runtime

    found = Runtime.of(session.app).find()
    return found.version if found else ""


def _mended(session: Session, surroundings: Surroundings, found: list[Finding], *, yes: bool) -> list[Repair]:
    """What was mended, after it was shown and agreed to."""
    from ringlet_py.doctor.fixing import repairs_of, still_needed

    repairs = repairs_of(found)
    if not repairs:
        output.say("there is nothing that --fix can mend")
        return []
    for repair in repairs:
        output.say(output.printable(f"to do: {repair.command}"))
    session.confirm(
        "mend this?" if len(repairs) == 1 else f"mend these {len(repairs)}?",
        otherwise="ringlet doctor --fix --yes",
        yes=yes,
    )
    return [repair for repair in still_needed(repairs, surroundings) if _mend(repair, surroundings.user)]


def _mend(repair: Repair, user: int) -> bool:
    """Whether it could be mended; what could not be does not stop the others."""
    from ringlet_py.doctor.fixing import mend

    try:
        mend(repair, user=user)
    except (RingletError, OSError) as problem:
        output.say(output.printable(f"not mended: {repair.command}: {output.of_ours(problem).what}"))
        return False
    output.say(output.printable(f"done: {repair.command}"))
    return True


def _show_json(found: list[Finding], mended: list[Repair], surroundings: Surroundings) -> None:
    from ringlet_py.doctor.finding import counted

    output.document(
        system=str(surroundings.system),
        findings=[_document(each) for each in found],
        mended=[each.command for each in mended],
        summary=counted(found),
    )


def _document(finding: Finding) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(finding).items() if name != "repairs"}
    return {"check": fields.pop("check"), **fields, "fixable": finding.fixable}


def _show(found: list[Finding]) -> None:
    """The findings below what they are about, and how many there are of each state."""
    from ringlet_py.doctor.examining import title_of
    from ringlet_py.doctor.finding import counted, many

    marks, before = _marks(), ""
    for each in found:
        title = title_of(each.check)
        if title != before:
            output.line(title)
        before = title
        output.lines(_lines(each, marks[each.state]))
    counts = counted(found)
    told = (many(counts[state], state) for state in ("problem", "warning", "note"))
    output.line(", ".join(told))
    if any(each.fixable for each in found):
        output.say("some of it can be mended with: ringlet doctor --fix")


def _lines(finding: Finding, mark: str) -> Iterable[str]:
    yield output.printable(f"  {mark} {finding.what}")
    if finding.why:
        yield output.printable(f"      {finding.why}")
    if finding.mend:
        yield output.printable(f"      → {finding.mend}" if mark in _MARKS.values() else f"      > {finding.mend}")


def _marks() -> dict[str, str]:
    """Signs where the terminal or file can take them, plain ones elsewhere."""
    try:
        "".join([*_MARKS.values(), "→"]).encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _PLAIN
    return _MARKS
