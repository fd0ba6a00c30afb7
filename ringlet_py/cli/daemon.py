"""`ringlet daemon`: the local HTTP service stopped, asked to read its settings again, and looked at."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from ringlet_py import __version__
from ringlet_py.cli import output
from ringlet_py.cli.daemon_install import install, uninstall
from ringlet_py.cli.daemon_options import PATIENCE, Json
from ringlet_py.cli.daemon_start import config_in, restart, start
from ringlet_py.cli.everywhere import there
from ringlet_py.cli.session import app_of, session_of
from ringlet_py.errors import DaemonError
from ringlet_py.tokens.admin import FILE

if TYPE_CHECKING:
    from ringlet_py.app import App
    from ringlet_py.daemon.running import Runtime
    from ringlet_py.errors import DaemonNotRunning


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

    session = session_of(context)
    app = session.app
    runtime = running.Runtime.of(app)
    found = runtime.find()
    config = config_in(found.front) if found else ""
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
        shown |= {"config": config} if config else {}
    if json:
        output.document(**shown)
    else:
        said = {name.replace("_", " "): _text(value) for name, value in shown.items()}
        output.lines(f"{name}: {text}" for name, text in said.items() if text)
    sys.stdout.flush()  # what is wrong must not overtake it where both go into one file
    if found and found.version != __version__:
        output.say(f"ringlet: warning: this is ringlet {__version__}; ringlet daemon restart has it there too")
    if config and not session.config:
        session.go_by(there(config))
    session.app.settings, session.app.kept  # noqa: B018 - what is wrong is said after what is known without them
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


def _not_running(app: App, runtime: Runtime) -> DaemonNotRunning:
    from ringlet_py.daemon.running import elsewhere

    problem, other = runtime.not_running(), elsewhere(app)
    if other:
        problem.why = f"{problem.why}; one runs whose files are in {other}"
        problem.hint = "give it the XDG_RUNTIME_DIR that the other one was started with"
    return problem


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, list) else str(value)
