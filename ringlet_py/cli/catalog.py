"""`ringlet catalog`: which agents and providers ringlet knows, and which go together."""

from __future__ import annotations

from typing import Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli.session import app_of
from ringlet_py.pairing import partners

Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="The agents and providers that ringlet knows.", no_args_is_help=True)
    group.command("agents")(list_agents)
    group.command("providers")(list_providers)
    return group


def list_agents(context: typer.Context, json: Json = False) -> None:
    """List the agents, with their binary and the providers each can be paired with."""
    catalog = app_of(context).catalog
    pairs = {agent.name: partners(agent, catalog.providers.values()) for agent in catalog.agents.values()}
    if json:
        output.document(
            agents=[
                {
                    "name": a.name,
                    "title": a.title,
                    "binary": a.binary,
                    "checked": a.checked,
                    "providers": pairs[a.name],
                }
                for a in catalog.agents.values()
            ]
        )
        return
    output.table(
        ("AGENT", "BINARY", "PROVIDERS"),
        [(a.name, a.binary or "-", ", ".join(pairs[a.name])) for a in catalog.agents.values()],
    )


def list_providers(
    context: typer.Context,
    agent: Annotated[str, typer.Option("--agent", help="Only those this agent can use.")] = "",
    json: Json = False,
) -> None:
    """List the providers, with the variable of the key and the page where one is made."""
    catalog = app_of(context).catalog
    wanted = partners(catalog.agent(agent), catalog.providers.values()) if agent else list(catalog.providers)
    found = [catalog.providers[name] for name in wanted]
    if json:
        output.document(
            providers=[
                {
                    "name": p.name,
                    "title": p.title,
                    "key_variable": p.key_env or None,
                    "endpoints": p.endpoints,
                    "sign_up": p.sign_up or None,
                }
                for p in found
            ]
        )
        return
    output.table(
        ("PROVIDER", "KEY VARIABLE", "ENDPOINTS", "MAKE A KEY AT"),
        [(p.name, p.key_env or "-", ", ".join(p.endpoints) or "-", p.sign_up or "-") for p in found],
    )
