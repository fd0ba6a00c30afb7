"""`ringlet help`: the help of a command, or of all at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py.cli import output
from ringlet_py.cli.session import session_of
from ringlet_py.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Words = Annotated[list[str] | None, typer.Argument(metavar="[COMMAND...]", help="The command, else ringlet itself.")]


def show_help(
    context: typer.Context,
    words: Words = None,
    everything: Annotated[bool, typer.Option("--all", help="Every command, one a line.")] = False,
) -> None:
    """Show the help of a command; with --all every command there is."""
    from ringlet_py.cli.main import build, run

    if everything and words:
        raise UsageError("--all is about every command", hint=f"ringlet help {' '.join(words)}")
    if not everything:
        raise typer.Exit(run([*(words or []), "--help"], session_of(context).environ))
    found = list(_commands(typer.main.get_command(build())))
    width = max(len(name) for name, _ in found)
    output.lines(f"{name.ljust(width)}  {what}" for name, what in found)


def _commands(group: Any, above: str = "ringlet") -> Iterator[tuple[str, str]]:
    """Each command that is not hidden, with its first sentence."""
    for name, each in group.commands.items():
        words = f"{above} {name}"
        if hasattr(each, "commands"):
            yield from _commands(each, words)
        elif not each.hidden:
            yield words, each.get_short_help_str(limit=90)
