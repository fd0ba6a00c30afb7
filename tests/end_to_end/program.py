"""The whole program as a person meets it: in a throw-away home, in this process, as a process, or at a terminal."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

from ringlet_py.cli.main import run
from tests import answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pexpect

    Terminal = pexpect.spawn[str]
else:
    Terminal = object

FILE_BACKEND = '[credentials]\nbackend = "file"\n'
PATIENCE = 60.0  # seconds; only a broken machine needs them
PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# how a child that runs under coverage is told so; it goes along to the agent, where no test looks for it
COVERAGE = "COVERAGE_PROCESS_CONFIG"
# made up anew for each run, so that no file of the tests holds what they look for
KEY = "sk-ant-api03-" + os.urandom(24).hex()


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit status (negative for a signal), standard output and standard error."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Home:
    """A home folder, and the environment of the shell that somebody has there."""

    path: Path
    environ: dict[str, str]

    @classmethod
    def at(cls, path: Path, config: str = FILE_BACKEND) -> Self:
        """A new home at the path, with that config.toml."""
        for name in ("", ".config", ".config/ringlet", "bin", "work", "tmp"):
            (path / name).mkdir(mode=0o700)
        home = cls(path, _environment(path))
        home.configure(config)
        return home

    @property
    def config(self) -> Path:
        """ringlet's configuration folder."""
        return self.path / ".config/ringlet"

    @property
    def state(self) -> Path:
        """The folder of audit and ledger."""
        return self.path / ".local/state/ringlet"

    @property
    def credentials(self) -> Path:
        """The file backend's file."""
        return self.config / "credentials.toml"

    def configure(self, text: str) -> None:
        """Writes config.toml."""
        (self.config / "config.toml").write_text(text)

    def profile(self, name: str, text: str) -> Path:
        """Writes a profile by hand and returns its document's path."""
        path = self.path / f".ringlet/profiles/{name}/ringlet.toml"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def program(self, name: str, text: str, *, mode: int = 0o755) -> Path:
        """Puts a program on this home's PATH."""
        path = self.path / "bin" / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def files(self) -> Iterator[Path]:
        """Every file below the home, hidden ones too."""
        for folder, _, names in os.walk(self.path):
            yield from (self.path / folder / name for name in names)

    def here(self, *argv: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Outcome:
        """Runs ringlet in this process: a tenth of the time, for commands that start no agent."""
        out, err = io.StringIO(), io.StringIO()
        given = {**self.environ, **(environ or {})}
        with (
            mock.patch.dict(os.environ, given, clear=True),
            mock.patch("os.execve", side_effect=AssertionError("an agent must be started with `ringlet`")),
            mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin))),
            contextlib.chdir(self.path / "work"),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = run(list(argv), given)
        return _held(argv, Outcome(status, out.getvalue(), err.getvalue()))

    def ringlet(self, *argv: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Outcome:
        """Runs ringlet as a process of its own, to its end."""
        done = subprocess.run(
            [*command(), *argv],
            input=stdin,
            capture_output=True,
            env={**self.environ, **(environ or {})},
            cwd=self.path / "work",
            timeout=PATIENCE,
            check=False,
        )
        return _held(argv, Outcome(done.returncode, _text(done.stdout), _text(done.stderr)))

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[bytes]:
        """Starts ringlet as a process, with pipes, and returns at once."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(
            [*command(), *argv], **{**pipes, "env": self.environ, "cwd": self.path / "work", **options}
        )

    def at_terminal(self, *argv: str, environ: Mapping[str, str] | None = None) -> Terminal:
        """Starts ringlet at a terminal of its own."""
        import pexpect

        program, *front = command()
        child: Terminal = pexpect.spawn(
            program,
            [*front, *argv],
            env={**self.environ, **(environ or {})},
            cwd=str(self.path / "work"),
            timeout=PATIENCE,
            encoding="utf-8",
            use_poll=True,  # select takes no file of a number above 1023
        )
        # each prompt is waited for, so that nothing has to be slowed down
        child.delaybeforesend = None
        process = child.ptyproc  # type: ignore[attr-defined]
        process.delayafterclose = process.delayafterterminate = 0.01
        return child


def command() -> list[str]:
    """How ringlet is started from its source."""
    return [sys.executable, "-m", "ringlet_py"]


def store_key(home: Home, address: str = "anthropic/default", key: str = KEY) -> None:
    """Puts a key where the tests need one."""
    provider, _, alias = address.partition("/")
    done = home.here("keychain", "set", provider, alias or "default", "--force", stdin=key.encode())
    assert done.status == 0, done.err


def _environment(path: Path) -> dict[str, str]:
    environ = {"HOME": str(path), "PATH": f"{path}/bin:/usr/bin:/bin", "TMPDIR": str(path / "tmp"), "LANG": "C.UTF-8"}
    environ |= {"PYTHONPATH": PACKAGE_ROOT, "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm", "NO_COLOR": "1"}
    return environ | _coverage(os.environ)


def _coverage(environ: Mapping[str, str]) -> dict[str, str]:
    return {COVERAGE: environ[COVERAGE]} if COVERAGE in environ else {}


def _held(argv: tuple[str, ...], done: Outcome) -> Outcome:
    """The outcome, once every answer in it was held against the published schema."""
    answers.check(argv, done.out)
    answers.check(argv, done.err)
    return done


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
