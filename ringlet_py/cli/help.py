"""`ringlet help`: the help of a command, or of all at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli.session import session_of
from ringlet_py.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

Words = Annotated[list[str] | None, typer.Argument(metavar="[COMMAND...]", help="The command, else the daily ones.")]
Json = Annotated[bool, typer.Option("--json", help="With --all: one JSON object: what each command takes and does.")]
# as in the menu of bare `ringlet`
_DAILY = {
    "ringlet run NAME": "run a profile",
    "ringlet keychain set PROVIDER ALIAS": "store a key",
    "ringlet profiles create NAME …": "create a profile",
    "ringlet migrate apply": "move keys in from files",
    "ringlet audit list": "see who used a key",
}


def show_help(
    context: typer.Context,
    words: Words = None,
    everything: Annotated[bool, typer.Option("--all", help="Every command, one a line.")] = False,
    json: Json = False,
) -> None:
    """Show the help of a command, or the daily ones; with --all every command there is."""
    from ringlet_py.cli.main import build, run
    from ringlet_py.cli.manifest import commands, manifest

    if everything and words:
        raise UsageError("--all is about every command", hint=f"ringlet help {' '.join(words)}")
    if json and not everything:
        raise UsageError("--json is about every command", hint="ringlet help --all --json")
    if words:
        raise typer.Exit(run([*words, "--help"], session_of(context).environ))
    if not everything:
        _show(_DAILY.items())
        output.say("to begin: ringlet init; groups of commands: ringlet --help; every command: ringlet help --all")
        return
    whole = typer.main.get_command(build())
    if json:
        output.document(**manifest(whole))
    else:
        _show((name, each.get_short_help_str(limit=90)) for name, each in commands(whole))


def _show(commands: Iterable[tuple[str, str]]) -> None:
    found = list(commands)
    width = max(len(name) for name, _ in found)
    output.lines(f"{name.ljust(width)}  {what}" for name, what in found)
