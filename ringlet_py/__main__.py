"""The entrance: what is typed all day, or asked by a shell, is answered from here; all else by the command line."""

import gc
import os
import sys

from ringlet_py import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.app import App
    from ringlet_py.plan import LaunchPlan


def main() -> None:
    """Runs the command line of this process and exits with its status."""
    # nothing here lives long enough to be worth a search for cycles, which costs a launch one part in a hundred
    gc.disable()
    _open_closed_streams()
    try:
        status = _status(sys.argv[1:], os.environ)
    except KeyboardInterrupt:
        status = 130  # what shells report for a program that SIGINT ended
    sys.exit(status)


def _status(argv: list[str], environ: "Mapping[str, str]") -> int:
    status = light_answer(argv, environ)
    if status is None:
        status = light_run(argv, environ)
    if status is not None:
        return status
    from ringlet_py.cli.main import run

    return run(argv, environ)


def _open_closed_streams() -> None:
    """Gives a stream that the caller closed the null device; it is closed again for the agent.

    Else the next file that is opened gets its number, and what is meant for standard error goes to standard output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - stays open to the end


_HELP_WIDTH = 80  # columns for which help.txt was written, which wider terminals do not change
_SHELLS_OWN = 1  # tells the scripts that files, or whatever the shell itself offers, are right here


def light_answer(argv: list[str], environ: "Mapping[str, str]") -> int | None:
    """Prints the version, the help, a shell's completion script, or what a shell may offer; None for all else."""
    if argv == ["--version"]:
        return _printed(f"ringlet {__version__}\n")
    if argv in (["--help"], ["-h"]) and _columns(environ) >= _HELP_WIDTH:
        return _printed(_help())
    if argv[:1] == ["__complete"]:
        from ringlet_py.completion.candidates import candidates, lines

        found = candidates(argv[1:], environ)
        return _SHELLS_OWN if found is None else _printed(lines(found))
    if argv[:1] == ["completion"] and len(argv) == 2:
        from ringlet_py.completion.scripts import script

        text = script(argv[1])
        return None if text is None else _printed(text)
    return None


def _columns(environ: "Mapping[str, str]") -> int:
    """How wide the terminal is, as the command line's parser reads it."""
    given = environ.get("COLUMNS", "")
    if given:
        return int(given) if given.isdecimal() else 0
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return _HELP_WIDTH


def _help() -> str:
    with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as file:
        return file.read()


def _printed(text: str) -> int | None:
    """0, or None if it cannot be printed like that: the full way knows what to say then."""
    try:
        os.write(1, os.fsencode(text))
    except OSError:
        return None
    return 0


_FALSE = ("", "0", "false", "f", "no", "n", "off")  # as the command line's parser reads a variable


class Launch:
    """What a plain run's command line says."""

    __slots__ = ("args", "audit", "name", "purpose")

    def __init__(self, args: tuple[str, ...]) -> None:
        self.name = ""
        self.purpose = ""
        self.audit: bool | None = None
        self.args = args


def light_run(argv: list[str], environ: "Mapping[str, str]") -> int | None:
    """Becomes the agent if the command is a plain run of a profile with a compiled plan; None for all else.

    Nothing has been done yet where it answers None.  Returns an exit status for a run that failed.
    """
    launch = plain_run(argv)
    if launch is None:
        return None
    from ringlet_py import image

    image.load("plan")
    from ringlet_py import errors
    from ringlet_py.app import App

    try:
        app = App(environ, audit=launch.audit, interactive=_is_at_a_terminal(environ))
        plan = app.compiled(launch.name)
        if plan is None:
            return None
        image.load(app.settings.backend)
        return _run(app, plan, launch)
    except (errors.RingletError, OSError) as problem:
        from ringlet_py.cli.output import error, of_ours

        ours = of_ours(problem)
        error(ours, argv=tuple(argv), as_json=False)
        return ours.run_status


def _run(app: "App", plan: "LaunchPlan", launch: Launch) -> int:
    """Lets the keychain look for the key while the rest is loaded."""
    from ringlet_py import image
    from ringlet_py.backends import dismiss, expect

    address = plan.foreseen()
    if address:
        expect(app.backend, address)
    try:
        image.load("launch")
        return app.run(plan, args=launch.args, purpose=launch.purpose)
    finally:
        if address:
            dismiss(app.backend)


def plain_run(argv: list[str]) -> Launch | None:
    """The run that the command line asks for, or None if there is anything unusual about it."""
    own, args = argv, list[str]()
    if "--" in argv:
        place = argv.index("--")
        own, args = argv[:place], argv[place + 1 :]
    launch = Launch(tuple(args))
    words = iter(own)
    names = []
    for word in words:
        if word == "--purpose":
            launch.purpose = next(words, "")
            if not launch.purpose:
                return None
        elif word in ("--audit-log", "--no-audit-log"):
            launch.audit = word == "--audit-log"
        elif word.startswith("-"):
            return None
        else:
            names.append(word)
    command, launch.name = names[:-1], names[-1] if names else ""
    return launch if command in (["run"], ["profiles", "run"]) else None


def _is_at_a_terminal(environ: "Mapping[str, str]") -> bool:
    asked_not_to = environ.get("RINGLET_NON_INTERACTIVE", "").lower() not in _FALSE
    return not asked_not_to and any(_isatty(fd) for fd in (0, 1, 2))


def _isatty(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


if __name__ == "__main__":
    main()
