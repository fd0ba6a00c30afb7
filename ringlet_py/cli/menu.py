"""Bare `ringlet` on a terminal: the five things that people do, each as the command that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.cli import keychain_fields, output
from ringlet_py.cli.asking import ask, choose
from ringlet_py.entry import DEFAULT_ALIAS, check_name
from ringlet_py.errors import UsageError

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.cli.session import Session

LEAVING = "q"
_ITEMS = ("run a profile", "store a key", "create a profile", "move keys in from files", "see who used a key")
_LETTERS = "rscmw"


def chosen_command(session: Session) -> list[str]:
    """The words of the command that the person chose, none if they leave; raises typer.Abort where they end it."""
    output.say("ringlet keeps API keys, and lends them to coding agents")
    for number, (letter, item) in enumerate(zip(_LETTERS, _ITEMS, strict=True), 1):
        output.say(f"  {number} {letter}  {item}")
    output.say("  q    leave (all commands: ringlet --help)")
    place = ask("what to do", _place)
    words = _COMMANDS[place](session.app) if place >= 0 else []
    if words:
        output.say(f"$ ringlet {' '.join(words)}")
    return words


def _place(text: str) -> int:
    """Which of the items it is, -1 for none."""
    answer = text.lower()
    if answer in (LEAVING, "quit", "exit"):
        return -1
    if answer in map(str, range(1, len(_ITEMS) + 1)):
        return int(answer) - 1
    if len(answer) == 1 and answer in _LETTERS:
        return _LETTERS.index(answer)
    raise UsageError("that is none of them", hint=f"a number from 1 to {len(_ITEMS)}, its letter, or q")


def _run(app: App) -> list[str]:
    names = app.profiles.names()
    if not names:
        output.say("there are no profiles yet; this makes one")
        return _create(app)
    return ["run", names[0] if len(names) == 1 else choose("which profile", names)]


def _store(app: App) -> list[str]:
    provider = ask("provider, for example anthropic", lambda text: keychain_fields.provider_in(app, text))
    _, alias = ask("alias", lambda text: _checked(app, provider, text), default=DEFAULT_ALIAS)
    return ["keychain", "set", provider, alias]


def _checked(app: App, provider: str, alias: str) -> tuple[str, str]:
    """Both names, if they can be an address; a key that was pasted here is refused, and not repeated."""
    address = keychain_fields.address_of(app, provider, alias)
    return address.provider, address.alias


def _create(app: App) -> list[str]:
    agent = ask("agent, for example claude", lambda text: app.catalog.agent(text).name)
    provider = ask("provider, for example anthropic", lambda text: app.catalog.provider(text).name)
    alias = _alias(app, provider)
    name = ask("name of the profile", lambda text: check_name("profile", text), default=agent)
    own = [] if alias == DEFAULT_ALIAS else ["--key-alias", alias]
    return ["profiles", "create", name, "--agent", agent, "--provider", provider, *own]


def _alias(app: App, provider: str) -> str:
    """Which of the provider's keys; what the ledger knows of them is enough, and unlocks nothing."""
    there = sorted(entry.address.alias for entry in app.kept.entries.entries() if entry.address.provider == provider)
    if not there:
        return DEFAULT_ALIAS
    if len(there) == 1:
        output.say(f"its key: {provider}/{there[0]}")
        return there[0]
    return choose("which key", there, default=DEFAULT_ALIAS if DEFAULT_ALIAS in there else "")


def _move(_: App) -> list[str]:
    return ["migrate", "apply"]


def _who(_: App) -> list[str]:
    return ["audit", "list"]


_COMMANDS = (_run, _store, _create, _move, _who)
