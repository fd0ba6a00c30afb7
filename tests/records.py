"""An audit for tests that look at what was recorded."""

from __future__ import annotations

from typing import Any

from ringlet_py.errors import AuditUnwritable


class Records:
    """An audit that remembers, and can be full."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.kept: list[dict[str, Any]] = []

    def append(self, action: str, outcome: str, **fields: Any) -> None:
        if self.full:
            raise AuditUnwritable("the disk is full")
        self.kept.append({"action": action, "outcome": outcome, **fields})
