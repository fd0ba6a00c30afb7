"""`ringlet daemon`: the local HTTP service started, stopped, asked to read its settings again, and looked at."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py import __version__
from ringlet_py.app import App
from ringlet_py.cli import output
from ringlet_py.cli.daemon_install import install, uninstall
from ringlet_py.cli.daemon_options import Json, ListenAt, SocketOnly, words_of
from ringlet_py.cli.session import app_of, session_of
from ringlet_py.errors import DaemonError
from ringlet_py.tokens.admin import FILE

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.daemon.foreground import Ways
    from ringlet_py.daemon.running import Runtime
    from ringlet_py.errors import DaemonNotRunning

_AUDIT = {True: "--audit-log", False: "--no-audit-log"}
PATIENCE = 30.0  # seconds for the requests that are under way when it is stopped

Foreground = Annotated[bool, typer.Option("--foreground", help="Stay in this terminal, until Ctrl-C.")]


def build() -> typer.Typer:
    """The command group."""
    group = typer.Typer(help="Keys for other programs, over loopback and a Unix socket.", no_args_is_help=True)
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("restart")(restart)
    group.command("reload")(reload)
    group.command("status")(status)
    group.command("rotate-token")(rotate_token)
    group.command("install")(install)
    group.command("uninstall")(uninstall)
    return group


def start(
    context: typer.Context,
    foreground: Foreground = False,
    listen: ListenAt = "",
    socket: SocketOnly = False,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> None:
    """Start the daemon in the background; it answers when this returns."""
    from ringlet_py.daemon import running

    session = session_of(context)
    running.check_installed()
    words = words_of(listen, socket=socket)
    if foreground:
        _stay(session, listen, socket=socket, detached=detached)
    else:
        _begin(session, _front(session), words)


def restart(context: typer.Context, listen: ListenAt = "", socket: SocketOnly = False) -> None:
    """Stop the daemon and start it again, reached as before unless an option says otherwise."""
    from ringlet_py.daemon import running, steering

    session = session_of(context)
    running.check_installed()
    words = words_of(listen, socket=socket)
    runtime = running.Runtime.of(session.app)
    app = session.app
    app.settings, app.kept, app.catalog.providers  # noqa: B018 - who has them wrong keeps the daemon that runs
    found = runtime.find()
    if found is None:
        output.say("it did not run")
    elif not found.detached:
        raise _of_others(session.app)
    else:
        steering.stop(runtime, patience=PATIENCE)
        output.line(f"stopped: process {found.pid}")
    before = (found.front, found.words) if found else ((), ())
    _begin(session, _front(session) or before[0], words or [*before[1]])


def reload(context: typer.Context, json: Json = False) -> None:
    """Have the daemon read its settings and the catalog again; it says that it did before this returns."""
    from ringlet_py.daemon import running, steering

    found = steering.reload(running.Runtime.of(app_of(context)), patience=PATIENCE)
    if json:
        output.document(reloaded=found.pid)
    else:
        output.line(f"reloaded: process {found.pid} has read its settings and the catalog again")


def stop(context: typer.Context, json: Json = False) -> None:
    """Stop the daemon, after it has finished the requests that are under way."""
    from ringlet_py.daemon import running, steering

    found, seconds = steering.stop(running.Runtime.of(app_of(context)), patience=PATIENCE)
    waited = f", after {seconds:.0f} seconds for requests that were under way" if seconds > 1 else ""
    if json:
        output.document(stopped=found.pid, seconds=round(seconds, 3))
    else:
        output.line(f"stopped: process {found.pid}{waited}")


def status(context: typer.Context, json: Json = False) -> None:
    """Show whether the daemon runs, where it answers, and where the admin token is; exits with 16 if it does not."""
    from ringlet_py.daemon import running

    app = app_of(context)
    runtime = running.Runtime.of(app)
    found = runtime.find()
    shown: dict[str, object] = {"running": found is not None, "folder": runtime.folder}
    shown["token_file"] = os.path.join(app.folders.config, FILE)
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
        said = {name.replace("_", " "): _text(value) for name, value in shown.items()}
        output.lines(f"{name}: {text}" for name, text in said.items() if text)
    sys.stdout.flush()  # what is wrong must not overtake it where both go into one file
    if found and found.version != __version__:
        output.say(f"ringlet: warning: this is ringlet {__version__}; ringlet daemon restart has it there too")
    app.settings, app.kept  # noqa: B018 - whose wrong settings are said after what is known without them
    if not found:
        raise _not_running(app, runtime)
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


def _begin(session: Session, front: tuple[str, ...], words: list[str]) -> None:
    """Starts it in the background, and says where it answers."""
    from ringlet_py.daemon import background, running

    command = ["--non-interactive", *front, "daemon", "start", "--foreground", "--detached", *words]
    runtime = running.Runtime.of(session.app)
    found = background.start(runtime, command, environ=session.environ, clock=session.app.clock)
    output.line(f"running: process {found.pid}")
    output.lines([f"url: {url}" for url in found.urls])
    if found.socket:
        output.line(f"socket: {found.socket}")
    settings = session.app.settings
    if (settings.backend, settings.master_key) == ("sealed", "passphrase"):
        output.say("warning: it cannot ask for the passphrase, so it can lend no key; with --foreground it asks")


def _front(session: Session) -> tuple[str, ...]:
    """What its command line says before the command."""
    return () if session.audit_log is None else (_AUDIT[session.audit_log],)


def _of_others(app: App) -> DaemonError:
    """The error for a daemon that a terminal or a service manager would miss."""
    from ringlet_py.daemon.install import restarting

    why = "a terminal or a service manager runs it, which would not know of the new one"
    hint = restarting(app) or "end it where it was started, and start it there again"
    return DaemonError("the daemon is not in the background", why=why, hint=hint)


def _not_running(app: App, runtime: Runtime) -> DaemonNotRunning:
    from ringlet_py.daemon.running import elsewhere

    problem, other = runtime.not_running(), elsewhere(app)
    if other:
        problem.why = f"{problem.why}; one runs whose files are in {other}"
        problem.hint = "give it the XDG_RUNTIME_DIR that the other one was started with"
    return problem


def _stay(session: Session, listen: str, *, socket: bool, detached: bool) -> None:
    from ringlet_py.daemon.foreground import run
    from ringlet_py.daemon.log import stamp_errors
    from ringlet_py.daemon.running import Runtime

    def made() -> App:
        return App(session.environ, audit=session.audit_log, interactive=session.app.interactive, hold=True)

    app = made()
    if detached:  # standard error is the log
        stamp_errors(app.clock)
    ways = _ways(Runtime.of(app), listen, socket=socket)
    ways = replace(ways, front=_front(session), detached=detached)
    run(app, ways, renewed=made, tell=_tell)


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
