"""The steps of `ringlet init`; each thing that is done is the command that does it, shown and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ringlet_py import starting
from ringlet_py.cli import keychain_fields, output
from ringlet_py.cli.asking import agrees, ask, choose
from ringlet_py.cli.migrate_profile import OWN
from ringlet_py.entry import DEFAULT_ALIAS, check_name
from ringlet_py.errors import ProfileExists, UsageError
from ringlet_py.files.private import make_private_folder

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.moving.finding import Find
    from ringlet_py.starting import Proposal, Start

NO_AGENT = "no agent of the catalog is on PATH (ringlet catalog agents); any command can have a key: ringlet run --key"
OTHER = "another one, or none"


def guide(session: Session) -> None:
    """Goes through it with a person; run again, it says what is there and goes on from there."""
    make_private_folder(session.app.folders.config)
    say_what_is_here(starting.look(session.app))
    _move_keys_in(session)
    if not starting.look(session.app).keys:
        _store_a_key(session)
    _make_a_profile(session)
    output.say("")
    output.say("next:")
    output.line(next_command(starting.look(session.app)))


def run(session: Session, words: list[str], *, must: bool = True) -> None:
    """Shows the command and runs it; where it `must` not fail and does, raises typer.Exit with its status."""
    from ringlet_py.cli.main import INTERRUPTED
    from ringlet_py.cli.main import run as run_command

    output.say(f"$ ringlet {' '.join(words)}")
    own = {None: [], True: ["--audit-log"], False: ["--no-audit-log"]}[session.audit_log]
    status = run_command([*own, *words], session.environ)
    if status == INTERRUPTED or (status and must):
        raise typer.Exit(status)


def say_what_is_here(start: Start) -> None:
    """Agents, keys and profiles, one line each."""
    output.say(output.printable(f"keys are kept in {start.place}"))
    agents = ", ".join(f"{found.agent} ({found.path})" for found in start.agents)
    output.say(output.printable(f"agents: {agents}" if agents else NO_AGENT))
    output.say(f"keys: {', '.join(start.keys) or 'none yet'}")
    profiles = ", ".join(f"{one['name']} ({one['problem'] or one['key']})" for one in start.profiles)
    output.say(output.printable(f"profiles: {profiles or 'none yet'}"))


def next_command(start: Start) -> str:
    """The one command to type next."""
    sound = [one["name"] for one in start.profiles if not one["problem"] and one["name"] not in start.lacking]
    if sound:
        return f"ringlet run {sound[0]}"
    if start.lacking:
        return next(iter(start.lacking.values())).to_set()
    if start.proposals:
        first = ranked(start)[0]
        return f"ringlet {' '.join(first.words(first.name))}"
    if start.keys:
        return f"ringlet run --key {start.keys[0]} -- COMMAND"
    return "ringlet keychain set PROVIDER"


def ranked(start: Start) -> list[Proposal]:
    """The proposals, those first whose agent is made by who sells the key."""
    return sorted(start.proposals, key=lambda each: OWN.get(each.provider) != each.agent)


def lying_about(session: Session) -> list[Find]:
    """The keys that lie about and could be moved in, or cut out where the keychain has them already."""
    from ringlet_py.cli.migrate_chosen import scanned
    from ringlet_py.moving.finding import is_possible

    return [find for find in scanned(session, "").finds if is_possible(find)]


def _move_keys_in(session: Session) -> None:
    """Asks which of the keys that lie about to move; what would be edited is shown and asked by the command."""
    from ringlet_py.cli import migrate_shown
    from ringlet_py.moving.judging import PERHAPS, SURE

    found = lying_about(session)
    if not found:
        output.say("no keys lie about in files")
        return
    headings = {SURE: "keys that lie about, and can be moved in", PERHAPS: "perhaps keys"}
    migrate_shown.finds(found, home=session.app.folders.home, headings=headings)
    addresses = list(dict.fromkeys(find.address for find in found))
    for number, address in enumerate(addresses, 1):
        output.say(output.printable(f"  {number}  {address}"))
    wanted = ask("which to move: all, none, or numbers", lambda text: _numbered(text, addresses), default="all")
    if wanted:
        select = [word for address in wanted for word in ("--select", address)]
        run(session, ["migrate", "apply", "--no-profile", *select], must=False)


def _numbered(text: str, addresses: list[str]) -> list[str]:
    """The addresses that the words mean: all, none, or their numbers."""
    words = text.replace(",", " ").lower().split()
    if words in (["all"], ["none"]):
        return addresses if words == ["all"] else []
    if not all(word.isdecimal() and 1 <= int(word) <= len(addresses) for word in words):
        raise UsageError("that is none of them", hint=f"all, none, or numbers from 1 to {len(addresses)}, like: 1 3")
    return [addresses[int(word) - 1] for word in words]


def _store_a_key(session: Session) -> None:
    if not agrees("store a key now?", default=True):
        return
    app = session.app
    provider = ask("provider, for example anthropic", lambda text: keychain_fields.provider_in(app, text))
    run(session, ["keychain", "set", provider, DEFAULT_ALIAS])


def _make_a_profile(session: Session) -> None:
    """One of the profiles that could be made; where there are some already, only if the person wants another."""
    start = starting.look(session.app)
    if not start.proposals:
        return
    if start.profiles and not agrees("make another profile?", default=False):
        return
    chosen = _chosen(start)
    if chosen is None:
        return
    taken = {one["name"] for one in start.profiles}
    name = ask("name of the profile", lambda text: _free(text, taken), default=chosen.name)
    run(session, chosen.words(name))


def _chosen(start: Start) -> Proposal | None:
    proposals = ranked(start)
    shown = [f"{each.agent} with {each.key}" for each in proposals]
    answer = choose("which profile", [*(each.name for each in proposals), OTHER], default="1", shown=[*shown, OTHER])
    return next((each for each in proposals if each.name == answer), None)


def _free(name: str, taken: set[str]) -> str:
    if check_name("profile", name) in taken:
        raise ProfileExists(f"the profile {name} exists already", hint="choose another name")
    return name
