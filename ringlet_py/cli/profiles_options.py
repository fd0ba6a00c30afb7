"""The options of `ringlet profiles` that say what a profile is."""

from __future__ import annotations

from typing import Annotated

import typer

Agent = Annotated[str, typer.Option("--agent", help="The program to run.")]
Provider = Annotated[str, typer.Option("--provider", help="Who sells the API.")]
KeyPool = Annotated[str, typer.Option("--key-pool", help="A pool to take the key from, instead of one alias.")]
KeyAlias = Annotated[str, typer.Option("--key-alias", help="Which of the provider's keys (default: default).")]
Endpoint = Annotated[str, typer.Option("--endpoint", help="One of the provider's endpoints.")]
BaseUrl = Annotated[
    str,
    typer.Option(
        "--base-url",
        help="Where the key goes, instead of the catalog's endpoint: https, or http on loopback.",
    ),
]
Model = Annotated[str, typer.Option("--model", help="The model the agent is told to use.")]
Shape = Annotated[str, typer.Option("--shape", help="The wire shape, where several would do.")]
Command = Annotated[
    list[str] | None,
    typer.Option("--command", metavar="WORD", help="For the agent generic: the program, one word each time."),
]
Arg = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="WORD", help="An argument the agent always gets (repeatable)."),
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME=VALUE",
        help="A further variable; VALUE may be ringlet:PROVIDER/ALIAS (repeatable).",
    ),
]
InheritEnv = Annotated[str, typer.Option("--inherit-env", help="filtered (default), clean or all.")]
Isolation = Annotated[str, typer.Option("--isolation", help="none (default), config or home.")]
Lease = Annotated[
    str | None,
    typer.Option(
        "--lease",
        metavar="TIME",
        help="It starts only for so long (8h), then it has to be granted again; none: without end.",
    ),
]
ReadyMade = Annotated[str, typer.Option("--from", metavar="READY-MADE", help="Begin with a ready-made profile.")]


def lease_length(given: str | None) -> str:
    """The length of a lease as it was given, "" for none; UsageError for one that cannot be."""
    if given in (None, "", "none"):
        return ""
    from ringlet_py.leasing.terms import seconds_of

    seconds_of(given)
    return given
