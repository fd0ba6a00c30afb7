"""From arguments to an exit status: splits off what is the agent's, runs the command, shows what went wrong."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from ringlet_py.cli import misuse, output
from ringlet_py.cli.everywhere import global_options, put_behind_commands, words_at
from ringlet_py.cli.session import Session
from ringlet_py.cli.talk import Talk
from ringlet_py.errors import RingletError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INTERRUPTED = 130  # what shells report for a program that SIGINT ended
_JSON = "--json"
_HELP = frozenset(("-h", "--help"))
BROKEN_PIPE = 141  # likewise for SIGPIPE


def run(argv: list[str], environ: Mapping[str, str]) -> int:
    """Runs one command line and returns its exit status; of a run, all after the first `--` is the agent's."""
    own, tail = split(argv)
    own = _with_json_behind(own)
    session = Session(environ=environ, argv=tuple(own), tail=tail)
    stream: Any = Talk(sys.stderr, session) if sys.stderr is not None else None
    with redirect_stderr(stream):
        return _answered(own, session)


def _answered(own: list[str], session: Session) -> int:
    """The exit status of the command, or of the error that it ended with, which is told."""
    try:
        status = _performed(own, session)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_unwritable_output()
        return BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except RingletError as problem:
        return _failed(problem, session)
    except typer.TyperException as problem:
        return _misused(problem, session)
    except OSError as problem:
        _forget_unwritable_output()
        return _failed(output.of_ours(problem), session)
    return status if isinstance(status, int) else 0


def _performed(own: list[str], session: Session) -> object:
    """What the command answers; bare `ringlet` on a terminal is the command that the person then chooses."""
    if not own and session.offers_menu:
        from ringlet_py.cli.menu import chosen_command  # who types a command needs no menu

        words = chosen_command(session)
        return run(words, session.environ) if words else 0
    # without a variable's name Typer's own completion, which any environment could set off, stays asleep
    whole = typer.main.get_command(build(_asked(own)))
    put_behind_commands(whole)
    return whole.main(args=own, prog_name="ringlet", complete_var="", standalone_mode=False, obj=session)


def split(argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The arguments that are ringlet's, and those for the agent, verbatim: all after a run's first `--`."""
    if not is_run(argv) or "--" not in argv:
        return argv, ()
    place = argv.index("--")
    return argv[:place], tuple(argv[place + 1 :])


def is_run(argv: list[str]) -> bool:
    """Whether the command line starts an agent, so that exit statuses below 125 are the agent's."""
    words = [argv[place] for place in words_at(argv)]
    return words[:1] == ["run"] or words[:2] in (["profiles", "run"], ["pools", "claim"])


def _with_json_behind(own: list[str]) -> list[str]:
    """The words with a `--json` that stands before the command's name behind it, where the command itself takes it."""
    places = words_at(own)
    is_group = bool(places) and ":" not in PARTS.get(own[places[0]], ":")
    name = places[: 2 if is_group else 1]
    if not name or _JSON not in own[: name[-1]]:
        return own
    front = [word for word in own[: name[-1]] if word != _JSON]
    return [*front, own[name[-1]], _JSON, *own[name[-1] + 1 :]]


def build(asked: Sequence[str] = ()) -> typer.Typer:
    """The command line: all of it, or only the command whose words are `asked`, which is quicker by far."""
    app = typer.Typer(
        name="ringlet",
        help="Keeps API keys where the operating system keeps secrets, and lends them to coding agents.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(global_options)
    for name in PARTS:
        if name in asked[:1] or not PARTS.keys() & asked[:1]:
            _add(app, name)
    for group in app.registered_groups:
        _narrow(group.typer_instance, asked[1:])
    return app


def _narrow(group: typer.Typer | None, asked: Sequence[str]) -> None:
    """Leaves a group the command that is asked for, if it has it: Typer is slow to make out what a command takes."""
    if group is not None:
        own = [command for command in group.registered_commands if command.name in asked]
        group.registered_commands = own or group.registered_commands


def _add(app: typer.Typer, name: str) -> None:
    """The command or the group of commands of that name."""
    module, _, function = PARTS[name].partition(":")
    part = import_module(f"ringlet_py.cli.{module}")
    if function:
        app.command(name)(getattr(part, function))
    else:
        app.add_typer(part.build(), name=name)


# what stands first on a command line, in the order of the help: its module, and the function of a single command;
# a command needs only its own part
PARTS = {
    "run": "running:run_short",
    "keychain": "keychain",
    "profiles": "profiles",
    "pools": "pools",
    "tiers": "tiers",
    "tokens": "tokens",
    "leases": "leases",
    "audit": "audit",
    "scan": "scan:scan",
    "where": "where:where",
    "catalog": "catalog",
    "config": "config",
    "sealed": "sealed",
    "migrate": "migrate",
    "daemon": "daemon",
    "doctor": "doctor:look",
    "init": "init:init",
    "completion": "completion:print_script",
    "help": "help:show_help",
}


def _asked(argv: list[str]) -> list[str]:
    """The command's words; help that is asked for before the last of them is about more than the command."""
    return [argv[place] for place in words_at(argv)[:2] if _HELP.isdisjoint(argv[:place])]


def _failed(problem: RingletError, session: Session) -> int:
    output.error(problem, argv=_unknown_words(session), as_json=session.wants_json)
    status = problem.run_status if is_run(list(session.argv)) else problem.exit_status
    if session.verbose and not session.wants_json:
        output.tell(f"ringlet: code: {problem.code}, exit status {status}")
    return status


def _unknown_words(session: Session) -> tuple[str, ...]:
    """The words of the command line that could be keys: a profile's name may be as long, and hints repeat it."""
    try:
        names = session.app.profiles.names()
    except (RingletError, OSError):
        return session.argv
    return tuple(word for word in session.argv if word not in names)


def _misused(problem: typer.TyperException, session: Session) -> int:
    """What the parser complains about; where no command was given, all it says is the help."""
    message = problem.format_message()
    if message.startswith("Usage:"):
        output.tell(message)
        return UsageError.exit_status
    return _failed(misuse.told(problem, session.argv), session)


def _forget_unwritable_output() -> None:
    """What is still in the buffer and cannot be written must not complain once more at exit, and change the status."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
