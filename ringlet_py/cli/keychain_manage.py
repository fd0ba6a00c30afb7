"""`ringlet keychain manage`: the interactive table, on a terminal that can show one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from ringlet_py.cli.asking import agrees
from ringlet_py.cli.input import Input, read_secrets
from ringlet_py.cli.session import session_of

if TYPE_CHECKING:
    from ringlet_py.secret import Secret


def manage_keys(context: typer.Context) -> None:
    """Show the keys in a table where you add, replace, edit, deactivate, filter and remove them; never a value."""
    from ringlet_py.screens.manage import check_terminal, manage

    session = session_of(context)
    seen = all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))
    check_terminal(session.environ, at_terminal=session.can_ask and seen)

    def ask(prompt: str) -> Secret:
        return read_secrets(session, [prompt], Input())[0]

    raise typer.Exit(manage(session.app, ask=ask, agree=_agreed, plain=session.no_color))


def _agreed(question: str) -> bool:
    try:
        return agrees(question)
    except typer.Abort:
        return False
