"""Pairs a profile with its agent and provider: the rules by which a launch plan is made; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ringlet_py.errors import PairingImpossible, ProfileInvalid
from ringlet_py.pairing import Pairing, pair, partners
from ringlet_py.plan import LaunchPlan
from ringlet_py.profile.agent import CONFIG_FOLDER, HOME, KEY, Agent
from ringlet_py.profile.values import host_of, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping as Mapping_

    from ringlet_py.profile.profile import Profile
    from ringlet_py.profile.provider import Provider


# what opens the sealed keys and the ledger is for ringlet alone
_OWN = frozenset(("RINGLET_LEDGER_URL", "RINGLET_MASTER_KEY", "RINGLET_NEW_MASTER_KEY"))
_HOMES = frozenset(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"))


class Known(Protocol):
    """What planning asks of a catalog."""

    @property
    def providers(self) -> Mapping_[str, Provider]: ...

    @property
    def routing(self) -> frozenset[str]: ...

    def agent(self, name: str) -> Agent: ...

    def provider(self, name: str) -> Provider: ...


def make_plan(profile: Profile, catalog: Known, *, folder: str) -> LaunchPlan:
    """The launch plan of the profile, whose own folder is `folder`.

    Raises CatalogNotFound, PairingImpossible (naming the providers that can) where agent and provider share
    no wire shape, ProfileInvalid for a profile that contradicts the catalog.
    """
    agent, provider = catalog.agent(profile.agent), catalog.provider(profile.provider)
    try:
        pairing = pair(profile, agent, provider)
    except PairingImpossible as problem:
        able = ", ".join(partners(agent, catalog.providers.values()))
        raise PairingImpossible(problem.what, why=problem.why, hint=f"providers that can: {able}") from None
    env = _env(pairing, folder)
    _check_own_env(pairing)
    needing = [name for name, value in env.items() if value == KEY]
    pool = profile.key_pool if needing else ""
    return LaunchPlan(
        profile=profile.name,
        agent=agent.name,
        provider=provider.name,
        command=_command(profile, agent),
        args=(*_args(pairing, folder), *profile.args),
        env={**{name: value for name, value in env.items() if value != KEY}, **profile.env},
        keys={**({} if pool else dict.fromkeys(needing, profile.address)), **profile.further},
        pool=pool,
        pooled={**dict.fromkeys(needing, ""), **profile.bound} if pool else {},
        inherit=profile.inherit_env,
        drop=_drop(pairing, catalog),
        folders=_folders(pairing, folder),
        files=_files(pairing, folder),
        base_url=pairing.base_url,
        loopback=is_loopback(host_of(pairing.base_url)) if pairing.base_url else False,
        shape=pairing.mapping.shape,
        install=agent.install,
        lease=profile.lease,
    )


def _command(profile: Profile, agent: Agent) -> tuple[str, ...]:
    if agent.any and not profile.command:
        raise ProfileInvalid(
            f"the profile {profile.name} does not say which program to run",
            hint=f"ringlet profiles edit {profile.name} --command PROGRAM",
        )
    return profile.command or (agent.binary,)


def _env(pairing: Pairing, folder: str) -> dict[str, str]:
    """The agent's pins, what the wire shape needs, and the isolation's variables; `{key}` still in place."""
    agent = pairing.agent
    env = {**agent.env, **pairing.mapping.env}
    if pairing.model:
        env |= agent.model_env
    if pairing.isolation == "config" and agent.config_folder:
        env[agent.config_folder] = CONFIG_FOLDER
    if pairing.isolation == "home":
        env |= {"HOME": HOME, "USERPROFILE": HOME}
    filled = {name: _filled(value, pairing, folder) for name, value in env.items()}
    return _with_placeholder_key(filled, pairing.provider)


def _with_placeholder_key(env: dict[str, str], provider: Provider) -> dict[str, str]:
    """A keyless provider lends no key; an agent that insists on one gets the catalog's public word."""
    if not provider.keyless:
        return env
    filled = {name: provider.placeholder_key if value == KEY else value for name, value in env.items()}
    return {name: value for name, value in filled.items() if value}


def _args(pairing: Pairing, folder: str) -> tuple[str, ...]:
    model_args = pairing.agent.model_args if pairing.model else ()
    return tuple(_filled(arg, pairing, folder) for arg in (*pairing.mapping.args, *model_args))


def _files(pairing: Pairing, folder: str) -> dict[str, str]:
    files = pairing.mapping.files
    return {_filled(path, pairing, folder): _filled(text, pairing, folder) for path, text in files.items()}


def _folders(pairing: Pairing, folder: str) -> tuple[str, ...]:
    if pairing.isolation == "none":
        return ()
    names = {"config": CONFIG_FOLDER, "home": HOME}
    return (_filled(names[pairing.isolation], pairing, folder),)


def _filled(template: str, pairing: Pairing, folder: str) -> str:
    """The template with its placeholders replaced, textually: other braces belong to the agent."""
    if template == KEY:
        return KEY
    values = {
        "{base-url}": pairing.base_url,
        "{model}": pairing.model if "{model}" in template else "",
        "{provider}": pairing.provider.name,
        CONFIG_FOLDER: f"{folder}/config",
        HOME: f"{folder}/home",
    }
    for placeholder, value in values.items():
        template = template.replace(placeholder, value)
    return template


def _drop(pairing: Pairing, catalog: Known) -> frozenset[str]:
    """What is not inherited; even `all` never lets in what would divert or beat this agent's key.

    With the agent's own login there is no such key, and `all` is the way to a login made of variables (Bedrock, say).
    """
    never = _OWN | _HOMES | {pairing.agent.config_folder} if pairing.isolation == "home" else _OWN
    if pairing.profile.inherit_env != "all":
        return catalog.routing | never
    diverting = () if pairing.mapping.shape == "self" else pairing.agent.drop
    further = {address.provider for address in pairing.profile.further.values()} & set(catalog.providers)
    lent = (pairing.provider, *(catalog.provider(name) for name in sorted(further)))
    return never.union(diverting, pairing.agent.nesting, *(provider.variables for provider in lent))


def _check_own_env(pairing: Pairing) -> None:
    """A profile's own variables may not move the key to another address behind its endpoint's back."""
    profile, agent = pairing.profile, pairing.agent
    if profile.bound and pairing.provider.keyless:
        raise ProfileInvalid(
            f"the profile {profile.name} has no key whose bound secrets it could name in [env]",
            why=f"{pairing.provider.name} lends none",
            hint="name the key too: ringlet:PROVIDER/ALIAS#NAME",
        )
    taken = set({"config": {agent.config_folder}, "home": _HOMES | {"HOME", "USERPROFILE"}}.get(pairing.isolation, ()))
    if not pairing.provider.keyless:
        taken |= set(agent.env) | set(pairing.mapping.env) | set(agent.drop) | pairing.provider.variables
    for name in [*profile.env, *profile.further]:
        if name in taken:
            raise ProfileInvalid(
                f"the profile {profile.name} sets {name} in [env], which decides where the key goes",
                why="or what is isolated; ringlet sets it itself",
                hint=f"use base-url, endpoint or key-alias instead: ringlet profiles edit {profile.name}",
            )
