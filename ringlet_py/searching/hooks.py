"""The pre-commit hook of a repository: put beside what is there, and taken away without a trace."""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.errors import ConsentNeeded, UsageError

if TYPE_CHECKING:
    from ringlet_py.searching.git import Git

NAME, KEPT = "pre-commit", "pre-commit.before-ringlet"
MARK = b"# made by `ringlet scan --hook install`"
_LEGACY = "pre-commit.legacy"  # where the pre-commit framework puts a hook that it found
_OTHERS = frozenset(("global", "system", "command"))  # scopes of git's configuration that a repository cannot write
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_SCRIPT = """\
#!/bin/sh
{mark}; `ringlet scan --hook remove` takes it away.
# It looks for stored keys in what is staged.  A commit that cannot be checked is not made.
ringlet={ringlet}
[ -x "$ringlet" ] || ringlet=$(command -v ringlet) || {{
  echo "ringlet: error: ringlet is not installed, so this commit was not checked for keys" >&2
  echo "ringlet: hint: git commit --no-verify, or remove the hook: $0" >&2
  exit 1
}}
"$ringlet" scan --staged || {{
  echo "ringlet: hint: to commit all the same: git commit --no-verify" >&2
  exit 1
}}
kept=$(dirname "$0")/{kept}
[ ! -f "$kept" ] || [ ! -x "$kept" ] || exec "$kept" "$@"
"""


@dataclass(frozen=True)
class Hook:
    """The hook of a repository, in the folder where git looks for its hooks."""

    folder: str

    @property
    def path(self) -> str:
        """Where git looks for it."""
        return os.path.join(self.folder, NAME)

    @property
    def kept(self) -> str:
        """Where the hook lies that was there before, and that runs after ours."""
        return os.path.join(self.folder, KEPT)

    @property
    def installed(self) -> bool:
        """Whether ours is what git runs."""
        return _is_ours(self.path)

    @property
    def behind_another(self) -> bool:
        """Whether the pre-commit framework was installed over ours, and runs it."""
        return _is_ours(os.path.join(self.folder, _LEGACY))

    def install(self, ringlet: str) -> bool:
        """Puts the hook there, and says whether anything was changed; `ringlet` is the program it runs, if it is there.

        A hook that is there is kept beside it and runs after it.
        """
        script = _SCRIPT.format(mark=MARK.decode(), ringlet=shlex.quote(ringlet), kept=KEPT).encode()
        if self.behind_another or _content(self.path) == script:
            return False
        os.makedirs(self.folder, exist_ok=True)
        if os.path.lexists(self.path) and not self.installed:
            self._check_file()
            self._keep()
        _write_program(self.path, script)
        return True

    def remove(self) -> bool:
        """Takes the hook away, puts what was there before back, and says whether anything was changed."""
        if self.behind_another:
            raise ConsentNeeded(
                f"the hook runs behind the pre-commit framework's, as {os.path.join(self.folder, _LEGACY)}",
                hint="pre-commit uninstall, then this again",
            )
        if not self.installed:
            return False
        if os.path.lexists(self.kept):
            os.replace(self.kept, self.path)
        else:
            os.unlink(self.path)
        return True

    def _check_file(self) -> None:
        """Raises UsageError for a pipe, device or socket, which is there for something else."""
        if os.path.exists(self.path) and not (os.path.isfile(self.path) or os.path.isdir(self.path)):
            hint = f"see what it is for, and remove or rename it: ls -ld {shlex.quote(self.path)}"
            what = f"{self.path} is a pipe, a device or a socket"
            raise UsageError(what, why="neither git nor ringlet can run it", hint=hint)

    def _keep(self) -> None:
        """A second name first, so that the hook is there whatever stops us."""
        if os.path.lexists(self.kept):
            raise ConsentNeeded(
                f"{self.kept} and {self.path} are both there, and neither is ringlet's",
                why="a hook would be lost",
                hint=f"see which of them is right, and remove or rename {self.kept}",
            )
        try:
            os.link(self.path, self.kept, follow_symlinks=False)
        except (OSError, NotImplementedError):  # a file system without hard links
            os.rename(self.path, self.kept)


def hook_of(git: Git) -> Hook:
    """The hook of the repository; raises UsageError where the repository itself moves it out of its folders."""
    folder = os.path.normpath(os.path.join(git.folder, git.lines("rev-parse", "--git-path", "hooks")[0]))
    # a repository that says itself where its files are could say that they are everywhere
    is_told = _scope(git, "core.worktree") not in ("", *_OTHERS)
    top = "" if is_told else git.asked("rev-parse", "--show-toplevel")
    own = [os.path.realpath(each) for each in [*git.folders, *([top] if top else [])]]
    real = os.path.realpath(folder)
    if any(os.path.commonpath([real, each]) == each for each in own if _same_drive(real, each)):
        return Hook(folder)
    told = _scope(git, "core.hooksPath")
    if told in _OTHERS:
        return Hook(folder)
    if not told:
        raise UsageError(
            f"{folder} is a link to {real}, which is outside of the repository",
            hint=f"have it for all repositories: git config --global core.hooksPath {shlex.quote(real)}",
        )
    raise UsageError(
        f"the repository has its hooks in {folder}",
        why="core.hooksPath in its own configuration leads out of it",
        hint="git config --local --unset core.hooksPath",
    )


def _scope(git: Git, name: str) -> str:
    """Where git has that setting from, "" if it is not set."""
    return git.asked("config", "--show-scope", "--get", name).partition("\t")[0]


def _same_drive(one: str, other: str) -> bool:
    return os.path.splitdrive(one)[0] == os.path.splitdrive(other)[0]


def _is_ours(path: str) -> bool:
    return MARK in _content(path)


def _content(path: str) -> bytes:
    try:
        # a pipe or device in its place must neither block us nor be read
        with open(os.open(path, os.O_RDONLY | _FLAGS), "rb") as file:
            return file.read(1 << 16) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return b""


def _write_program(path: str, content: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    try:
        with open(fd, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
