"""A connection to the ledger's file that is kept: for what happens thousands of times a second.

It belongs to one process; in another it is opened anew, and anew too when the file at its path is another one or is no
longer ours alone.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar

from ringlet_py.files.queue import Queue

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from ringlet_py.ledger.sqlite_file import SqliteFile

    Action = Callable[[sqlite3.Connection], "Answer"]

Answer = TypeVar("Answer")
_CACHE = -16_000  # kilobytes: the standings of 10,000 keys and their last uses
# pages of the log until it is copied into the file, which is when a claim waits for the disk; SQLite's own is 1000
_LOG = 8000


class Session:
    """One kept connection, for one transaction at a time; processes wait for theirs in a queue beside the file."""

    def __init__(self, file: SqliteFile) -> None:
        self.file = file
        self._folder = os.path.dirname(file.path)
        self._abandoned: list[tuple[sqlite3.Connection, Queue]] = []
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._open: tuple[sqlite3.Connection, Queue] | None = None
        self._seen: tuple[int, ...] = ()

    def write(self, action: Action[Answer]) -> Answer:
        """What the action answers; all that it changed is kept, or if it raises nothing.

        A `kill -9` loses nothing that was answered; a power cut may lose the last answers, and breaks nothing.
        """
        return self._within(action, keep=True)

    def look(self, action: Action[Answer]) -> Answer | None:
        """What the action answers, and whatever it changed is undone; None if there is no ledger yet."""
        return self._within(action, keep=False) if self.file.exists() else None

    def close(self) -> None:
        """Closes the connection; the next use opens it again."""
        with self._lock:
            self._close()

    def _within(self, action: Action[Answer], *, keep: bool) -> Answer:
        if self._pid != os.getpid():
            self._leave_to_parent()
        with self._lock, self.file.translating():
            connection, queue = self._opened()
            queue.enter()
            try:
                return _transaction(connection, action, keep=keep)
            finally:
                queue.leave()

    def _opened(self) -> tuple[sqlite3.Connection, Queue]:
        if self._open is not None and self._seen == _signs(self.file.path, self._folder):
            return self._open
        self._close()
        self.file.make()
        # before it is opened: what is put in its place meanwhile is noticed the next time
        seen = _signs(self.file.path, self._folder)
        connection = self.file.connect(kept=True)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = {_CACHE}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")
        self._open = connection, Queue(f"{self.file.path}.queue", limit=self.file.busy_timeout)
        self._seen = seen
        return self._open

    def _close(self) -> None:
        if self._open is None:
            return
        connection, queue = self._open
        self._open = None
        connection.close()
        queue.close()

    def _leave_to_parent(self) -> None:
        """After a fork: closing the connection here could tidy away what the parent still writes."""
        if self._open is not None:
            self._abandoned.append(self._open)
        self._begin_anew()


def _transaction(connection: sqlite3.Connection, action: Action[Answer], *, keep: bool) -> Answer:
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = action(connection)
        connection.execute("COMMIT" if keep else "ROLLBACK")
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise
    return answer


def _signs(path: str, its_folder: str) -> tuple[int, ...]:
    """What tells that it is still the same file, and still ours alone."""
    try:
        file, folder = os.lstat(path), os.stat(its_folder)
    except OSError:
        return ()
    return file.st_ino, file.st_dev, file.st_mode, file.st_uid, folder.st_ino, folder.st_mode, folder.st_uid
