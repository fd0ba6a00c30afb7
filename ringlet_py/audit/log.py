"""Appending to the audit: one record under a lock, or an error; part of the launching path."""

from __future__ import annotations

import os

from ringlet_py import errors
from ringlet_py.audit.chain import LOG_NAME
from ringlet_py.audit.locked import LockedLog
from ringlet_py.entry import utc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ringlet_py.audit.chain import Fields
    from ringlet_py.secret import Secret

    Said = tuple[str, ...]  # of a record: action, outcome, backend, profile, agent, purpose, caller, feature, pool

OK = "ok"  # the outcome of what went well; what did not has its error's code
CLAIM = "claim"  # the action of a key that was asked for
DEFAULT_MAX_SIZE = 10 * 1024 * 1024


class Process:
    """Who is asking, as the operating system tells it; "" or None for what it does not tell."""

    __slots__ = ("cwd", "parent", "parent_name", "pid", "tty", "uid")

    def __init__(
        self, *, uid: int | None, pid: int, parent: int, parent_name: str = "", tty: str = "", cwd: str = ""
    ) -> None:
        self.uid = uid
        self.pid = pid
        self.parent = parent
        self.parent_name = parent_name
        self.tty = tty
        self.cwd = cwd

    @classmethod
    def current(cls) -> Process:
        """The running process."""
        parent = os.getppid()
        return cls(
            uid=os.getuid() if hasattr(os, "getuid") else None,
            pid=os.getpid(),
            parent=parent,
            parent_name=_name_of(parent),
            tty=_tty(),
            cwd=working_folder(),
        )


class Audit:
    """The audit log in a folder; `max_size` (bytes) is where a file is put aside and the next begins."""

    __slots__ = ("_clock", "_process", "enabled", "folder", "max_size")

    def __init__(
        self,
        folder: str,
        *,
        enabled: bool,
        max_size: int,
        clock: Callable[[], float],
        process: Callable[[], Process] = Process.current,
    ) -> None:
        self.folder = folder
        self.enabled = enabled
        self.max_size = max_size
        self._clock = clock
        self._process = process

    def append(  # noqa: PLR0913 - the fields of a record, all by name
        self,
        action: str,
        outcome: str,
        *,
        address: str = "",
        backend: str = "",
        profile: str = "",
        agent: str = "",
        purpose: str = "",
        caller: str = "",
        feature: str = "",
        pool: str = "",
        secrets: tuple[Secret, ...] = (),
    ) -> None:
        """Adds one record, or raises AuditUnwritable; does nothing where the audit is switched off.

        Caller, feature and pool stand only in records that have one.

        Any plain occurrence of the secrets is redacted, as a last defence.
        """
        if not self.enabled:
            return
        said = (action, outcome, backend, profile, agent, purpose, caller, feature, pool)
        try:
            self._add(said, address, secrets)
        except (OSError, errors.RingletError) as error:
            raise unwritable(os.path.join(self.folder, LOG_NAME), error) from error

    def together(self) -> AbstractContextManager[object]:
        """A block whose records may be written as one when it ends; here each is by itself."""
        from contextlib import nullcontext

        return nullcontext()

    def is_busy(self) -> bool:
        """Whether the next record may have to wait for others: nobody has looked."""
        return self.enabled

    def close(self) -> None:
        """Closes what is open, which is nothing: each record opens what it needs."""

    def _add(self, said: Said, address: str, secrets: tuple[Secret, ...]) -> None:
        fields = redacted(fields_of(said, address) | fields_of_process(self._process()), secrets)
        with self._log() as log:
            fields["at"] = utc(self._clock())  # under the lock, so that the times are in the chain's order
            if not log.in_order():
                from ringlet_py.audit.recovery import recover

                recover(log, fields)
            log.put(fields, max_size=self.max_size)

    def _log(self) -> LockedLog:
        return LockedLog(self.folder)


def fields_of(said: Said, address: str) -> Fields:
    """What a record says, all but when and who."""
    action, outcome, backend, profile, agent, purpose, caller, feature, pool = said
    fields: Fields = {"at": "", "action": action, "address": address, "outcome": outcome, "backend": backend}
    fields |= {"profile": profile, "agent": agent, "purpose": purpose}
    for name, value in (("caller", caller), ("feature", feature), ("pool", pool)):
        if value:
            fields[name] = value
    return fields


def fields_of_process(process: Process) -> Fields:
    """What a record says of who is asking."""
    return {
        "uid": process.uid,
        "pid": process.pid,
        "parent": process.parent,
        "parent_name": process.parent_name,
        "tty": process.tty,
        "cwd": process.cwd,
    }


def redacted(fields: Fields, secrets: tuple[Secret, ...]) -> Fields:
    """The fields without any of the secrets in a text."""
    for secret in secrets:
        texts = texts_of(fields)
        if secret.redact(texts) != texts:  # hardly ever, so all are looked at as one first
            for name, value in fields.items():
                fields[name] = secret.redact(value) if isinstance(value, str) else value
    return fields


def texts_of(fields: Fields) -> str:
    """All its texts as one."""
    return "\n".join([value for value in fields.values() if isinstance(value, str)])


def unwritable(path: str, error: OSError | errors.RingletError) -> errors.AuditUnwritable:
    """The error for a record that could not be written."""
    what = f"the audit record could not be written to {path}"
    if isinstance(error, errors.RingletError):
        return errors.AuditUnwritable(what, why=str(error), hint=error.hint)
    return errors.AuditUnwritable(what, why=error.strerror or type(error).__name__)


def _name_of(pid: int) -> str:
    try:
        fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.fsdecode(os.read(fd, 64)).removesuffix("\n")
    except OSError:
        return ""
    finally:
        os.close(fd)


def _tty() -> str:
    for fd in (0, 1, 2):
        try:
            return os.ttyname(fd)
        except (OSError, AttributeError):  # no terminal; no such function on Windows
            continue
    return ""


def working_folder() -> str:
    """Where the process is, "" where that is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""
