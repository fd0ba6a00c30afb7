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


def offer_profile(session: Session, addresses: Sequence[str], *, name: str, wanted: bool) -> None:
    """Creates the profile of that name; without one, asks whether there should be one, if a person can answer."""
    if not wanted or not (name or session.can_ask):
        return
    app = session.app
    pairs = list(_pairs(app, addresses))
    if not pairs:
        if name:
            output.say("note: no profile was created: no agent that is here can use these keys")
        return
    agent, address = pairs[0]
    chosen = name or agent
    if not name and (chosen in app.profiles.names() or not _asked(chosen, agent, address)):
        return
    _create(app, chosen, agent, address)
    output.say(f"created {chosen}; run it: ringlet run {shlex.quote(chosen)}")


def _asked(name: str, agent: str, address: Address) -> bool:
    return typer.confirm(f"create a profile {name}, which runs {agent} with {address}?", err=True)


def _pairs(app: App, addresses: Sequence[str]) -> Iterator[tuple[str, Address]]:
    """Which agent that is here can use which of the keys, the best first."""
    parsed = [Address.parse(each) for each in addresses]
    agents = [name for name, agent in app.catalog.agents.items() if agent.binary and _is_here(app, agent.binary)]
    own = [(OWN[each.provider], each) for each in parsed if OWN.get(each.provider) in agents]
    others = [(agent, each) for each in parsed for agent in agents if (agent, each) not in own]
    yield from (pair for pair in (*own, *others) if _can_be(app, *pair))


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
