"""The audit log held open between records: for programs that claim thousands of times a second.

What opening checks is checked when it is opened, and again as soon as the folder or a file is not as it was: another
one in its place, another owner, another mode.  The way above the folder is looked at only then.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ringlet_py.audit import locked
from ringlet_py.audit.batch import Batches, Forms, put_all
from ringlet_py.audit.chain import HEAD_LENGTH, HEAD_NAME, LOG_NAME, Head, first_head
from ringlet_py.audit.locked import LockedLog
from ringlet_py.audit.log import Audit, Process, unwritable, working_folder
from ringlet_py.audit.recovery import recover
from ringlet_py.entry import utc
from ringlet_py.errors import RingletError
from ringlet_py.files.checks import POSIX
from ringlet_py.files.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from ringlet_py.audit.batch import Record
    from ringlet_py.audit.log import Said
    from ringlet_py.secret import Secret

    Signs = list[tuple[int, ...]]


class HeldLog(LockedLog):
    """A `LockedLog` that stays open when it is left, for one thread at a time of the process that made it."""

    __slots__ = ("_alone", "_encoded", "_head_path", "_log_path", "_queue", "_seen", "_size", "pid")

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.pid = os.getpid()
        self._alone = threading.Lock()  # which the lock on the file does not keep: threads share the open file
        self._queue: Queue | None = None
        self._seen: Signs | None = None
        self._size = 0
        self._encoded: bytes | None = None
        self._log_path = self._path(LOG_NAME)
        self._head_path = self._path(HEAD_NAME)

    def __enter__(self) -> Self:
        self._alone.acquire()
        try:
            self._take_turn()
            self._read_head()
        except BaseException:
            self._close()
            self._alone.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._queue is not None:
                self._queue.leave()
        finally:
            self._alone.release()

    def is_busy(self) -> bool:
        """Whether entering would wait for others, or has to open the files first."""
        if not self._alone.acquire(blocking=False):
            return True
        try:
            return self._queue is None or not self._queue.is_free()
        finally:
            self._alone.release()

    def close(self) -> None:
        """Closes the files; the next entering opens them again."""
        with self._alone:
            self._close()

    def __del__(self) -> None:
        # after a fork the files are the parent's, and another thread of it may have been about to close them
        if self.pid == os.getpid():
            self._close()

    def in_order(self) -> bool:
        """Whether the log is exactly as long as the head says."""
        return not self.head_is_lost and self.head.size == self._size

    def move_head(self, head: Head) -> None:
        """Overwrites the head in place: one write of less than a disk's sector."""
        encoded = head.encode()
        os.pwrite(self._head_fd, encoded, 0)
        self.head = head
        self._encoded = encoded

    def _take_turn(self) -> None:
        if self._queue is not None:
            self._queue.enter()
            if self._signs() == self._seen is not None:
                return
            self._close()
        self._open()

    def _open(self) -> None:
        with LockedLog(self.folder):
            pass  # does all the checks, and makes what is missing
        # before they are opened: what is put in their place meanwhile is noticed the next time
        seen = self._signs()
        self._queue = Queue(self._head_path, limit=locked.LOCK_LIMIT)
        self._head_fd = self._queue.fd
        self._queue.enter()
        self._open_log()
        self._size = self.size()
        self._seen = seen

    def _read_head(self) -> None:
        encoded = os.pread(self._head_fd, HEAD_LENGTH + 1, 0)
        if encoded != self._encoded:
            head = Head.decode(encoded)
            self._encoded = None if head is None else encoded
            self.head = head or first_head()
        self.head_is_lost = self._encoded is None

    def _signs(self) -> Signs | None:
        """What tells that all are still the same, and still ours alone; None where something is gone."""
        try:
            folder, log, head = os.stat(self.folder), os.lstat(self._log_path), os.lstat(self._head_path)
        except OSError:
            return None
        self._size = log.st_size
        return [(each.st_ino, each.st_dev, each.st_mode, each.st_uid) for each in (folder, log, head)]

    def _close(self) -> None:
        self._close_log()
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.close()


class HeldAudit(Audit):
    """The audit log in a folder, as `Audit`, held open until `close`; may be shared by threads and carried over a fork.

    On Windows, which renames no open file, it is opened for each record.
    """

    __slots__ = ("_batches", "_forms", "_held", "_moments")

    def __init__(
        self,
        folder: str,
        *,
        enabled: bool,
        max_size: int,
        clock: Callable[[], float],
        process: Callable[[], Process] | None = None,
    ) -> None:
        process = process or RunningProcess().current
        super().__init__(folder, enabled=enabled, max_size=max_size, clock=clock, process=process)
        self._held = HeldLog(folder)
        self._batches = Batches()
        self._forms: Forms | None = None
        self._moments = Moments()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Records of the thread within the block are written as one when it ends well; raises AuditUnwritable then."""
        self._batches.begin()
        try:
            yield
        except BaseException:
            self._batches.end()
            raise
        records = self._batches.end()
        try:
            self._write_all(records)
        except (OSError, RingletError) as error:
            raise unwritable(os.path.join(self.folder, LOG_NAME), error) from error

    def is_busy(self) -> bool:
        """Whether the next record would wait for others."""
        return self.enabled and (not POSIX or self._of_this_process().is_busy())

    def close(self) -> None:
        """Closes what is open; the next record opens it again."""
        self._of_this_process().close()

    def _add(self, said: Said, address: str, secrets: tuple[Secret, ...]) -> None:
        record = said, address, secrets
        if not self._batches.keep(record):
            self._write_all([record])

    def _write_all(self, records: list[Record]) -> None:
        if not records:
            return
        forms = self._forms_of(self._process())
        with self._log() as log:
            at = self._moments.utc(self._clock())  # under the lock, so that the times are in the chain's order
            if not log.in_order():
                recover(log, forms.fields(records[0], at))
            put_all(log, records, forms, at=at, max_size=self.max_size)

    def _forms_of(self, process: Process) -> Forms:
        forms = self._forms
        if forms is None or forms.process is not process:
            forms = self._forms = Forms(process)
        return forms

    def _log(self) -> LockedLog:
        return self._of_this_process() if POSIX else super()._log()

    def _of_this_process(self) -> HeldLog:
        """Two threads may both make one after a fork: each does, and what is not kept is closed after its record."""
        held = self._held
        if held.pid != os.getpid():
            held = self._held = HeldLog(self.folder)
        return held


class Moments:
    """`entry.utc`, where the same second is written out once."""

    def __init__(self) -> None:
        self._second = (-1, "")

    def utc(self, seconds: float) -> str:
        """The moment in UTC as ISO 8601 with milliseconds."""
        whole, milliseconds = divmod(int(seconds * 1000), 1000)
        known, text = self._second  # both in one name, for threads
        if whole != known:
            text = utc(whole).partition(".")[0]
            self._second = whole, text
        return f"{text}.{milliseconds:03d}Z"


class RunningProcess:
    """`Process.current`, where the parent's name and the terminal are looked up once for each parent."""

    def __init__(self) -> None:
        self._known: Process | None = None

    def current(self) -> Process:
        """The running process."""
        known = self._known
        if known is None or (known.pid, known.parent) != (os.getpid(), os.getppid()):
            known = self._known = Process.current()
            return known
        uid, cwd = os.getuid() if POSIX else None, working_folder()
        if (known.uid, known.cwd) != (uid, cwd):
            known = self._known = Process(
                uid=uid, pid=known.pid, parent=known.parent, parent_name=known.parent_name, tty=known.tty, cwd=cwd
            )
        return known
