"""A connection to the ledger's file that is kept: for what happens thousands of times a second.

It belongs to one process; in another it is opened anew, and anew too when the file at its path is another one or is no
longer ours alone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ringlet_py.errors import KeychainTimeout
from ringlet_py.files.checks import quoted
from ringlet_py.files.queue import Queue
from ringlet_py.ledger.sqlite_turns import Busy, Opened, at_once, in_turn, in_turn_on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.ledger.sqlite_file import SqliteFile
    from ringlet_py.ledger.sqlite_turns import Action

Answer = TypeVar("Answer")
_CACHE = -2_000  # kilobytes: with more a program grows, and no claim was faster
# pages of the log until it is copied into the file, which is when a claim waits for the disk; SQLite's own is 1000
_LOG = 8000
_HURRY = 0.005  # seconds; as long as another ringlet needs for a few claims


class Session:
    """One kept connection, for one thread at a time; processes wait for their turn to write in a queue beside the file.

    Whoever only reads while a thread has it, or waits with it for others, has a connection of his own.
    What SQLite or the system raises becomes our own errors.
    """

    def __init__(self, file: SqliteFile, *, reads_only: bool = False) -> None:
        self.file = file
        self._reader = None if reads_only else Session(file, reads_only=True)
        self._folder = os.path.dirname(file.path)
        self._abandoned: list[Opened] = []
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._hurried = threading.local()
        self._open: Opened | None = None
        self._seen: tuple[int, ...] = ()

    def write(self, action: Action[Answer], *, durable: bool = False) -> Answer:
        """What the action answers; all that it changed is kept, or if it raises nothing.

        A `kill -9` loses nothing that was answered; a power cut may lose the last answers that are not `durable`, and
        breaks nothing.
        """
        write = in_turn_on_disk if durable else in_turn
        with self._alone():
            try:
                return write(self._kept() or self._made(), action, end="COMMIT", patience=self._patience)
            except (sqlite3.Error, OSError):
                with self.file.translating():
                    raise

    def look(self, action: Action[Answer]) -> Answer | None:
        """What the action answers, and whatever it changed is undone; None if there is no ledger yet.

        It waits for whoever writes only where the action has something to change.
        """
        with suppress(Busy), self._free_one() as one:
            return one._glance(action)  # noqa: SLF001 - of this class
        with self._alone(), self.file.translating():
            opened = self._kept() or self._found()
            return None if opened is None else in_turn(opened, action, end="ROLLBACK", patience=self._patience)

    def rows(self, query: str, *values: str) -> list[Any]:
        """All rows of the answer, without waiting for whoever writes; none if there is no ledger yet."""
        with self._free_one() as one:
            return one._read(query, values)  # noqa: SLF001 - of this class

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Within it, what this thread would have to wait for others for raises KeychainTimeout instead."""
        self._hurried.is_so = True
        try:
            yield
        finally:
            self._hurried.is_so = False

    def is_busy(self) -> bool:
        """Whether the next use would wait for another ringlet, or has to open the file first.

        Another program that has the file is not looked for: a use that hurries finds it out in its few milliseconds.
        """
        if not self._lock_of_this_process().acquire(blocking=False):
            return True
        try:
            opened = self._kept()
            return opened is None or not opened.queue.is_free()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Closes the connection; the next use opens it again."""
        if self._reader is not None:
            self._reader.close()
        with self._lock:
            self._close()

    @contextmanager
    def _alone(self, patience: float | None = None) -> Iterator[None]:
        """While no other thread has it; KeychainTimeout, as if it were another process."""
        lock = self._lock_of_this_process()
        if not lock.acquire(timeout=self._patience if patience is None else patience):
            what = f"{self.file.path} was busy for more than {self.file.busy_timeout:g} seconds"
            raise KeychainTimeout(what, hint=f"see which process it is: fuser {quoted(self.file.path)}")
        try:
            yield
        finally:
            lock.release()

    @property
    def _patience(self) -> float:
        """For how many seconds this thread waits for others."""
        return _HURRY if getattr(self._hurried, "is_so", False) else self.file.busy_timeout

    def _lock_of_this_process(self) -> threading.Lock:
        if self._pid != os.getpid():
            self._leave_to_parent()
        return self._lock

    @contextmanager
    def _free_one(self) -> Iterator[Session]:
        """Itself, if no thread has it; else the one for those who only read."""
        lock = self._lock_of_this_process()
        if lock.acquire(blocking=False):
            try:
                yield self
            finally:
                lock.release()
            return
        one = self._reader or self
        with one._alone(self._patience):  # noqa: SLF001 - of this class
            yield one

    def _read(self, query: str, values: tuple[str, ...]) -> list[Any]:
        try:
            opened = self._kept() or self._found()
            if opened is None:
                return []
            opened.wait(self._patience)
            # all at once: a reading that stays open would hold up the log
            return opened.connection.execute(query, values).fetchall()
        except (sqlite3.Error, OSError):
            self._close()
            with self.file.translating():
                raise

    def _glance(self, action: Action[Answer]) -> Answer | None:
        with self.file.translating():
            opened = self._kept() or self._found()
            return None if opened is None else at_once(opened, action)

    def _kept(self) -> Opened | None:
        """What is open, if the file is still the same one; else nothing is."""
        if self._open is not None and self._seen == _signs(self.file.path, self._folder):
            return self._open
        self._close()
        return None

    def _found(self) -> Opened | None:
        return self._connected() if self.file.exists() else None

    def _made(self) -> Opened:
        self.file.make()
        return self._connected()

    def _connected(self) -> Opened:
        # before it is opened: what is put in its place meanwhile is noticed the next time
        seen = _signs(self.file.path, self._folder)
        connection = self.file.connect(kept=True)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = {_CACHE}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")
        self._open = Opened(connection, Queue(f"{self.file.path}.queue", limit=self.file.busy_timeout))
        self._seen = seen
        return self._open

    def _close(self) -> None:
        if self._open is None:
            return
        opened, self._open = self._open, None
        opened.connection.close()
        opened.queue.close()

    def _leave_to_parent(self) -> None:
        """After a fork: closing the connection here could tidy away what the parent still writes."""
        if self._open is not None:
            self._abandoned.append(self._open)
        self._begin_anew()


def _signs(path: str, its_folder: str) -> tuple[int, ...]:
    """What tells that it is still the same file, and still ours alone."""
    try:
        file, folder = os.lstat(path), os.stat(its_folder)
    except OSError:
        return ()
    return file.st_ino, file.st_dev, file.st_mode, file.st_uid, folder.st_ino, folder.st_mode, folder.st_uid
