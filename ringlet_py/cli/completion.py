"""`ringlet completion`: what a shell needs in order to complete ringlet's commands and names."""

from __future__ import annotations

from typing import Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.completion.scripts import SHELLS, script
from ringlet_py.errors import UsageError
from ringlet_py.suggest import did_you_mean


def print_script(
    shell: Annotated[str, typer.Argument(help="bash, zsh, fish, powershell or nu.")],
    json: Annotated[bool, typer.Option("--json", help="Show one JSON object.")] = False,
) -> None:
    """Print the script that completes ringlet in a shell; its first lines say where to put it."""
    text = script(shell)
    if text is None:
        hint = f"ringlet completion {'|'.join(SHELLS)}"
        raise UsageError(f"there is no completion for {shell!r}", why=did_you_mean(shell, SHELLS), hint=hint)
    if json:
        output.document(shell=shell, script=text)
    else:
        output.line(text.rstrip("\n"))
