"""A connection to the ledger's file that is kept: for what happens thousands of times a second.

It belongs to one process; in another it is opened anew, and anew too when the file at its path is another one or is no
longer ours alone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from ringlet_py.files.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.ledger.sqlite_file import SqliteFile

    Action = Callable[[sqlite3.Connection], "Answer"]
    _Opened = tuple[sqlite3.Connection, Queue]

Answer = TypeVar("Answer")
_CACHE = -2_000  # kilobytes: with more a program grows, and no claim was faster
# pages of the log until it is copied into the file, which is when a claim waits for the disk; SQLite's own is 1000
_LOG = 8000


class Session:
    """One kept connection, for one thread at a time; processes wait for their turn to write in a queue beside the file.

    What SQLite or the system raises becomes our own errors.
    """

    def __init__(self, file: SqliteFile) -> None:
        self.file = file
        self._folder = os.path.dirname(file.path)
        self._abandoned: list[_Opened] = []
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._open: _Opened | None = None
        self._seen: tuple[int, ...] = ()

    def write(self, action: Action[Answer], *, durable: bool = False) -> Answer:
        """What the action answers; all that it changed is kept, or if it raises nothing.

        A `kill -9` loses nothing that was answered; a power cut may lose the last answers that are not `durable`, and
        breaks nothing.
        """
        write = _in_turn_on_disk if durable else _in_turn
        with self._alone():
            try:
                return write(self._kept() or self._made(), action, "COMMIT")
            except (sqlite3.Error, OSError):
                with self.file.translating():
                    raise

    def look(self, action: Action[Answer]) -> Answer | None:
        """What the action answers, and whatever it changed is undone; None if there is no ledger yet."""
        with self._alone(), self.file.translating():
            opened = self._kept() or self._found()
            return None if opened is None else _in_turn(opened, action, "ROLLBACK")

    def rows(self, query: str, *values: str) -> list[Any]:
        """All rows of the answer, without waiting for other processes; none if there is no ledger yet."""
        with self._alone():
            try:
                opened = self._kept() or self._found()
                # all at once: a reading that stays open would hold up the log
                return [] if opened is None else opened[0].execute(query, values).fetchall()
            except (sqlite3.Error, OSError):
                self._close()
                with self.file.translating():
                    raise

    def is_busy(self) -> bool:
        """Whether the next use would wait for others, or has to open the file first."""
        if not self._alone().acquire(blocking=False):
            return True
        try:
            opened = self._kept()
            return opened is None or not opened[1].is_free() or not _is_free(opened[0], self.file.busy_timeout)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Closes the connection; the next use opens it again."""
        with self._lock:
            self._close()

    def _alone(self) -> threading.Lock:
        if self._pid != os.getpid():
            self._leave_to_parent()
        return self._lock

    def _kept(self) -> _Opened | None:
        """What is open, if the file is still the same one; else nothing is."""
        if self._open is not None and self._seen == _signs(self.file.path, self._folder):
            return self._open
        self._close()
        return None

    def _found(self) -> _Opened | None:
        return self._connected() if self.file.exists() else None

    def _made(self) -> _Opened:
        self.file.make()
        return self._connected()

    def _connected(self) -> _Opened:
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


def _is_free(connection: sqlite3.Connection, timeout: float) -> bool:
    """Whether nobody writes now, be it another program that knows nothing of the queue."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(timeout * 1000)}")
    return True


def _in_turn(opened: _Opened, action: Action[Answer], end: str) -> Answer:
    connection, queue = opened
    queue.enter()
    try:
        connection.execute("BEGIN IMMEDIATE")
        answer = action(connection)
        connection.execute(end)
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise
    finally:
        queue.leave()
    return answer


def _in_turn_on_disk(opened: _Opened, action: Action[Answer], end: str) -> Answer:
    connection, _ = opened
    connection.execute("PRAGMA synchronous = FULL")
    try:
        return _in_turn(opened, action, end)
    finally:
        connection.execute("PRAGMA synchronous = NORMAL")


def _signs(path: str, its_folder: str) -> tuple[int, ...]:
    """What tells that it is still the same file, and still ours alone."""
    try:
        file, folder = os.lstat(path), os.stat(its_folder)
    except OSError:
        return ()
    return file.st_ino, file.st_dev, file.st_mode, file.st_uid, folder.st_ino, folder.st_mode, folder.st_uid
