"""`ringlet daemon start` and `restart`: a process of its own in the background, or one in this terminal."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.app import App
from ringlet_py.cli import output
from ringlet_py.cli.daemon_options import PATIENCE, Json, ListenAt, SocketOnly, words_of
from ringlet_py.cli.everywhere import there
from ringlet_py.cli.session import session_of
from ringlet_py.errors import DaemonError, UsageError

if TYPE_CHECKING:
    from ringlet_py.cli.session import Session
    from ringlet_py.daemon.foreground import Ways
    from ringlet_py.daemon.running import Running, Runtime

_AUDIT = {True: "--audit-log", False: "--no-audit-log"}
_CONFIG = "--config"

Foreground = Annotated[bool, typer.Option("--foreground", help="Stay in this terminal, until Ctrl-C.")]


def start(
    context: typer.Context,
    foreground: Foreground = False,
    listen: ListenAt = "",
    socket: SocketOnly = False,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
    json: Json = False,
) -> None:
    """Start the daemon in the background; it answers when this returns."""
    from ringlet_py.daemon import running

    session = session_of(context)
    running.check_installed()
    words = words_of(listen, socket=socket)
    if foreground and json:
        raise UsageError("--json is for a daemon in the background", hint="leave out --json, or --foreground")
    if foreground:
        _stay(session, listen, socket=socket, detached=detached)
    else:
        found = _begun(session, _front(session), words)
        _show(session, found, json=json)


def restart(context: typer.Context, listen: ListenAt = "", socket: SocketOnly = False, json: Json = False) -> None:
    """Stop the daemon and start it again, reached as before unless an option says otherwise."""
    from ringlet_py.daemon import running, steering

    session = session_of(context)
    running.check_installed()
    words = words_of(listen, socket=socket)
    runtime = running.Runtime.of(session.app)
    before = runtime.find()
    if before and not session.config:
        session.go_by(there(config_in(before.front) or None))
    app = session.app
    app.settings, app.kept, app.catalog.providers  # noqa: B018 - who has them wrong keeps the daemon that runs
    if before is None:
        output.say("it did not run")
    elif not before.detached:
        raise _of_others(app)
    else:
        steering.stop(runtime, patience=PATIENCE)
        output.lines([f"stopped: process {before.pid}"] * (not json))
    front = _front(session, *(before.front if before else ()))
    found = _begun(session, front, words or [*(before.words if before else ())])
    _show(session, found, json=json, stopped=before.pid if before else None)


def _begun(session: Session, front: tuple[str, ...], words: list[str]) -> Running:
    """The daemon, started in the background."""
    from ringlet_py.daemon import background, running

    command = ["--non-interactive", *front, "daemon", "start", "--foreground", "--detached", *words]
    runtime = running.Runtime.of(session.app)
    return background.start(runtime, command, environ=session.environ, clock=session.app.clock)


def _show(session: Session, found: Running, *, json: bool, **more: object) -> None:
    """Says where it answers."""
    if json:
        output.document(**more, pid=found.pid, urls=list(found.urls), socket=found.socket)
    else:
        output.line(f"running: process {found.pid}")
        output.lines([f"url: {url}" for url in found.urls])
        output.lines([f"socket: {found.socket}"] * bool(found.socket))
    settings = session.app.settings
    if (settings.backend, settings.master_key) == ("sealed", "passphrase"):
        output.say("warning: it cannot ask for the passphrase, so it can lend no key; with --foreground it asks")


def _front(session: Session, *before: str) -> tuple[str, ...]:
    """What its command line says before the command; whether it records stays as it was, if that is not said now."""
    said = [_AUDIT[session.audit_log]] if session.audit_log is not None else []
    audit = said or [word for word in before if word in _AUDIT.values()]
    return (*audit, *session.config_options)


def config_in(front: tuple[str, ...]) -> str:
    """The config.toml that a daemon's command line names; "" for none."""
    return front[front.index(_CONFIG) + 1] if _CONFIG in front else ""


def _of_others(app: App) -> DaemonError:
    """The error for a daemon that a terminal or a service manager would miss."""
    from ringlet_py.daemon.install import restarting

    why = "a terminal or a service manager runs it, which would not know of the new one"
    hint = restarting(app) or "end it where it was started, and start it there again"
    return DaemonError("the daemon is not in the background", why=why, hint=hint)


def _stay(session: Session, listen: str, *, socket: bool, detached: bool) -> None:
    from ringlet_py.daemon.foreground import run
    from ringlet_py.daemon.log import stamp_errors
    from ringlet_py.daemon.running import Runtime

    def made() -> App:
        config, interactive = there(session.config or None), session.app.interactive
        return App(session.environ, audit=session.audit_log, interactive=interactive, hold=True, config=config)

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
