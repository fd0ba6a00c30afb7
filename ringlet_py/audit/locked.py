"""The audit log while this process alone may write to it."""

from __future__ import annotations

import os

from ringlet_py.audit.chain import HEAD_LENGTH, HEAD_NAME, LOG_NAME, Head, archive_name, encode, first_head
from ringlet_py.files.private import make_private_folder, open_private, wait_for_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ringlet_py.audit.chain import Fields

LOCK_LIMIT = 10.0


class LockedLog:
    """The log while we alone may write to it; the lock is on the head file, which is never replaced."""

    __slots__ = ("_head_fd", "_log_fd", "folder", "head", "head_is_lost")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.head = first_head()
        self.head_is_lost = False
        self._head_fd = -1
        self._log_fd = -1

    def __enter__(self) -> Self:
        path = self._path(HEAD_NAME)
        try:
            self._head_fd = open_private(path, os.O_RDWR | os.O_CREAT)
        except FileNotFoundError:
            make_private_folder(self.folder)
            self._head_fd = open_private(path, os.O_RDWR | os.O_CREAT)
        try:
            wait_for_lock(self._head_fd, path, LOCK_LIMIT)
            self._open_log()
            self._read_head()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def in_order(self) -> bool:
        """Whether the log is exactly as long as the head says."""
        return not self.head_is_lost and self.head.size == self.size()

    def size(self) -> int:
        """The current file's length, in bytes."""
        return os.fstat(self._log_fd).st_size

    def read_from(self, offset: int) -> bytes:
        """The current file's content from there on."""
        os.lseek(self._log_fd, offset, os.SEEK_SET)
        chunks = []
        while chunk := os.read(self._log_fd, 1 << 20):
            chunks.append(chunk)
        return b"".join(chunks)

    def put(self, fields: Fields, *, max_size: int = 0, fragment: bytes = b"") -> None:
        """Writes the record, then the head; 0 means no rotation."""
        line, digest = encode(fields, self.head, fragment)
        if max_size and self.head.size and self.head.size + len(line) > max_size:
            self._rotate()
        self.write(line)
        self.move_head(self.head.after(digest, len(line) + len(fragment)))

    def write(self, data: bytes) -> None:
        """Adds bytes to the current file; what a full disk cuts short stays for `recovery` to mark."""
        while data:
            data = data[os.write(self._log_fd, data) :]

    def move_head(self, head: Head) -> None:
        """Overwrites the head in place: one write of less than a disk's sector."""
        os.lseek(self._head_fd, 0, os.SEEK_SET)
        os.write(self._head_fd, head.encode())
        self.head = head

    def trim_head(self) -> None:
        """Drops what stands behind a head that was written over something longer."""
        os.ftruncate(self._head_fd, HEAD_LENGTH)

    def _rotate(self) -> None:
        sequence = self.head.sequence
        while os.path.lexists(self._path(archive_name(sequence))):
            sequence += 1
        self._close_log()  # Windows renames no open file
        try:
            os.rename(self._path(LOG_NAME), self._path(archive_name(sequence)))
        except OSError:
            # a reader on Windows holds it: the record matters more than the size, the next append tries again
            self._open_log()
            return
        self.move_head(Head(digest=self.head.digest, size=0, number=self.head.number, sequence=sequence + 1))
        self._open_log()

    def _read_head(self) -> None:
        os.lseek(self._head_fd, 0, os.SEEK_SET)
        head = Head.decode(os.read(self._head_fd, HEAD_LENGTH + 1))
        self.head_is_lost = head is None
        self.head = head or first_head()

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _open_log(self) -> None:
        self._log_fd = open_private(self._path(LOG_NAME), os.O_RDWR | os.O_CREAT | os.O_APPEND)

    def _close_log(self) -> None:
        if self._log_fd >= 0:
            os.close(self._log_fd)
            self._log_fd = -1

    def _close(self) -> None:
        self._close_log()
        os.close(self._head_fd)
