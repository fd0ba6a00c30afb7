"""Pairs a profile with its agent and provider: the rules by which a launch plan is made; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ringlet_py.errors import PairingImpossible, ProfileInvalid
from ringlet_py.plan import LaunchPlan
from ringlet_py.profile.agent import CONFIG_FOLDER, HOME, ISOLATIONS, KEY, Agent, Mapping
from ringlet_py.profile.values import host_of, is_loopback
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping as Mapping_

    from ringlet_py.profile.profile import Profile
    from ringlet_py.profile.provider import Provider


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """How this profile's agent and provider talk: the mapping and the base URL ("" for the agent's own)."""

    profile: Profile
    agent: Agent
    provider: Provider
    mapping: Mapping
    base_url: str

    @property
    def isolation(self) -> str:
        """The stronger of what the profile wants and what the mapping needs."""
        return max(self.profile.isolation, self.mapping.isolation, key=ISOLATIONS.index)

    @property
    def model(self) -> str:
        """The profile's model, else the provider's first if the mapping cannot do without."""
        needed = "{model}" in "".join([*self.mapping.args, *self.mapping.env.values(), *self.mapping.files.values()])
        first = self.provider.models[0] if needed and self.provider.models else ""
        if needed and not (self.profile.model or first):
            raise ProfileInvalid(
                f"{self.agent.name} with {self.provider.name} must be told a model",
                hint=f"ringlet profiles edit {self.profile.name} --model MODEL",
            )
        return self.profile.model or first


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
    return LaunchPlan(
        profile=profile.name,
        agent=agent.name,
        provider=provider.name,
        command=_command(profile, agent),
        args=(*_args(pairing, folder), *profile.args),
        env={**{name: value for name, value in env.items() if value != KEY}, **profile.env},
        keys={**{name: profile.address for name, value in env.items() if value == KEY}, **profile.references},
        inherit=profile.inherit_env,
        drop=_drop(pairing, catalog.routing),
        folders=_folders(pairing, folder),
        files=_files(pairing, folder),
        base_url=pairing.base_url,
        loopback=is_loopback(host_of(pairing.base_url)) if pairing.base_url else False,
        shape=pairing.mapping.shape,
        install=agent.install,
    )


def pair(profile: Profile, agent: Agent, provider: Provider) -> Pairing:
    """The first wire shape of the agent that the provider's endpoint offers."""
    endpoint = _endpoint(profile, provider)
    offered = [profile.shape] if profile.shape else [*endpoint, *provider.shapes]
    shape = next((shape for shape in _wanted(agent, offered) if shape in offered), "")
    if not shape:
        raise PairingImpossible(
            f"{agent.title} cannot talk to {provider.title}",
            why=f"it speaks {_words(agent.shapes)}; {provider.name} offers {_words(offered)}",
        )
    base_url = profile.base_url or endpoint.get(shape, "")
    if not base_url and not provider.keyless and not agent.any:
        raise ProfileInvalid(
            f"the provider {provider.name} has no address of its own",
            hint=f"give it one: ringlet profiles create {profile.name} … --base-url https://…",
        )
    mapping = _mapping(agent, provider, shape, base_url)
    return Pairing(profile=profile, agent=agent, provider=provider, mapping=mapping, base_url=base_url)


def partners(agent: Agent, providers: Iterable[Provider]) -> list[str]:
    """The names of the providers that the agent can be paired with."""
    return sorted(provider.name for provider in providers if set(agent.shapes) & set(provider.all_shapes()))


def _endpoint(profile: Profile, provider: Provider) -> dict[str, str]:
    """An endpoint that is not there is an error, never another one: the key would go to another host."""
    if profile.endpoint and profile.endpoint not in provider.endpoints:
        raise ProfileInvalid(
            f"the provider {provider.name} has no endpoint {profile.endpoint!r}",
            why=did_you_mean(profile.endpoint, provider.endpoints),
            hint=f"ringlet profiles edit {profile.name} --endpoint ENDPOINT",
        )
    name = profile.endpoint or next(iter(provider.endpoints), "")
    return provider.endpoints.get(name, {})


def _wanted(agent: Agent, offered: list[str]) -> Iterable[str]:
    """The shapes to try in order: the agent's own preference; `generic` takes what the provider has first."""
    return offered if agent.any else agent.shapes


def _mapping(agent: Agent, provider: Provider, shape: str, base_url: str) -> Mapping:
    if agent.any:
        return _generic_mapping(provider, shape, base_url)
    return next(mapping for mapping in agent.mappings if mapping.shape == shape)


def _generic_mapping(provider: Provider, shape: str, base_url: str) -> Mapping:
    """Any program gets the provider's own variables."""
    env = {provider.key_env: KEY} if provider.key_env else {}
    if provider.base_url_env and base_url:
        env[provider.base_url_env] = "{base-url}"
    return Mapping(shape=shape, env=env, args=(), files={}, isolation="none")


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


def _drop(pairing: Pairing, routing: frozenset[str]) -> frozenset[str]:
    """What is not inherited; even `all` never lets in what would divert or beat this agent's key.

    With the agent's own login there is no such key, and `all` is the way to a login made of variables (Bedrock, say).
    """
    if pairing.profile.inherit_env != "all":
        return routing
    diverting = () if pairing.mapping.shape == "self" else pairing.agent.drop
    return frozenset([*diverting, *pairing.agent.nesting]) | pairing.provider.variables


def _check_own_env(pairing: Pairing) -> None:
    """A profile's own variables may not move the key to another address behind its endpoint's back."""
    if pairing.provider.keyless:
        return
    profile, agent = pairing.profile, pairing.agent
    taken = set(agent.env) | set(pairing.mapping.env) | set(agent.drop) | pairing.provider.variables
    for name in [*profile.env, *profile.references]:
        if name in taken:
            raise ProfileInvalid(
                f"the profile {profile.name} sets {name} in [env], which decides where the key goes",
                hint=f"use base-url, endpoint or key-alias instead: ringlet profiles edit {profile.name}",
            )


def _words(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
