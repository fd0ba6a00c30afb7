"""Files that steer us: anybody may read them, but only we (or root) may have written them."""

from __future__ import annotations

import os
import stat

from ringlet_py.errors import ConfigError, InsecurePermissions
from ringlet_py.files.checks import POSIX, quoted

MAX_SIZE = 4 * 1024 * 1024


def read_trusted(path: str) -> str:
    """The text of a configuration file; FileNotFoundError if there is none.

    A symbolic link is followed (dotfile managers use them), its target must be ours or root's and not
    writable by others: who can write it could send a key elsewhere.  Raises InsecurePermissions, ConfigError.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(fd, "rb") as file:
        _check(os.fstat(file.fileno()), path)
        return _decoded(file.read(), path)


def _check(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SIZE:
        raise ConfigError(f"{path} is not a file of reasonable size", hint=f"ls -l {quoted(path)}")
    if not POSIX:
        return
    if status.st_uid not in (0, os.geteuid()):
        raise InsecurePermissions(f"{path} belongs to user {status.st_uid}", hint=_to_own(status, path))
    if status.st_mode & 0o022:
        raise InsecurePermissions(
            f"{path} is writable by others (mode {stat.S_IMODE(status.st_mode):04o})",
            why="who can write it can send a key elsewhere",
            hint=f"chmod go-w {quoted(path)}",
        )


def _to_own(status: os.stat_result, path: str) -> str:
    """Never to take over what a link leads to, nor as root somebody's files."""
    if os.geteuid() == 0:
        return f"run it without sudo, as user {status.st_uid}"
    return f"ls -lL {quoted(path)}" if os.path.islink(path) else f"sudo chown {os.geteuid()} {quoted(path)}"


def _decoded(raw: bytes, path: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path} is not UTF-8 (byte {problem.start})", hint=f"edit {path}") from None
