"""Whether a file or folder is ours alone, and nobody can swap what is on the way to it.

Paths are absolute.  Modes mean nothing on Windows, where the folders' inherited access lists protect;
there only the type of the file is checked.
"""

from __future__ import annotations

import os
import stat

from ringlet_py import errors

POSIX = os.name == "posix"
FILE_MODE = 0o600
_ALL_USERS = [b"0", b"0", b"4294967295"]  # what uid_map says outside of any namespace


def check_folder(path: str) -> None:
    """Raises InsecurePermissions if others could swap files in the folder, FileNotFoundError without it."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise errors.StoreCorrupt(f"{path} points to nothing", hint=f"ls -l {quoted(path)}") from None
        raise
    if not stat.S_ISDIR(status.st_mode):
        raise no_folder(path)
    if not POSIX:
        return
    _check_owner(status, path)
    if status.st_mode & 0o022:
        raise errors.InsecurePermissions(
            f"{path} is writable by others (mode {stat.S_IMODE(status.st_mode):04o})",
            why="who can write there can swap the files in it",
            hint=f"chmod go-w {quoted(path)}",
        )
    _check_way(path)


def check_file(path: str) -> None:
    """As `open_private` checks, by name: for a file that another library opens; FileNotFoundError without it.

    The folder is checked first, and in such a folder nobody else can swap the file afterwards.
    """
    check_folder(os.path.dirname(path))
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        raise is_symlink(path)
    check_status(status, path)


def quoted(path: str) -> str:
    """The path as a shell takes it, for hints."""
    import shlex

    return shlex.quote(path)


def reason(error: OSError) -> str:
    """Why the system refused, for an error's `why`."""
    return error.strerror or type(error).__name__


def check_status(status: os.stat_result, path: str) -> None:
    """Raises InsecurePermissions for a file that is not ours alone, StoreCorrupt for what is no file."""
    if not stat.S_ISREG(status.st_mode):
        raise errors.StoreCorrupt(f"{path} is not a regular file", hint=f"ls -l {quoted(path)}")
    if not POSIX:
        return
    _check_owner(status, path)
    if status.st_mode & 0o077:
        raise errors.InsecurePermissions(
            f"{path} can be read or written by others (mode {stat.S_IMODE(status.st_mode):04o})",
            why="it must be for its owner alone",
            hint=f"chmod 600 {quoted(path)}",
        )


def _check_owner(status: os.stat_result, path: str) -> None:
    us = os.geteuid()
    if status.st_uid == us:
        return
    # as root on somebody's files, taking them over would be the wrong advice
    hint = f"run it without sudo, as user {status.st_uid}" if us == 0 else f"sudo chown {us} {quoted(path)}"
    raise errors.InsecurePermissions(f"{path} belongs to user {status.st_uid}, not to us (user {us})", hint=hint)


def _check_way(path: str) -> str:
    """The path without symbolic links, if nobody but root and us can rename a step on the way to it."""
    real = "/"
    _check_step(os.lstat(real), real)
    for name in path.split("/"):
        if name in ("", "."):
            continue
        if name == "..":
            real = os.path.dirname(real)
            continue
        step = f"{real}/{name}" if real != "/" else f"/{name}"
        status = os.lstat(step)
        _check_step(status, step)
        real = _check_way(os.path.join(real, os.readlink(step))) if stat.S_ISLNK(status.st_mode) else step
    return real


def _check_step(status: os.stat_result, path: str) -> None:
    """Group-writable is allowed here: where every user has a group (umask 002) it is common."""
    if status.st_uid not in (0, os.geteuid()) and not _is_unmapped(status.st_uid):
        raise errors.InsecurePermissions(
            f"{path}, on the way to our files, belongs to user {status.st_uid}",
            why="who owns it can put other files in their place",
            hint=f"ls -ld {quoted(path)}; it should be yours or root's",
        )
    if status.st_mode & 0o002 and not status.st_mode & stat.S_ISVTX and stat.S_ISDIR(status.st_mode):
        raise errors.InsecurePermissions(f"{path} is writable by everybody", hint=f"chmod o-w {quoted(path)}")


def _is_unmapped(uid: int) -> bool:
    """Whether the owner only looks like this user, since we are in a user namespace (bubblewrap makes one).

    There everybody without a number of their own, root included, looks like one and the same user.
    """
    try:
        with open("/proc/self/uid_map", "rb") as numbers, open("/proc/sys/kernel/overflowuid", "rb") as overflow:
            return numbers.read().split() != _ALL_USERS and int(overflow.read()) == uid
    except OSError:
        return False


def no_folder(path: str) -> errors.StoreCorrupt:
    """The error for what stands where a folder should be."""
    return errors.StoreCorrupt(f"{path} is in the way: it is not a folder", hint=f"ls -l {quoted(path)}")


def check_ours(status: os.stat_result, path: str) -> None:
    """Raises InsecurePermissions for a new file that we ourselves could not read or write again."""
    if POSIX and status.st_mode & FILE_MODE != FILE_MODE:
        raise errors.InsecurePermissions(
            f"{path} would be unreadable", why="the umask takes our rights", hint="umask 077"
        )


def is_symlink(path: str) -> errors.InsecurePermissions:
    """The error for a symbolic link in the place of a private file."""
    return errors.InsecurePermissions(
        f"{path} is a symbolic link",
        why="its target is not under the protection of this folder",
        hint=f"put the file itself there: ls -l {quoted(path)}",
    )
