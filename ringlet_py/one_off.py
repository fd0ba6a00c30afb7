"""A launch without a profile: `ringlet run --key PROVIDER/ALIAS -- COMMAND`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py import values
from ringlet_py.agreeing import agreed_plan
from ringlet_py.entry import Address
from ringlet_py.errors import UsageError
from ringlet_py.planning import make_plan
from ringlet_py.profile.profile import Profile
from ringlet_py.suggest import nearest

if TYPE_CHECKING:
    from ringlet_py.catalog import Catalog
    from ringlet_py.ledger.made import LedgerParts
    from ringlet_py.plan import LaunchPlan
    from ringlet_py.profile.agent import Agent

GENERIC = "generic"
CUSTOM = "custom"


def plan(
    keys: list[str],
    command: tuple[str, ...],
    *,
    catalog: Catalog,
    kept: LedgerParts | None = None,
    base_url: str = "",
) -> tuple[LaunchPlan, tuple[str, ...]]:
    """The plan for the command with the keys, and the command's own arguments.

    What the ledger `kept` says of the keys holds; without it nothing limits them, and `base_url` is where the key
    without a variable of its own goes, if that is not the catalog's endpoint.

    A key is `provider/alias`, or `VARIABLE=provider/alias` where the catalog does not know the variable.
    A command that is an agent of the catalog gets that agent's mapping, pins included.  Raises UsageError.
    """
    if not command:
        raise UsageError("there is no command", hint="ringlet run --key PROVIDER/ALIAS -- COMMAND [ARGS]")
    named = dict(_named(key) for key in keys if "=" in key)
    own = [Address.parse(key) for key in keys if "=" not in key]
    if len(own) > 1:
        raise UsageError("of several keys, all but one need their variable", hint="--key VARIABLE=PROVIDER/ALIAS")
    if any(address.field for address in own):
        raise UsageError("a bound secret needs its variable", hint=f"--key VARIABLE={own[0]}")
    for address in (*own, *named.values()):
        values.check_address(address, catalog.providers)
    profile = _profile(own, named, command, catalog, base_url=base_url)
    made = agreed_plan(profile, catalog, kept, folder="") if kept else make_plan(profile, catalog, folder="")
    if made.folders or made.files:
        raise UsageError(
            f"{profile.agent} needs files of its own, and so a profile",
            hint=f"ringlet profiles create NAME --agent {profile.agent} --provider {profile.provider}",
        )
    return made, command[1:]


def _profile(
    own: list[Address], named: dict[str, Address], command: tuple[str, ...], catalog: Catalog, *, base_url: str
) -> Profile:
    agent = _agent_of(command[0], catalog) if own else None
    if own and own[0].provider not in catalog.providers:
        raise UsageError(
            f"the catalog does not know which variable takes a key of {own[0].provider!r}",
            why=f"did you mean {near!r}?" if (near := nearest(own[0].provider, catalog.providers)) else "",
            hint=f"--key VARIABLE={own[0]}",
        )
    return Profile(
        name="",
        agent=agent.name if agent else GENERIC,
        provider=own[0].provider if own else "self",
        key_alias=own[0].alias if own else "default",
        base_url=base_url if own else "",
        command=(_absolute(command[0]),),
        env={},
        references=named,
    )


def _agent_of(program: str, catalog: Catalog) -> Agent | None:
    name = os.path.basename(program)
    return next((agent for agent in catalog.agents.values() if agent.binary == name), None)


def _absolute(program: str) -> str:
    """A path as typed is meant from the current folder; a bare name is looked up on PATH."""
    return os.path.abspath(program) if os.path.dirname(program) else program


def _named(key: str) -> tuple[str, Address]:
    variable, _, address = key.partition("=")
    if not variable.isidentifier():
        raise UsageError(f"{variable!r} is not the name of a variable", hint="--key VARIABLE=PROVIDER/ALIAS")
    return variable, Address.parse(address)
