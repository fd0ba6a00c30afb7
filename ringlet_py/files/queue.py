"""A place where processes wait for their turn: short turns, and nobody waits long while others go twice."""

from __future__ import annotations

import os
import time

from ringlet_py.errors import KeychainTimeout
from ringlet_py.files.checks import quoted
from ringlet_py.files.private import open_private

# a pause that grew, as SQLite's own does, would let whoever waits longest ask least often
PAUSE = 0.0002  # seconds


class Queue:
    """An exclusive lock on a side file, which stays open; the folder is there.  Not for two threads at once.

    Raises OSError and what `open_private` raises when it is made, KeychainTimeout after `limit` seconds of waiting.
    """

    def __init__(self, path: str, *, limit: float) -> None:
        self.path = path
        self.limit = limit
        self.fd = open_private(path, os.O_RDWR | os.O_CREAT)

    def enter(self, *, limit: float | None = None) -> None:
        """Waits for the turn, at most for so many seconds, or for the queue's own."""
        if _try_lock(self.fd):
            return
        patience = self.limit if limit is None else limit
        deadline = time.monotonic() + patience
        while not _try_lock(self.fd):
            if time.monotonic() > deadline:
                what = f"{self.path} is locked by another ringlet for more than {patience:g} seconds"
                raise KeychainTimeout(what, hint="see which process it is: fuser " + quoted(self.path))
            time.sleep(PAUSE)

    def is_free(self) -> bool:
        """Whether nobody has the turn just now."""
        if not _try_lock(self.fd):
            return False
        _unlock(self.fd)
        return True

    def leave(self) -> None:
        """Lets the next one go."""
        _unlock(self.fd)

    def close(self) -> None:
        """Closes the file; a turn ends with it."""
        os.close(self.fd)


if os.name == "posix":
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

else:
    import msvcrt

    def _try_lock(fd: int) -> bool:
        os.lseek(fd, 0, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
