"""What is here already for a first launch: agents, keys, profiles; and the profiles that could be made of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.entry import DEFAULT_ALIAS, MAX_NAME
from ringlet_py.errors import LaunchError, RingletError
from ringlet_py.launcher import find_binary
from ringlet_py.planning import make_plan
from ringlet_py.profile.profile import Profile
from ringlet_py.usable import usable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ringlet_py.app import App
    from ringlet_py.catalog import Catalog
    from ringlet_py.entry import Address
    from ringlet_py.profile.agent import Agent


@dataclass(frozen=True, kw_only=True)
class Found:
    """An agent of the catalog that is on PATH."""

    agent: str
    title: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A profile that could be made: an agent that is here with a key that it can use."""

    name: str
    agent: str
    provider: str
    alias: str

    @property
    def key(self) -> str:
        """The key's address."""
        return f"{self.provider}/{self.alias}"

    def words(self, name: str) -> list[str]:
        """The command that makes it, under that name."""
        alias = [] if self.alias == DEFAULT_ALIAS else ["--key-alias", self.alias]
        return ["profiles", "create", name, "--agent", self.agent, "--provider", self.provider, *alias]


@dataclass(frozen=True, kw_only=True)
class Start:
    """Everything that is here; `profiles` as `ProfileStore.summary` says them.

    `lacking` is, by the name of each profile whose key is not there, that key.
    """

    place: str
    agents: tuple[Found, ...]
    keys: tuple[str, ...]
    profiles: tuple[dict[str, str], ...]
    proposals: tuple[Proposal, ...]
    lacking: dict[str, Address]


def look(app: App) -> Start:
    """What is here now; changes and unlocks nothing.  Raises KeychainErrors, CatalogInvalid."""
    agents = found_agents(app.catalog, app.environ)
    now = int(app.clock() * 1000)
    keys = [entry.address for entry in app.keychain.entries() if usable(entry, now) is None]
    profiles = tuple(app.profiles.summary(name) for name in app.profiles.names())
    return Start(
        place=app.backend.place,
        agents=tuple(agents),
        keys=tuple(map(str, keys)),
        profiles=profiles,
        proposals=tuple(_proposals(agents, keys, profiles, app.catalog)),
        lacking=_lacking(app, [one["name"] for one in profiles if not one["problem"]]),
    )


def _lacking(app: App, names: list[str]) -> dict[str, Address]:
    there = app.keychain.there() if names else set()
    found: dict[str, Address] = {}
    for name in names:
        try:
            plan = make_plan(app.profiles.load(name), app.catalog, folder="")
        except RingletError:
            continue  # to run it says what is wrong
        gone = [address for address in plan.addresses() if address not in there]
        found |= {name: gone[0]} if gone else {}
    return found


def found_agents(catalog: Catalog, environ: Mapping[str, str]) -> list[Found]:
    """The agents of the catalog whose program is on PATH, by name."""
    paths = {agent.name: _path(agent, environ) for agent in catalog.agents.values() if agent.binary}
    return [
        Found(agent=name, title=catalog.agents[name].title, path=path) for name, path in sorted(paths.items()) if path
    ]


def _path(agent: Agent, environ: Mapping[str, str]) -> str:
    try:
        return find_binary(agent.binary, environ)
    except LaunchError:
        return ""


def _proposals(
    agents: list[Found], keys: list[Address], profiles: tuple[dict[str, str], ...], catalog: Catalog
) -> list[Proposal]:
    """Each agent with each key that it can use, but for the pairs that a profile has already."""
    there = {(one["agent"], one["key"]) for one in profiles}
    pairs = [(found.agent, key) for found in agents for key in keys if (found.agent, str(key)) not in there]
    able = [(agent, key) for agent, key in pairs if _can_use(agent, key, catalog)]
    taken = {one["name"] for one in profiles}
    proposals: list[Proposal] = []
    for agent, key in able:
        name = _name(agent, key, taken)
        taken.add(name)
        proposals.append(Proposal(name=name, agent=agent, provider=key.provider, alias=key.alias))
    return proposals


def _can_use(agent: str, key: Address, catalog: Catalog) -> bool:
    """Whether a profile of the two would be sound with nothing else said in it."""
    profile = Profile(name=agent, agent=agent, provider=key.provider, key_alias=key.alias, env={}, references={})
    try:
        plan = make_plan(profile, catalog, folder="")
    except RingletError:
        return False
    return key in plan.addresses()


def _name(agent: str, key: Address, taken: Collection[str]) -> str:
    """The shortest name that is free: the agent's, then with the alias, the provider, both, and a number."""
    told = [agent, f"{agent}-{key.alias}", f"{agent}-{key.provider}", f"{agent}-{key.provider}-{key.alias}"]
    if key.alias == DEFAULT_ALIAS:
        told = [agent, f"{agent}-{key.provider}"]
    numbered = (f"{agent}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*told, *numbered) if name not in taken and len(name) <= MAX_NAME)
