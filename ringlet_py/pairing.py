"""How an agent and a provider talk to each other: the wire shape, the mapping and the address; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import PairingImpossible, ProfileInvalid
from ringlet_py.profile.agent import KEY, Agent, Mapping
from ringlet_py.profile.values import ISOLATIONS
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    _check_address(profile, agent, provider, shape=shape, base_url=base_url)
    mapping = _mapping(agent, provider, shape, base_url)
    if profile.isolation == "config" and not agent.config_folder:
        raise ProfileInvalid(
            f"{agent.name} has no variable for its configuration folder",
            hint="use isolation home, which gives it a HOME of its own",
        )
    return Pairing(profile=profile, agent=agent, provider=provider, mapping=mapping, base_url=base_url)


def _check_address(profile: Profile, agent: Agent, provider: Provider, *, shape: str, base_url: str) -> None:
    """The address that the profile shows is the one that the agent is told; else ProfileInvalid."""
    if shape == "self":
        if profile.base_url or not provider.keyless:
            raise ProfileInvalid(
                "with the agent's own login ringlet gives it neither a key nor an address",
                hint="leave shape and base-url out",
            )
    elif not base_url and not agent.any:
        raise ProfileInvalid(
            f"the provider {provider.name} has no address of its own for {shape}",
            hint=f"give it one: ringlet profiles create {profile.name} … --base-url https://…",
        )
    elif agent.any and (profile.base_url or profile.endpoint) and not provider.base_url_env:
        raise ProfileInvalid(
            f"no variable tells any program the address of {provider.name}, so its key could go elsewhere",
            hint="leave base-url and endpoint out, or name a base-url-env in providers/*.toml of the config folder",
        )


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


def _words(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
