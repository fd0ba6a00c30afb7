"""Files that only we may read: born private, checked on every reading, replaced atomically.

Paths are absolute; `checks` says what "ours alone" means.
"""

from __future__ import annotations

import os
import time

from ringlet_py import errors
from ringlet_py.files.checks import (
    FILE_MODE,
    POSIX,
    check_folder,
    check_ours,
    check_status,
    is_symlink,
    no_folder,
    quoted,
    reason,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

FOLDER_MODE = 0o700
MAX_SIZE = 64 * 1024 * 1024
_ATTEMPTS = 10
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# a fifo or device in the file's place must neither block the opening nor become our terminal
_SAFE |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


def read_private(path: str) -> bytes:
    """The content of a file that is ours alone.

    Raises FileNotFoundError if there is none, InsecurePermissions if anybody else could read or swap it,
    StoreCorrupt if it is no regular file or absurdly large; another OSError passes through.
    """
    fd = open_private(path, os.O_RDONLY)
    try:
        return read_all(fd, path)
    finally:
        os.close(fd)


def read_all(fd: int, path: str) -> bytes:
    """Everything from the descriptor's start; StoreCorrupt if it is larger than `MAX_SIZE`."""
    size = os.fstat(fd).st_size
    os.lseek(fd, 0, os.SEEK_SET)
    chunks = []
    read = 0
    # the file may grow meanwhile, so what arrives is counted, not only what was promised
    while max(size, read) <= MAX_SIZE and (chunk := os.read(fd, size + 1)):
        chunks.append(chunk)
        read += len(chunk)
    if max(size, read) > MAX_SIZE:
        raise errors.StoreCorrupt(f"{path} is larger than {MAX_SIZE} bytes", hint=f"ls -l {quoted(path)}")
    return b"".join(chunks)


def open_private(path: str, flags: int) -> int:
    """A descriptor of the file, opened once and checked on that descriptor (never by name beforehand)."""
    check_folder(os.path.dirname(path))
    try:
        fd = os.open(path, flags | _SAFE, FILE_MODE)
    except OSError as error:
        import errno

        # FreeBSD says EMLINK where POSIX says ELOOP
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise is_symlink(path) from None
        raise
    try:
        check_status(os.fstat(fd), path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def write_private(path: str, content: bytes) -> None:
    """Replaces the file's content atomically; the caller holds the file's `Lock`.

    Whatever stops it, the old content or the new one is there.  Remains of writers that were killed are
    swept away, since they may hold secrets.
    """
    if len(content) > MAX_SIZE:
        raise errors.StoreCorrupt(f"{path} would be larger than {MAX_SIZE} bytes", hint="nothing was changed")
    folder, name = os.path.split(path)
    make_private_folder(folder)
    _sweep(folder, name)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    try:
        _write_new(temporary, content)
        _replace(temporary, path)
    except BaseException:
        _unlink_if_there(temporary)
        raise
    sync_folder(folder)


def make_private_folder(path: str) -> None:
    """Makes the folder, and what is missing above it, for us alone; one that exists is checked."""
    _make_missing(path)
    check_folder(path)


class Lock:
    """An exclusive lock between processes on a side file, waited for with a limit (seconds).

    The side file is never replaced or removed, since a lock is on the inode.  Raises KeychainTimeout,
    KeychainBroken if the file cannot be made, and as `open_private`.
    """

    __slots__ = ("_fd", "limit", "path")

    def __init__(self, path: str, *, limit: float = 90.0) -> None:
        self.path = path
        self.limit = limit
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self._fd = self._opened()
        except OSError as error:
            hint = f"ls -ld {quoted(os.path.dirname(self.path))} {quoted(self.path)}"
            raise errors.KeychainBroken(f"{self.path} cannot be locked", why=reason(error), hint=hint) from None
        return self

    def _opened(self) -> int:
        make_private_folder(os.path.dirname(self.path))
        fd = open_private(self.path, os.O_RDWR | os.O_CREAT)
        try:
            wait_for_lock(fd, self.path, self.limit)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)


def wait_for_lock(fd: int, path: str, limit: float) -> None:
    """Takes an exclusive lock on the open file; polls, so that no wait is without a limit."""
    deadline = time.monotonic() + limit
    pause = 0.001
    while not _try_lock(fd):
        if time.monotonic() > deadline:
            raise errors.KeychainTimeout(
                f"{path} is locked by another ringlet for more than {limit:g} seconds",
                hint="see which process it is: fuser " + quoted(path),
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


if POSIX:

    def _try_lock(fd: int) -> bool:
        import fcntl

        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

else:

    def _try_lock(fd: int) -> bool:
        import msvcrt

        os.lseek(fd, 0x7FFFFFFF, os.SEEK_SET)  # far behind the content: a lock there stops no reader
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True


def _make_missing(path: str) -> None:
    if not path or os.path.isdir(path):
        return
    _make_missing(os.path.dirname(path))
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        if not os.path.isdir(path):
            raise no_folder(path) from None


def _write_new(path: str, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, FILE_MODE)
    try:
        # some file systems ignore modes, and a umask may take our own rights: then nothing is written
        check_status(os.fstat(fd), path)
        check_ours(os.fstat(fd), path)
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def _replace(source: str, target: str) -> None:
    """os.replace; on Windows a reader that has the target open stands in the way for a moment."""
    for attempt in range(_ATTEMPTS + 1):
        try:
            os.replace(source, target)
        except PermissionError:
            if POSIX or attempt == _ATTEMPTS:
                raise
            time.sleep(0.001 * 2**attempt)
        else:
            return


def _sweep(folder: str, name: str) -> None:
    for other in os.listdir(folder):
        start, _, end = other.rpartition(".")
        # nothing but our own random part between: "a" must not sweep what "a.b" is writing
        if end == "tmp" and start.rpartition(".")[0] == f".{name}":
            _unlink_if_there(os.path.join(folder, other))


def _unlink_if_there(path: str) -> None:
    try:  # noqa: SIM105 - contextlib is slow to import
        os.unlink(path)
    except FileNotFoundError:
        pass


def sync_folder(folder: str) -> None:
    """Has the folder's own entries on disk: a file that was renamed into it stays there."""
    if not POSIX:
        return
    fd = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
