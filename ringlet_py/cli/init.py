"""`ringlet init`: what is here, which keys to move in, a first profile, and the one command to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py import starting
from ringlet_py.cli import init_steps as steps
from ringlet_py.cli import output
from ringlet_py.cli.session import session_of
from ringlet_py.errors import ConsentNeeded
from ringlet_py.files.private import make_private_folder

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.starting import Start

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Ask nothing: make the one profile that is possible, and move no key.")
]
Json = Annotated[bool, typer.Option("--json", help="Show one JSON object; without -y nothing is changed.")]


def init(context: typer.Context, yes: Yes = False, json: Json = False) -> None:
    """Set ringlet up: looks what is here, moves keys in if you wish, makes a first profile, says what to type next."""
    session = session_of(context)
    if json:
        _document(session, yes=yes)
    elif yes:
        _without_questions(session)
    elif session.can_ask:
        steps.guide(session)
    else:
        _explain(session)


def _without_questions(session: Session) -> None:
    start = starting.look(session.app)
    steps.say_what_is_here(start)
    if count := len(steps.lying_about(session)):
        output.say(f"keys that lie about in files, and stay there: {count}; look: ringlet migrate scan")
    created = _defaults(session, start)
    if not created and not start.profiles and len(start.proposals) > 1:
        output.say("which profile you want is yours to say:")
        for each in steps.ranked(start):
            output.say(f"  ringlet {' '.join(each.words(each.name))}")
    output.line(steps.next_command(starting.look(session.app)))


def _defaults(session: Session, start: Start) -> str:
    """Makes the configuration folder, and the first profile if there is no choice; its name, "" if none was made."""
    make_private_folder(session.app.folders.config)
    if start.profiles or len(start.proposals) != 1:
        return ""
    only = start.proposals[0]
    steps.run(session, only.words(only.name))
    return only.name


def _document(session: Session, *, yes: bool) -> None:
    start = starting.look(session.app)
    created = _defaults(session, start) if yes else ""
    after = starting.look(session.app) if created else start
    from ringlet_py.cli.migrate_shown import as_json

    output.document(
        place=after.place,
        agents=[vars(found) for found in after.agents],
        keys=list(after.keys),
        profiles=list(after.profiles),
        proposals=[_proposal(each) for each in steps.ranked(after)],
        found=[as_json(find) for find in steps.lying_about(session)],
        created=created or None,
        next=steps.next_command(after),
    )


def _proposal(each: starting.Proposal) -> dict[str, Any]:
    command = ["ringlet", *each.words(each.name)]
    return {"name": each.name, "agent": each.agent, "key": each.key, "command": command}


def _explain(session: Session) -> None:
    """What it would do, and the commands that do it; raises ConsentNeeded, since nothing was done."""
    start = starting.look(session.app)
    output.lines(
        [
            "ringlet init asks which keys to move in, and which profile to make; here nobody can answer.",
            "  ringlet init -y          asks nothing: makes the one profile that is possible, and moves no key",
            "  ringlet migrate scan     shows the keys that lie about in files",
            "  ringlet migrate apply    moves them in, and can be undone",
            "  ringlet keychain set PROVIDER ALIAS",
            "  ringlet profiles create NAME --agent AGENT --provider PROVIDER",
        ]
    )
    steps.say_what_is_here(start)
    raise ConsentNeeded("init has questions, and there is no terminal to answer them at", hint="ringlet init -y")
