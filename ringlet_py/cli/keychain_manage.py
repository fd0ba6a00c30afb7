"""`ringlet keychain manage`: the interactive table, on a terminal that can show one."""

from __future__ import annotations

import sys

import typer

from ringlet_py.cli.asking import agrees
from ringlet_py.cli.input import Input, read_secrets
from ringlet_py.cli.session import session_of


def manage_keys(context: typer.Context) -> None:
    """Show the keys in a table where you add, replace, edit, deactivate, filter and remove them; never a value."""
    from ringlet_py.screens.manage import check_terminal, manage

    session = session_of(context)
    seen = all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))
    check_terminal(session.environ, at_terminal=session.can_ask and seen)
    raise typer.Exit(manage(session.app, ask=lambda prompt: read_secrets(session, [prompt], Input())[0], agree=_agreed))


def _agreed(question: str) -> bool:
    try:
        return agrees(question)
    except typer.Abort:
        return False
