"""The log's files as they stood at one moment, for reading while others append and rotate."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.audit.chain import HEAD_NAME, LOG_NAME, Head, archive_name, sequence_of
from ringlet_py.audit.locked import LOCK_LIMIT
from ringlet_py.files.private import open_private, wait_for_lock

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Snapshot:
    """The head (None if there is no readable one), the archives' sequences and the current file up to `size`.

    `fd` is the current file, held open so that a rotation cannot take it away; -1 if there is none.
    """

    folder: str
    head: Head | None
    head_is_there: bool
    archives: tuple[int, ...]
    fd: int
    size: int

    @property
    def sequence(self) -> int:
        """The sequence that the current file has, and will have as an archive."""
        if self.head is None:
            return max(self.archives, default=0) + 1
        # a rotation that was stopped before the head was moved on leaves the head's file as an archive
        return self.head.sequence + (self.head.sequence in self.archives)

    @property
    def files(self) -> list[tuple[int, str]]:
        """Sequence and path of each file, oldest first, the current one last."""
        archives = [(number, os.path.join(self.folder, archive_name(number))) for number in self.archives]
        return [*archives, (self.sequence, os.path.join(self.folder, LOG_NAME))]

    def lines(self, path: str) -> Iterator[bytes]:
        """The file's lines with their line feeds; none if it is not there."""
        current = os.path.basename(path) == LOG_NAME
        if current and self.fd < 0:
            return
        fd = os.dup(self.fd) if current else _open_if_there(path)
        if fd < 0:
            return
        with os.fdopen(fd, "rb") as file:
            left = self.size if current else os.fstat(fd).st_size
            file.seek(0)
            while line := file.readline(left):
                left -= len(line)
                yield line


@contextmanager
def snapshot(folder: str) -> Iterator[Snapshot]:
    """The log as it is now; empty where there is none.

    Raises InsecurePermissions if others could have written to it, KeychainTimeout if no lock is to be had.
    """
    head_fd = _locked_head(folder)
    log_fd = -1
    try:
        names = _names(folder)
        if head_fd < 0 and names:
            # the first writer of all may have come between; it makes the head before the log
            head_fd = _locked_head(folder)
            names = _names(folder)
        log_fd = _open_if_there(os.path.join(folder, LOG_NAME)) if LOG_NAME in names else -1
        found = _look(folder, names, head_fd, log_fd)
        head_fd = _closed(head_fd)
        yield found
    finally:
        _closed(head_fd)
        _closed(log_fd)


def _locked_head(folder: str) -> int:
    path = os.path.join(folder, HEAD_NAME)
    fd = _open_if_there(path)
    try:
        if fd >= 0:
            wait_for_lock(fd, path, LOCK_LIMIT)
    except BaseException:
        _closed(fd)
        raise
    return fd


def _names(folder: str) -> list[str]:
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [name for name in names if name == LOG_NAME or sequence_of(name)]


def _look(folder: str, names: list[str], head_fd: int, log_fd: int) -> Snapshot:
    return Snapshot(
        folder=folder,
        head=_head(head_fd),
        head_is_there=head_fd >= 0 and os.fstat(head_fd).st_size > 0,
        archives=tuple(sorted(filter(None, map(sequence_of, names)))),
        fd=log_fd,
        size=os.fstat(log_fd).st_size if log_fd >= 0 else 0,
    )


def _head(fd: int) -> Head | None:
    if fd < 0:
        return None
    os.lseek(fd, 0, os.SEEK_SET)
    return Head.decode(os.read(fd, 4096))


def _open_if_there(path: str) -> int:
    try:
        return open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return -1


def _closed(fd: int) -> int:
    if fd >= 0:
        os.close(fd)
    return -1
