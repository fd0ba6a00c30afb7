"""A writer that is killed at any moment leaves a log that verifies, and the next append goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ringlet_py
from ringlet_py.audit.reading import Query, find
from ringlet_py.audit.verify import verify
from tests.audit.conftest import KeptLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.audit.conftest import Log

ROOT = str(Path(ringlet_py.__file__).parents[1])
STARTS: dict[str, list[str]] = {"first": [], "append": ["one", "two"], "rotate": ["one", "two"], "torn": ["one", "two"]}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")]


@pytest.mark.parametrize("cut", ["before", "half", "last"])
@pytest.mark.parametrize("start", STARTS)
def test_killed_at_any_call_it_leaves_a_whole_log(tmp_path: Path, new_log: Callable[..., Log], start: str, cut: str):
    for number, max_size in killed(tmp_path, start, cut, new_log):
        log = new_log(tmp_path / number)
        log.folder.mkdir(exist_ok=True, mode=0o700)
        assert verify(str(log.folder)).problems == [], number
        log.audit.append("claim", "ok", purpose="after")
        log.audit.max_size = max_size
        log.audit.append("claim", "ok", purpose="later")
        assert verify(str(log.folder)).problems == [], number
        purposes = [record["purpose"] for record in find(str(log.folder), Query(action="claim"))]
        begun, after = STARTS[start], ["after", "later"]
        assert purposes in ([*begun, *after], [*begun, "interrupted", *after]), number
        recovered = find(str(log.folder), Query(action="recover"))
        assert {record["outcome"] for record in recovered} <= {"torn"}, number


@pytest.mark.parametrize("cut", ["before", "half", "last"])
@pytest.mark.parametrize("start", ["cut", "headless"])
def test_killed_while_it_records_a_loss_it_does_not_forget_the_loss(
    tmp_path: Path, new_log: Callable[..., Log], start: str, cut: str
):
    for number, max_size in killed(tmp_path, start, cut, new_log):
        log = new_log(tmp_path / number, max_size=max_size)
        assert not verify(str(log.folder)).ok, number
        log.audit.append("claim", "ok", purpose="after")
        assert not verify(str(log.folder)).ok, number
        assert [record["purpose"] for record in find(str(log.folder))][-1] == "after", number


def killed(folder: Path, start: str, cut: str, new_log: Callable[..., Log]) -> list[tuple[str, int]]:
    """One log for each system call of an append during which its writer was killed, with its maximal size."""
    program = [sys.executable, str(Path(__file__).with_name("killed_writers.py")), str(folder), start, cut]
    program.append("held" if new_log is KeptLog else "opened")
    env = os.environ | {"PYTHONPATH": ROOT}
    done = subprocess.run(program, env=env, capture_output=True, text=True, check=True)
    logs = [(number, int(size)) for number, size in map(str.split, done.stdout.splitlines())]
    assert len(logs) >= 10
    return logs
