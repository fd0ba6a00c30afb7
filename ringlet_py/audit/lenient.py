"""An audit that lets the work go on when it cannot be written, and says so: `[audit] on-error = "warn"`."""

from __future__ import annotations

from ringlet_py import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ringlet_py.audit.log import Audit
    from ringlet_py.secret import Secret


class LenientAudit:
    """Appends like the audit it wraps; a record that cannot be written becomes a message."""

    __slots__ = ("_audit", "_say")

    def __init__(self, audit: Audit, say: Callable[[str], None]) -> None:
        self._audit = audit
        self._say = say

    def together(self) -> AbstractContextManager[object]:
        """As `Audit.together`; what cannot be written becomes a message."""
        from contextlib import contextmanager

        return contextmanager(self._together)()

    def is_busy(self) -> bool:
        """As `Audit.is_busy`."""
        return self._audit.is_busy()

    def close(self) -> None:
        """Closes what is open."""
        self._audit.close()

    def append(self, action: str, outcome: str, *, secrets: tuple[Secret, ...] = (), **fields: str) -> None:
        """Adds one record, or says why there is none."""
        try:
            self._audit.append(action, outcome, secrets=secrets, **fields)
        except errors.AuditUnwritable as problem:
            self._tell(problem)

    def _together(self) -> Iterator[None]:
        try:
            with self._audit.together():
                yield
        except errors.AuditUnwritable as problem:
            self._tell(problem)

    def _tell(self, problem: errors.AuditUnwritable) -> None:
        self._say(f"warning: not recorded: {problem.what}" + (f": {problem.why}" if problem.why else ""))
