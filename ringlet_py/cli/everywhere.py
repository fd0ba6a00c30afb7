"""The options of ringlet itself, which may stand before a command and, as all its options, behind it too."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py import __version__
from ringlet_py.cli import output

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session

_BEFORE_ALL = ("version", "help")  # about ringlet as a whole


def _show_version(value: bool) -> None:
    if value:
        output.line(f"ringlet {__version__}")
        raise typer.Exit


def global_options(
    context: typer.Context,
    audit_log: Annotated[
        bool | None,
        typer.Option("--audit-log/--no-audit-log", help="Record every access, or do not; else as configured."),
    ] = None,
    non_interactive: Annotated[
        bool,
        typer.Option("--non-interactive", envvar="RINGLET_NON_INTERACTIVE", help="Never ask; fail instead."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but data, questions, warnings and errors.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say also which files and which keychain are used.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, as with the variable NO_COLOR.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Tells the session; the other options are those of the command."""
    del version
    session: Session = context.obj
    session.audit_log = audit_log
    session.non_interactive = non_interactive
    session.quiet, session.verbose, session.no_color = quiet, verbose, no_color


def put_behind_commands(group: Any) -> None:
    """Lets each command below the group take the options of ringlet too, unless it has one of that name."""
    options = [option for option in group.params if option.name not in _BEFORE_ALL]
    for command in _commands(group):
        taken = {name for option in command.params for name in option.opts}
        command.params += [_behind(option) for option in options if taken.isdisjoint(option.opts)]


def _commands(group: Any) -> list[Any]:
    below = group.commands.values()
    return [command for each in below for command in (_commands(each) if hasattr(each, "commands") else [each])]


def _behind(option: Any) -> Any:
    """The same option; help shows it once, and its variable was read before the command."""
    same = copy(option)
    same.expose_value, same.hidden, same.envvar, same.default = False, True, None, None
    same.callback = _told
    return same


def _told(context: typer.Context, option: Any, value: bool | None) -> None:
    if value is not None:
        setattr(context.obj, option.name, value)
