"""Opens the table, or says in words why it cannot be opened here and what does the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ringlet_py.errors import UsageError
from ringlet_py.files.checks import quoted
from ringlet_py.screens.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.app import App
    from ringlet_py.secret import Secret

PLAIN = "ringlet keychain list, set, edit and remove do the same"


def manage(app: App, *, ask: Callable[[str], Secret], agree: Callable[[str], bool], plain: bool = False) -> int:
    """Shows the table until somebody leaves it; the exit status.

    `ask` gets a value at a hidden prompt, `agree` a yes or no, both on the plain terminal; `plain` takes the
    colours out.  Raises UsageError without
    Textual, and at the very start what the keychain raises.
    """
    try:
        from ringlet_py.screens.table import INTERRUPTED, KeyTable
    except ModuleNotFoundError as problem:
        if (problem.name or "").partition(".")[0] != "textual":
            raise
        what = "the interactive table needs a package that is not installed"
        raise UsageError(
            what, why=PLAIN, hint=f"{quoted(sys.executable)} -m pip install 'ringlet-py[manage]'"
        ) from None
    desk = Desk(app=app, ask=ask, agree=agree)
    table = KeyTable(desk, desk.look(), plain=plain)
    status = table.run(mouse=False)
    if table.failure is not None:
        raise table.failure
    return INTERRUPTED if status is None else status  # without one asyncio ended it, which SIGINT has it do


def check_terminal(environ: Mapping[str, str], *, at_terminal: bool) -> None:
    """Raises UsageError where no table can be drawn, or nobody would see it."""
    if not at_terminal:
        what = "the interactive table needs a terminal, to read from and to write to"
        raise UsageError(what, why=PLAIN, hint="ringlet keychain list")
    if environ.get("TERM", "") in ("", "dumb") and sys.platform != "win32":
        what = "this terminal cannot move its cursor, which a table needs"
        raise UsageError(what, why=f"TERM is {environ.get('TERM') or 'not set'}; {PLAIN}", hint="ringlet keychain list")
