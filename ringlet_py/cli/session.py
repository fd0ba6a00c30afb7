"""What the commands of one command line share: the app, how to ask a person, and the agent's arguments."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from ringlet_py.app import App
from ringlet_py.cli import output
from ringlet_py.cli.asking import agrees
from ringlet_py.errors import ConsentNeeded, Declined, RingletError
from ringlet_py.files.checks import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOING = {
    "delete": "deleting",
    "edit": "editing",
    "mend": "mending",
    "move": "moving",
    "remove": "removing",
    "report": "reporting",
    "restore": "restoring",
    "revoke": "revoking",
}
NEVER_ASK = "RINGLET_NON_INTERACTIVE"
_FALSE = ("", "0", "false", "f", "no", "n", "off")  # as the command line's parser reads a variable
CALLER_VARIABLE = "RINGLET_TOKEN"  # a caller's token, in whose name keys are claimed


@dataclass(kw_only=True)
class Session:
    """One command line; the global options are filled in by the parser before the command runs."""

    environ: Mapping[str, str]
    argv: tuple[str, ...]
    tail: tuple[str, ...] = ()
    audit_log: bool | None = None
    non_interactive: bool = False
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    config: str = ""

    @cached_property
    def app(self) -> App:
        """The composition root for this command."""
        interactive = self.can_see and not self.non_interactive
        app = App(self.environ, audit=self.audit_log, interactive=interactive, config=self.config)
        if self.verbose and not self.wants_json:
            _tell_where(app, audit=self.audit_log)
        return app

    def go_by(self, config: str) -> None:
        """Takes that config.toml from now on."""
        self.config = config
        vars(self).pop("app", None)

    @property
    def can_see(self) -> bool:
        """Whether a person sits at a terminal here (whatever is piped)."""
        return any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))

    @property
    def can_ask(self) -> bool:
        """Whether a question can be answered on standard input."""
        return sys.stdin is not None and sys.stdin.isatty() and not self.non_interactive

    @property
    def offers_menu(self) -> bool:
        """Whether bare `ringlet` can offer what people do: they see it and can answer, and nobody said never to ask."""
        never = self.environ.get(NEVER_ASK, "").lower() not in _FALSE
        return self.can_ask and not never and sys.stderr is not None and sys.stderr.isatty()

    @property
    def wants_json(self) -> bool:
        """Whether errors, too, are shown as JSON."""
        return "--json" in self.argv

    @property
    def config_options(self) -> tuple[str, ...]:
        """What a command line has to say that is to go by the same config.toml."""
        return ("--config", self.config) if self.config else ()

    @property
    def config_words(self) -> str:
        """The same, for a person to type at the end of a command."""
        return "".join(f" {quoted(word)}" for word in self.config_options)

    def confirm(self, question: str, *, otherwise: str, yes: bool) -> None:
        """Returns if the person agrees (or said --yes before); raises Declined, ConsentNeeded where nobody can."""
        if yes:
            return
        if not self.can_ask:
            verb, _, rest = question.rstrip("?").partition(" ")
            raise ConsentNeeded(f"{_DOING.get(verb, verb)} {rest} needs a yes", hint=otherwise)
        if not agrees(question):
            raise Declined("nothing was changed", hint="")


def _tell_where(app: App, *, audit: bool | None) -> None:
    """What --verbose says before the command does anything: the files and the keychain that it goes by."""
    config = app.folders.config_file
    output.tell(f"config: {config}{'' if os.path.exists(config) else ' (not there)'}")
    output.tell(f"state: {app.folders.state}")
    try:
        output.tell(f"keychain: {app.backend.place}")
        output.tell(f"audit: {'on' if (app.settings.audit if audit is None else audit) else 'off'}")
    except RingletError as problem:
        output.tell(f"keychain: {output.printable(problem.what)}")


def session_of(context: typer.Context) -> Session:
    """The session of the command line that is being run."""
    session = context.obj
    return session if isinstance(session, Session) else Session(environ={}, argv=())


def app_of(context: typer.Context) -> App:
    """The app of the command line that is being run."""
    return session_of(context).app
