"""`ringlet daemon`: the local HTTP service started, stopped, looked at, and set up to start by itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py import __version__
from ringlet_py.app import App
from ringlet_py.cli import output
from ringlet_py.cli.session import app_of, session_of
from ringlet_py.errors import ConsentNeeded, DaemonError, DaemonNotRunning, UsageError
from ringlet_py.tokens.admin import FILE

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.daemon.foreground import Ways
    from ringlet_py.daemon.install import Unit
    from ringlet_py.daemon.running import Runtime

_AUDIT = {True: "--audit-log", False: "--no-audit-log"}
PATIENCE = 30.0  # seconds for the requests that are under way when it is stopped

Foreground = Annotated[bool, typer.Option("--foreground", help="Stay in this terminal, until Ctrl-C.")]
ListenAt = Annotated[
    str,
    typer.Option("--listen", metavar="ADDRESS:PORT", help="127.0.0.1, [::1] or localhost, which is both; port 0: any."),
]
SocketOnly = Annotated[bool, typer.Option("--socket", help="Listen on the Unix socket alone, on no port.")]
Json = Annotated[bool, typer.Option("--json", help="Show one JSON object.")]


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Keys for other programs, over loopback and a Unix socket.", no_args_is_help=True)
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("status")(status)
    group.command("rotate-token")(rotate_token)
    group.command("install")(install)
    return group


def start(
    context: typer.Context, foreground: Foreground = False, listen: ListenAt = "", socket: SocketOnly = False
) -> None:
    """Start the daemon in the background; it answers when this returns."""
    from ringlet_py.daemon import running

    session = session_of(context)
    running.check_installed()
    words = _words(listen, socket=socket)
    if foreground:
        _stay(session, listen, socket=socket)
        return
    front = [_AUDIT[session.audit_log]] if session.audit_log is not None else []
    command = ["--non-interactive", *front, "daemon", "start", "--foreground", *words]
    found = running.start(running.Runtime.of(session.app), command, environ=session.environ)
    output.line(f"running: process {found.pid}")
    output.lines([f"url: {url}" for url in found.urls])
    if found.socket:
        output.line(f"socket: {found.socket}")


def stop(context: typer.Context, json: Json = False) -> None:
    """Stop the daemon, after it has finished the requests that are under way."""
    from ringlet_py.daemon import running

    found, seconds = running.stop(running.Runtime.of(app_of(context)), patience=PATIENCE)
    waited = f", after {seconds:.0f} seconds for requests that were under way" if seconds > 1 else ""
    if json:
        output.document(stopped=found.pid, seconds=round(seconds, 3))
    else:
        output.line(f"stopped: process {found.pid}{waited}")


def status(context: typer.Context, json: Json = False) -> None:
    """Show whether the daemon runs, where it answers, and where the admin token is; exits with 16 if it does not."""
    from ringlet_py.daemon import running

    app = app_of(context)
    found = running.Runtime.of(app).find()
    shown: dict[str, object] = {"running": found is not None, "token_file": os.path.join(app.folders.config, FILE)}
    if found:
        shown |= {
            "answers": running.answers(found),
            "pid": found.pid,
            "urls": list(found.urls),
            "socket": found.socket,
            "uptime_seconds": max(0, int(app.clock() - found.started)),
            "version": found.version,
        }
    if json:
        output.document(**shown)
    else:
        output.lines(f"{name.replace('_', ' ')}: {_text(value)}" for name, value in shown.items() if value != "")
    sys.stdout.flush()  # what is wrong must not overtake it where both go into one file
    if found and found.version != __version__:
        output.say(f"ringlet: warning: this is ringlet {__version__}; restart the daemon to have it there too")
    app.settings, app.kept  # noqa: B018 - whose wrong settings are said after what is known without them
    if not found:
        raise DaemonNotRunning("the daemon does not run")
    if not shown["answers"]:
        raise DaemonError("the daemon runs, and does not answer", hint="ringlet daemon stop")


def rotate_token(context: typer.Context, json: Json = False) -> None:
    """Replace the admin token; the old one is refused from the next request on."""
    admin = app_of(context).tokens.admin
    admin.rotate()
    output.say("programs that used the old one are refused until they read the new one")
    if json:
        output.document(token_file=admin.path)
    else:
        output.line(f"rotated: the new token is in {admin.path}")


def install(
    context: typer.Context,
    listen: ListenAt = "",
    socket: SocketOnly = False,
    enable: Annotated[bool, typer.Option("--enable", help="Start it now, and with every login.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that was changed by hand.")] = False,
) -> None:
    """Write what starts the daemon with your login (systemd, launchd), show it, and say how to enable it."""
    from ringlet_py.daemon import install as installing
    from ringlet_py.daemon import running

    running.check_installed()
    app = app_of(context)
    unit = installing.unit_of(app, _words(listen, socket=socket))
    output.line(f"{_written(unit, force=force)}: {unit.path}")
    output.lines(unit.text.splitlines())
    sys.stdout.flush()
    if running.Runtime.of(app).find():
        output.say("a daemon runs already, which would be in its way; first: ringlet daemon stop")
    if enable:
        unit.enable()
        output.line("enabled")
    else:
        output.say(f"not enabled yet; to do it: {unit.enabling}")


def _written(unit: Unit, *, force: bool) -> str:
    """Writes the unit, and says what became of the file; ConsentNeeded for one that holds more than another command."""
    try:
        with open(unit.path, encoding="utf-8", errors="replace") as file:
            before = file.read()
    except FileNotFoundError:
        unit.write()
        return "written"
    if before == unit.text:
        return "unchanged"
    if not force and _frame(before) != _frame(unit.text):
        why = "changed by hand, or written by another version of ringlet"
        raise ConsentNeeded(f"{unit.path} is not as ringlet would write it", why=why, hint="add --force")
    unit.write()
    return "replaced"


def _frame(text: str) -> list[str]:
    """The unit's lines without its command, whose options may be others each time."""
    return [line for line in text.splitlines() if not line.strip().startswith(("ExecStart=", "<string>"))]


def _words(listen: str, *, socket: bool) -> list[str]:
    """The options as they stand on a command line, when they make sense."""
    from ringlet_py.daemon.binding import Listen

    if socket and (listen or os.name == "nt"):
        why = "Windows has no Unix sockets that Python can use" if os.name == "nt" else ""
        raise UsageError("--socket is for a Unix socket and no port", why=why, hint="leave out --socket")
    if listen:
        Listen.parse(listen)
    return ["--socket"] if socket else ["--listen", listen] if listen else []


def _stay(session: Session, listen: str, *, socket: bool) -> None:
    from ringlet_py.daemon.foreground import run
    from ringlet_py.daemon.running import Runtime

    def made() -> App:
        return App(session.environ, audit=session.audit_log, interactive=session.app.interactive, hold=True)

    app = made()
    run(app, _ways(Runtime.of(app), listen, socket=socket), renewed=made, tell=_tell)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _ways(runtime: Runtime, listen: str, *, socket: bool) -> Ways:
    from ringlet_py.daemon.binding import Listen
    from ringlet_py.daemon.foreground import Ways

    loopback = None if socket else Listen.parse(listen) if listen else Listen()
    return Ways(loopback, "" if os.name == "nt" else runtime.socket)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, list) else str(value)
