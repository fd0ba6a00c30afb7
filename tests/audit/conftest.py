"""An audit log in a folder of its own, and ways to look at it and to spoil it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.audit.held import HeldAudit
from ringlet_py.audit.log import CLAIM, OK, Audit, Process
from ringlet_py.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOMEBODY = Process(uid=1000, pid=4711, parent=4710, parent_name="bash", tty="/dev/pts/3", cwd="/home/me/project")


class Log:
    """One audit log: `audit` appends to it, the rest looks at its files."""

    kind: type[Audit] = Audit

    def __init__(self, folder: Path, *, max_size: int = 1 << 20) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.path = folder / "audit.jsonl"
        self.head = folder / "audit.head"
        self.audit = self.kind(str(folder), enabled=True, max_size=max_size, clock=self.clock, process=lambda: SOMEBODY)

    def claim(self, count: int = 1, *, address: str = "anthropic/work") -> None:
        for _ in range(count):
            self.audit.append(CLAIM, OK, address=address, backend="system")
            self.clock.advance(1)

    @property
    def archives(self) -> list[Path]:
        return sorted(self.folder.glob("audit.0*.jsonl"))

    @property
    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True)

    @lines.setter
    def lines(self, lines: list[bytes]) -> None:
        self.path.write_bytes(b"".join(lines))

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


class KeptLog(Log):
    """One that is held open between its records."""

    kind = HeldAudit


@pytest.fixture(params=[Log, KeptLog], ids=["opened", "held"])
def new_log(request: pytest.FixtureRequest) -> Callable[..., Log]:
    made: Callable[..., Log] = request.param
    return made


@pytest.fixture
def log(tmp_path: Path, new_log: Callable[..., Log]) -> Log:
    return new_log(tmp_path / "state")
