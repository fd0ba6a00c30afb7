"""`ringlet daemon install` and `uninstall`: what starts the daemon with a login, written and taken away again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli.daemon_options import Json, ListenAt, SocketOnly, words_of
from ringlet_py.cli.session import session_of
from ringlet_py.errors import ConsentNeeded, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.daemon.install import Unit

_LOOK = "ringlet daemon install"


def install(
    context: typer.Context,
    listen: ListenAt = "",
    socket: SocketOnly = False,
    enable: Annotated[bool, typer.Option("--enable", help="Start it now, and with every login.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that was changed by hand.")] = False,
    json: Json = False,
) -> None:
    """Write what starts the daemon with your login (systemd, launchd), show it, and say how to enable it."""
    from ringlet_py.daemon import install as installing
    from ringlet_py.daemon import running

    running.check_installed()
    session = session_of(context)
    app = session.app
    unit = installing.unit_of(app, [*words_of(listen, socket=socket), *session.config_options])
    became = _written(unit, force=force)
    output.lines([] if json else [f"{became}: {unit.path}", *unit.text.splitlines()])
    sys.stdout.flush()
    if running.Runtime.of(app).find():
        output.say("a daemon runs already, which would be in its way; first: ringlet daemon stop")
    if enable:
        unit.enable()
        output.lines(["enabled"] * (not json))
    else:
        output.say(f"not enabled yet; to do it: {unit.enabling}")
    if json:
        output.document(became=became, path=unit.path, text=unit.text, enabled=enable, enabling=unit.enabling)


def uninstall(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Remove a file that was changed by hand, too.")] = False,
    json: Json = False,
) -> None:
    """Undo what `daemon install` did, after showing it: the file goes, and no login starts the daemon any more."""
    from ringlet_py.daemon import install as installing

    session = session_of(context)
    unit = installing.unit_of(session.app, [])
    before = unit.read()
    if before is None and not unit.is_enabled():
        raise NotFound(f"there is no {unit.path}", why="nothing was installed, or it is gone already", hint=_LOOK)
    if before is not None:
        _check_ours(unit, before, force=force)
    if not json or (session.can_ask and not yes):  # who is asked has to see it
        _show(unit, before, output.say if json else output.line)
    otherwise = f"ringlet daemon uninstall --yes{' --force' * force}"
    session.confirm("remove what starts the daemon with your login?", otherwise=otherwise, yes=yes)
    unit.disable()
    unit.remove()
    if json:
        output.document(removed=unit.path)
    else:
        output.line(f"removed: {unit.path}")


def _show(unit: Unit, text: str | None, tell: Callable[[str], None]) -> None:
    """Tells what goes with the unit, of which the file holds that text (None: there is no file)."""
    of_file = [f"to remove: {unit.path}", *text.splitlines()] if text is not None else []
    for line in (*of_file, f"to run: {unit.undoing}"):
        tell(line)
    sys.stdout.flush()


def _written(unit: Unit, *, force: bool) -> str:
    """Writes the unit, and says what became of the file; ConsentNeeded for one that holds more than another command."""
    before = unit.read()
    if before == unit.text:
        return "unchanged"
    if before is not None:
        _check_ours(unit, before, force=force)
    unit.write()
    return "written" if before is None else "replaced"


def _check_ours(unit: Unit, before: str, *, force: bool) -> None:
    if not force and _frame(before) != _frame(unit.text):
        why = "changed by hand, or written by another version of ringlet"
        raise ConsentNeeded(f"{unit.path} is not as ringlet would write it", why=why, hint="add --force")


def _frame(text: str) -> list[str]:
    """The unit's lines without its command, whose options may be others each time."""
    return [line for line in text.splitlines() if not line.strip().startswith(("ExecStart=", "<string>"))]
