"""The options of ringlet itself, which may stand before a command and, as all its options, behind it too."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringlet_py import __version__
from ringlet_py.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    config: Annotated[
        str | None, typer.Option("--config", "-c", metavar="FILE", help="Read this file instead of config.toml.")
    ] = None,
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
    session.config = there(config)


def words_at(argv: Sequence[str]) -> list[int]:
    """Where those words stand that are no options, nor the file of --config."""
    found: list[int] = []
    of_config = False
    for place, word in enumerate(argv):
        if not of_config and not word.startswith("-"):
            found.append(place)
        of_config = not of_config and _awaits_config(word)
    return found


def _awaits_config(word: str) -> bool:
    """`--config`, `-c`, or other one-letter options with `c` as the last of them."""
    return word == "--config" or (word.startswith("-") and word.endswith("c") and {*word[1:-1]} <= {"q", "v"})


def there(config: str | None) -> str:
    """The full path of the file that was named for config.toml; "" for none."""
    if config is None:
        return ""
    from ringlet_py.configuring.named import named_config  # few name one

    return named_config(config)


def put_behind_commands(group: Any) -> None:
    """Lets all below the group take the options of ringlet too, unless it has one of that name."""
    options = [option for option in group.params if option.name not in _BEFORE_ALL]
    for command in _below(group):
        taken = {name for option in command.params for name in option.opts}
        command.params += [_behind(option) for option in options if taken.isdisjoint(option.opts)]


def _below(group: Any) -> list[Any]:
    below = group.commands.values()
    return [one for each in below for one in (each, *(_below(each) if hasattr(each, "commands") else ()))]


def _behind(option: Any) -> Any:
    """The same option; help shows it once, and its variable was read before the command."""
    same = copy(option)
    same.expose_value, same.hidden, same.envvar, same.default = False, True, None, None
    same.callback = _told
    return same


def _told(context: typer.Context, option: Any, value: bool | str | None) -> None:
    if value is not None:
        setattr(context.obj, option.name, there(value) if isinstance(value, str) else value)
