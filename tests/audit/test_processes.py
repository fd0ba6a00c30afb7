"""Many processes append at once, and others read meanwhile: nothing is lost, torn or out of order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ringlet_py
from ringlet_py.audit import snapshot
from ringlet_py.audit.reading import Query, find
from ringlet_py.audit.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.audit.conftest import Log

ROOT = str(Path(ringlet_py.__file__).parents[1])
WRITERS = 8


Writers = list[subprocess.Popen[bytes]]


@pytest.fixture
def writers() -> Iterator[Callable[..., Writers]]:
    """Starts eight writers; whatever happens, none of them outlives the test."""
    all_of_them: Writers = []

    def start(folder: Path, *, count: int, max_size: int, prefix: str = "writer") -> Writers:
        program = [sys.executable, str(Path(__file__).with_name("many_appends.py")), str(folder)]
        names = [f"{prefix}{n}" for n in range(WRITERS)]
        kinds = ["opened", "held"] * (WRITERS // 2)
        options = str(count), str(max_size)
        rest = [(name, *options, str(folder.with_name(name)), kind) for name, kind in zip(names, kinds, strict=True)]
        env = os.environ | {"PYTHONPATH": ROOT}
        started = [subprocess.Popen([*program, *arguments], env=env) for arguments in rest]
        all_of_them.extend(started)
        return started

    yield start
    for process in all_of_them:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("max_size", [2500, 1 << 20])
def test_eight_processes_lose_nothing_and_a_reader_never_sees_it_broken(
    tmp_path: Path, writers: Callable[..., Writers], max_size: int
):
    folder = tmp_path / "state"
    running = writers(folder, count=200, max_size=max_size)
    seen = [-1]
    while any(process.poll() is None for process in running):
        verdict = verify(str(folder))
        assert verdict.ok, verdict.problems
        seen.append(verdict.records)
    assert [process.returncode for process in running] == [0] * WRITERS
    assert seen == sorted(seen)
    check_all_there(folder, 200)


@pytest.mark.slow
def test_rotation_under_eight_processes_loses_nothing(tmp_path: Path, writers: Callable[..., Writers]):
    folder = tmp_path / "state"
    running = writers(folder, count=25, max_size=1500)
    assert [process.wait() for process in running] == [0] * WRITERS
    check_all_there(folder, 25)


def check_all_there(folder: Path, count: int) -> None:
    verdict = verify(str(folder))
    assert (verdict.problems, verdict.notes, verdict.records) == ([], [], WRITERS * count)
    found: dict[str, list[int]] = {}
    for record in find(str(folder)):
        found.setdefault(record["address"], []).append(int(record["purpose"]))
    assert found == {f"anthropic/writer{n}": list(range(count)) for n in range(WRITERS)}


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
@pytest.mark.slow
def test_writers_killed_at_random_lose_no_record_that_was_acknowledged(tmp_path: Path, writers: Callable[..., Writers]):
    folder = tmp_path / "state"
    for turn in range(10):
        running = writers(folder, count=10_000, max_size=5000, prefix=f"turn{turn}-")
        while sum(path.stat().st_size for path in tmp_path.glob(f"turn{turn}-*")) < 50:
            time.sleep(0.001)
        for process in running:
            process.send_signal(signal.SIGKILL)
        for process in running:
            process.wait()
        verdict = verify(str(folder))
        assert verdict.ok, verdict.problems
    recorded = Counter(record["address"] for record in find(str(folder), Query(action="claim")))
    for path in tmp_path.glob("turn*"):
        # a writer may have been killed between the record and its acknowledgement
        assert recorded[f"anthropic/{path.name}"] - path.stat().st_size in (0, 1)


def test_threads_of_one_process_do_not_get_in_each_others_way(tmp_path: Path, new_log: Callable[..., Log]):
    log = new_log(tmp_path / "state", max_size=2000)
    threads = [threading.Thread(target=log.claim, args=(20,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verify(str(log.folder)).ok, verify(str(log.folder)).records) == (True, 80)


@pytest.mark.parametrize("step", ["_locked_head", "_names"])
def test_the_first_record_of_all_may_be_written_while_somebody_looks(
    log: Log, monkeypatch: pytest.MonkeyPatch, step: str
):
    real = getattr(snapshot, step)

    def then_the_writer_comes(folder: str) -> object:
        answer = real(folder)
        if not log.path.exists():
            log.claim()
        return answer

    monkeypatch.setattr(snapshot, step, then_the_writer_comes)
    assert verify(str(log.folder)).problems == []
