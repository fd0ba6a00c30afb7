"""Asks git about a repository that may be a stranger's: nothing that its configuration names is run or fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from ringlet_py.errors import SearchIncomplete

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SAFE = (
    "--no-pager",
    "--no-replace-objects",
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.allow=never"),
)
# what git needs to find itself, the person's own configuration (safe.directory) and, in a hook, the index
_PASSED = (
    *("PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "XDG_CONFIG_HOME", "TMPDIR", "TEMP"),
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"),
)
LIMIT = 60  # seconds for one answer; a repository's configuration can include a pipe that nobody writes to
_OWN = "GIT_CONFIG"  # how a person, or the CI, sets what no repository can
_SET = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # of newer gits; for older ones no protocol is allowed
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_GRAFT_FILE": os.devnull,  # a repository's own would hide what its history really is
}


class Git:
    """Git in the repository that the folder is in; raises SearchIncomplete where there is none, or git refuses it."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self._git = program("git", environ)
        if not self._git:
            raise SearchIncomplete("git is not installed", hint="install git")
        passed = {name: value for name, value in environ.items() if name in _PASSED or name.startswith(_OWN)}
        self._env = {**passed, **_SET}
        self.folders = [os.path.join(folder, line) for line in self.lines("rev-parse", "--git-dir", "--git-common-dir")]

    def lines(self, *args: str) -> list[str]:
        """The lines of git's answer; raises SearchIncomplete if it has none."""
        return os.fsdecode(self.answer(*args)).splitlines()

    def answer(self, *args: str, given: bytes = b"") -> bytes:
        """What git answers; raises SearchIncomplete if it refuses."""
        done = self._run(*args, given=given)
        if done.returncode:
            raise _refused(self.folder, done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def asked(self, *args: str) -> str:
        """One line of an answer that may as well not exist ("")."""
        done = self._run(*args)
        return "" if done.returncode else os.fsdecode(done.stdout).rstrip("\n")

    @contextmanager
    def piped(self, *commands: tuple[str, ...]) -> Iterator[tuple[IO[bytes] | None, IO[bytes]]]:
        """Where the first of the commands is asked (if it is the only one), and the last one answers.

        They are ended with the block; SearchIncomplete if one fails before.
        """
        running: list[subprocess.Popen[bytes]] = []
        try:
            for command in commands:
                given = running[-1].stdout if running else subprocess.PIPE if len(commands) == 1 else subprocess.DEVNULL
                running.append(self._start(*command, given=given))
                if len(running) > 1:
                    _close(running[-2].stdout)  # ours; the one who reads it has its own
            answers = running[-1].stdout
            assert answers is not None  # noqa: S101 - for the type checker
            yield running[0].stdin, answers
            _close(running[0].stdin)
            if [process for process in running if process.wait()]:
                raise SearchIncomplete(f"git could not read all of {self.folder}", hint="git fsck")
        finally:
            for process in running:
                process.kill()
                _close(process.stdin)
                _close(process.stdout)
                process.wait()

    def _run(self, *args: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [self._git, *_SAFE, *args]
        try:
            return subprocess.run(
                command, cwd=self.folder, env=self._env, input=given, capture_output=True, check=False, timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            raise SearchIncomplete(f"git did not answer in {LIMIT} seconds about {self.folder}") from None

    def _start(self, *args: str, given: IO[bytes] | int | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._git, *_SAFE, *args],
            cwd=self.folder,
            env=self._env,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def program(name: str, environ: Mapping[str, str]) -> str:
    """The full path of a program, "" if there is none; never one that lies in the current folder by chance."""
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    found = (shutil.which(os.path.join(folder, name)) for folder in folders if os.path.isabs(folder))
    return next(filter(None, found), "")


def _refused(folder: str, said: str) -> SearchIncomplete:
    reason = said.strip().splitlines()
    why = reason[0].removeprefix("fatal: ") if reason else "git refused"
    if "dubious ownership" in said:
        hint = "git config --global --add safe.directory, with that folder, if you trust its owner"
        return SearchIncomplete(f"{folder} belongs to somebody else", why=why, hint=hint)
    if "not a git repository" in said:
        return SearchIncomplete(f"{folder} is in no git repository", hint="ringlet scan, for the files of a folder")
    return SearchIncomplete(f"git cannot be asked about {folder}", why=why, hint=f"git -C {folder} status")


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except BrokenPipeError:  # what was still to be sent is no longer wanted
            return
