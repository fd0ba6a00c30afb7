"""An audit for tests that look at what was recorded."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import AuditUnwritable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Records:
    """An audit that remembers, and can be full."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.kept: list[dict[str, Any]] = []

    def append(self, action: str, outcome: str, **fields: Any) -> None:
        if self.full:
            raise AuditUnwritable("the disk is full")
        self.kept.append({"action": action, "outcome": outcome, **fields})

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()
