"""Replaces the content of a person's own file: atomically, with mode and owner kept, and only if it is still the same.

What is written may hold keys (an undo puts them back), so the new file is born private; remains of writers that were
killed are swept away by the next one.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from ringlet_py.files.checks import POSIX
from ringlet_py.files.private import sync_folder
from ringlet_py.moving.stores.reading import Unread, read

if TYPE_CHECKING:
    from ringlet_py.moving.reading import Source

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)
_ACCESS = "system.posix_acl"  # without it the mode alone would open the file to others
_MOST_NAME = 200  # file systems take 255 bytes, and the temporary name is longer


class ChangedError(Exception):
    """The file is not what was read; it was left as it is."""


def replace(source: Source, content: bytes) -> None:
    """Puts the content in the file's place; ChangedError if the file is not what was read, OSError as it comes."""
    folder, name = os.path.split(source.real)
    sweep(source.real)
    temporary = os.path.join(folder, f".{_short(name)}.{os.urandom(6).hex()}.ringlet")
    try:
        _write_new(temporary, content, like=source.real)
        _check_unchanged(source)
        os.replace(temporary, source.real)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    with suppress(OSError):  # it is there, and some file systems refuse to say more
        sync_folder(folder)


def sweep(real: str) -> None:
    """Takes away what killed writers of this file left beside it."""
    for path in remains(real):
        with suppress(FileNotFoundError):
            os.unlink(path)


def remains(real: str) -> list[str]:
    """What writers of this file left beside it, or are still writing; OSError if that cannot be seen."""
    folder, name = os.path.split(real)
    left = re.compile(rf"\.{re.escape(_short(name))}\.[0-9a-f]{{12}}\.ringlet")
    found = (os.path.join(folder, other) for other in os.listdir(folder) if left.fullmatch(other))
    return sorted(path for path in found if _is_own_file(path))


def _is_own_file(path: str) -> bool:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and (not POSIX or status.st_uid == os.geteuid())


def _short(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:_MOST_NAME])


def _write_new(path: str, content: bytes, *, like: str) -> None:
    fd = os.open(path, _FLAGS, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        _take_after(fd, path, like)
        os.fsync(fd)
    finally:
        os.close(fd)


def _take_after(fd: int, path: str, like: str) -> None:
    """Gives the new file the old one's owner, further attributes (access lists, labels) and mode."""
    old = os.stat(like)
    if not POSIX:
        return
    new = os.fstat(fd)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(fd, old.st_uid, old.st_gid)
    _copy_attributes(like, path)
    os.fchmod(fd, old.st_mode & 0o7777)


def _copy_attributes(old: str, new: str) -> None:
    if not hasattr(os, "listxattr"):
        return
    try:
        names = os.listxattr(old)
    except OSError:  # not every file system has them
        return
    for name in names:
        try:
            os.setxattr(new, name, os.getxattr(old, name))
        except OSError:  # labels are often the system's to give
            if name.startswith(_ACCESS):
                raise


def _check_unchanged(source: Source) -> None:
    try:
        same = read(source.real) == source.raw
    except (FileNotFoundError, Unread):
        same = False
    if not same:
        raise ChangedError(f"{source.path} was changed meanwhile and left as it is")
