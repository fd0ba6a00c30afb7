"""From arguments to an exit status: splits off what is the agent's, runs the command, shows what went wrong."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py import __version__
from ringlet_py.cli import misuse, output
from ringlet_py.cli.session import Session
from ringlet_py.errors import RingletError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INTERRUPTED = 130  # what shells report for a program that SIGINT ended
_HELP = frozenset(("-h", "--help"))
BROKEN_PIPE = 141  # likewise for SIGPIPE


def run(argv: list[str], environ: Mapping[str, str]) -> int:
    """Runs one command line and returns its exit status; of a run, all after the first `--` is the agent's."""
    own, tail = split(argv)
    session = Session(environ=environ, argv=tuple(own), tail=tail)
    try:
        # without a variable's name Typer's own completion, which any environment could set off, stays asleep
        status = build(_asked(own))(args=own, prog_name="ringlet", complete_var="", standalone_mode=False, obj=session)
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


def split(argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The arguments that are ringlet's, and those for the agent, verbatim: all after a run's first `--`."""
    if not is_run(argv) or "--" not in argv:
        return argv, ()
    place = argv.index("--")
    return argv[:place], tuple(argv[place + 1 :])


def is_run(argv: list[str]) -> bool:
    """Whether the command line starts an agent, so that exit statuses below 125 are the agent's."""
    words = [word for word in argv if not word.startswith("-")]
    return words[:1] == ["run"] or words[:2] in (["profiles", "run"], ["pools", "claim"])


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
    app.callback()(_global_options)
    for name, add in PARTS.items():
        if name in asked[:1] or not PARTS.keys() & asked[:1]:
            add(app)
    for group in app.registered_groups:
        _narrow(group.typer_instance, asked[1:])
    return app


def _narrow(group: typer.Typer | None, asked: Sequence[str]) -> None:
    """Leaves a group the command that is asked for, if it has it: Typer is slow to make out what a command takes."""
    if group is not None:
        own = [command for command in group.registered_commands if command.name in asked]
        group.registered_commands = own or group.registered_commands


def _add_run(app: typer.Typer) -> None:
    from ringlet_py.cli import running

    app.command("run", help=running.RUN_HELP)(running.run_short)


def _add_keychain(app: typer.Typer) -> None:
    from ringlet_py.cli import keychain

    app.add_typer(keychain.build(), name="keychain")


def _add_profiles(app: typer.Typer) -> None:
    from ringlet_py.cli import profiles

    app.add_typer(profiles.build(), name="profiles")


def _add_audit(app: typer.Typer) -> None:
    from ringlet_py.cli import audit

    app.add_typer(audit.build(), name="audit")


def _add_catalog(app: typer.Typer) -> None:
    from ringlet_py.cli import catalog

    app.add_typer(catalog.build(), name="catalog")


def _add_sealed(app: typer.Typer) -> None:
    from ringlet_py.cli import sealed

    app.add_typer(sealed.build(), name="sealed")


def _add_pools(app: typer.Typer) -> None:
    from ringlet_py.cli import pools

    app.add_typer(pools.build(), name="pools")


def _add_tiers(app: typer.Typer) -> None:
    from ringlet_py.cli import tiers

    app.add_typer(tiers.build(), name="tiers")


def _add_tokens(app: typer.Typer) -> None:
    from ringlet_py.cli import tokens

    app.add_typer(tokens.build(), name="tokens")


def _add_leases(app: typer.Typer) -> None:
    from ringlet_py.cli import leases

    app.add_typer(leases.build(), name="leases")


def _add_daemon(app: typer.Typer) -> None:
    from ringlet_py.cli import daemon

    app.add_typer(daemon.build(), name="daemon")


def _add_completion(app: typer.Typer) -> None:
    from ringlet_py.cli import completion

    app.command("completion")(completion.print_script)


# what stands first on a command line, in the order of the help; a command needs only its own part
PARTS = {
    "run": _add_run,
    "keychain": _add_keychain,
    "profiles": _add_profiles,
    "pools": _add_pools,
    "tiers": _add_tiers,
    "tokens": _add_tokens,
    "leases": _add_leases,
    "audit": _add_audit,
    "catalog": _add_catalog,
    "sealed": _add_sealed,
    "daemon": _add_daemon,
    "completion": _add_completion,
}


def _asked(argv: list[str]) -> list[str]:
    """The command's words; help that is asked for before the last of them is about more than the command."""
    places = [place for place, word in enumerate(argv) if not word.startswith("-")][:2]
    return [argv[place] for place in places if _HELP.isdisjoint(argv[:place])]


def _show_version(value: bool) -> None:
    if value:
        output.line(f"ringlet {__version__}")
        raise typer.Exit


def _global_options(
    context: typer.Context,
    audit_log: Annotated[
        bool | None,
        typer.Option("--audit-log/--no-audit-log", help="Record every access, or do not; else as configured."),
    ] = None,
    non_interactive: Annotated[
        bool,
        typer.Option("--non-interactive", envvar="RINGLET_NON_INTERACTIVE", help="Never ask; fail instead."),
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    session: Session = context.obj
    session.audit_log = audit_log
    session.non_interactive = non_interactive


def _failed(problem: RingletError, session: Session) -> int:
    output.error(problem, argv=_unknown_words(session), as_json=session.wants_json)
    return problem.run_status if is_run(list(session.argv)) else problem.exit_status


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
        output.say(message)
        return UsageError.exit_status
    return _failed(misuse.told(problem, session.argv), session)


def _forget_unwritable_output() -> None:
    """What is still in the buffer and cannot be written must not complain once more at exit, and change the status."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
