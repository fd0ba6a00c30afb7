"""Offers a profile for an agent that is here and can use a key that was just moved."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import typer

from ringlet_py.cli import output
from ringlet_py.entry import Address
from ringlet_py.errors import LaunchError, RingletError
from ringlet_py.launcher import find_binary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ringlet_py.app import App
    from ringlet_py.cli.session import Session

# the agent that a provider makes itself comes first
OWN = {"anthropic": "claude", "claude-subscription": "claude", "openai": "codex", "gemini": "gemini", "xai": "grok"}


def offer_profile(session: Session, addresses: Sequence[str], *, name: str, wanted: bool) -> bool:
    """Creates the profile of that name; without one, asks whether there should be one, if a person can answer.

    False, and it says why, where the one that was named could not be created.
    """
    if not wanted or not (name or session.can_ask):
        return True
    app = session.app
    pairs = list(_pairs(app, addresses))
    if not pairs:
        if name:
            output.say(f"note: no profile was created: {_why_none(app, addresses)}")
        return not name
    agent, address = pairs[0]
    chosen = name or agent
    if not name and (chosen in app.profiles.names() or not _asked(chosen, agent, address)):
        return True
    _create(app, chosen, agent, address)
    output.say(f"created {chosen}; run it: ringlet run {shlex.quote(chosen)}")
    return True


def _why_none(app: App, addresses: Sequence[str]) -> str:
    agents = _agents(app)
    if not addresses:
        return "no key was moved; see: ringlet keychain list, ringlet profiles create"
    if not agents:
        return "no agent is here that ringlet knows; see: ringlet catalog agents"
    return f"{' and '.join(agents)} cannot use {', '.join(addresses)}"


def _asked(name: str, agent: str, address: Address) -> bool:
    return typer.confirm(f"create a profile {name}, which runs {agent} with {address}?", err=True)


def _pairs(app: App, addresses: Sequence[str]) -> Iterator[tuple[str, Address]]:
    """Which agent that is here can use which of the keys, the best first."""
    parsed = [Address.parse(each) for each in addresses]
    agents = _agents(app)
    own = [(OWN[each.provider], each) for each in parsed if OWN.get(each.provider) in agents]
    others = [(agent, each) for each in parsed for agent in agents if (agent, each) not in own]
    yield from (pair for pair in (*own, *others) if _can_be(app, *pair))


def _agents(app: App) -> list[str]:
    return [name for name, agent in app.catalog.agents.items() if agent.binary and _is_here(app, agent.binary)]


def _is_here(app: App, binary: str) -> bool:
    try:
        return bool(find_binary(binary, app.environ))
    except LaunchError:
        return False


def _can_be(app: App, agent: str, address: Address) -> bool:
    try:
        return bool(_planned(app, "migrated", agent, address))
    except RingletError:
        return False


def _create(app: App, name: str, agent: str, address: Address) -> None:
    app.profiles.save(name, _planned(app, name, agent, address))


def _planned(app: App, name: str, agent: str, address: Address) -> str:
    """The profile's document, which could be run."""
    from ringlet_py import drafting

    text = drafting.changed("", agent=agent, provider=address.provider, key_alias=address.alias)
    app.plan(drafting.checked(app.profiles, name, text))
    return text
