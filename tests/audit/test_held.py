"""What only a log that is held open has to get right: staying open, and noticing when it must not."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from ringlet_py.audit import held
from ringlet_py.audit.held import HeldAudit, HeldLog, RunningProcess
from ringlet_py.audit.locked import LockedLog
from ringlet_py.audit.log import CLAIM, OK, Process
from ringlet_py.audit.reading import find
from ringlet_py.audit.verify import verify
from ringlet_py.errors import AuditUnwritable
from tests.audit.conftest import KeptLog, Log

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="on Windows it is opened for each record")


@pytest.fixture
def kept(tmp_path: Path) -> KeptLog:
    return KeptLog(tmp_path / "state")


def other(log: Log) -> Log:
    return Log(log.folder)


def whole(log: Log, records: int) -> bool:
    verdict = verify(str(log.folder))
    return verdict.ok and verdict.records == records and not verdict.notes


def test_between_records_nothing_is_opened(kept: KeptLog, monkeypatch: pytest.MonkeyPatch):
    kept.claim()

    def refuse(*_: object) -> None:
        raise AssertionError("opened again")

    monkeypatch.setattr(os, "open", refuse)
    kept.claim(5)
    monkeypatch.undo()
    assert whole(kept, 6)


def test_between_records_others_may_append(kept: KeptLog):
    for _ in range(3):
        kept.claim(2)
        other(kept).claim(2)
    assert whole(kept, 12)


def test_a_file_that_another_has_put_aside_is_left_alone(kept: KeptLog):
    kept.claim(2)
    rotating = other(kept)
    rotating.audit.max_size = 1
    rotating.claim(2)
    kept.claim(2)
    assert len(kept.archives) == 2
    assert whole(kept, 6)


def test_a_log_that_was_restored_from_a_copy_is_the_one_that_is_written(kept: KeptLog):
    kept.claim(2)
    copy = kept.path.read_bytes()
    kept.path.rename(kept.folder / "away")
    kept.path.write_bytes(copy)
    kept.path.chmod(0o600)
    kept.claim()
    assert whole(kept, 3)


@pytest.mark.parametrize("name", ["audit.jsonl", "audit.head"])
def test_a_file_that_is_gone_is_found_lost(kept: KeptLog, name: str):
    kept.claim(2)
    (kept.folder / name).unlink()
    kept.claim()
    assert [record["action"] for record in find(str(kept.folder))][-2:] == ["recover", "claim"]
    assert not verify(str(kept.folder)).ok


def test_a_folder_in_the_folders_place_gets_a_log_of_its_own(kept: KeptLog, tmp_path: Path):
    kept.claim(2)
    kept.folder.rename(tmp_path / "away")
    kept.claim()
    assert whole(kept, 1)
    assert whole(Log(tmp_path / "away"), 2)


def test_it_goes_on_once_a_refused_file_is_put_right(kept: KeptLog):
    kept.claim()
    kept.path.chmod(0o644)
    with pytest.raises(AuditUnwritable):
        kept.claim()
    kept.path.chmod(0o600)
    kept.claim()
    assert whole(kept, 2)


def test_the_same_bytes_shorter_are_noticed(kept: KeptLog):
    kept.claim(3)
    os.truncate(kept.path, 100)
    kept.claim()
    assert "recover" in {record["action"] for record in find(str(kept.folder))}


def test_an_old_head_put_back_is_followed_to_the_end(kept: KeptLog):
    kept.claim()
    old = kept.head.read_bytes()
    kept.claim(2)
    with kept.head.open("r+b") as file:
        file.write(old)
    kept.claim()
    assert whole(kept, 4)


def test_closed_it_opens_again(kept: KeptLog):
    kept.audit.close()
    kept.claim()
    kept.audit.close()
    kept.audit.close()
    kept.claim()
    assert whole(kept, 2)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors as Linux shows them")
def test_dropped_it_leaves_nothing_open(tmp_path: Path):
    before = open_files()
    log = KeptLog(tmp_path / "state")
    log.claim(2)
    assert open_files() == before + 2
    log.audit.max_size = 1
    log.claim(3)
    assert open_files() == before + 2
    del log
    assert open_files() == before


def test_a_child_and_its_parent_append_in_turn(kept: KeptLog):
    kept.claim()
    child = os.fork()
    if child == 0:
        try:
            kept.claim(50)
            os._exit(0)
        finally:
            os._exit(1)
    kept.claim(50)
    assert os.waitpid(child, 0)[1] == 0
    assert whole(kept, 101)


def test_a_child_made_during_a_record_does_not_wait_for_its_parents_thread(kept: KeptLog):
    kept.claim()
    audit = kept.audit
    assert isinstance(audit, HeldAudit)
    with audit._held:
        child = os.fork()
        if child == 0:
            os._exit(not audit._of_this_process()._alone.acquire(timeout=0))
        assert os.waitpid(child, 0)[1] == 0


def test_a_childs_end_does_not_give_its_parents_turn_away(kept: KeptLog, monkeypatch: pytest.MonkeyPatch):
    kept.claim()
    audit = kept.audit
    assert isinstance(audit, HeldAudit)
    monkeypatch.setattr("ringlet_py.audit.locked.LOCK_LIMIT", 0.02)
    with audit._held:
        child = os.fork()
        if child == 0:
            audit._of_this_process()
            os._exit(0)
        os.waitpid(child, 0)
        with pytest.raises(AuditUnwritable, match="could not be written"):
            other(kept).claim()


def test_threads_wait_for_each_other(kept: KeptLog):
    kept.audit.max_size = 3000
    threads = [threading.Thread(target=kept.claim, args=(50,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert whole(kept, 200)


def test_two_that_are_open_in_one_process_keep_out_of_each_others_way(kept: KeptLog):
    twin = KeptLog(kept.folder)
    for _ in range(5):
        kept.claim()
        twin.claim()
    assert whole(kept, 10)


def test_a_failure_within_a_record_lets_the_next_one_in(kept: KeptLog, monkeypatch: pytest.MonkeyPatch):
    kept.claim()
    monkeypatch.setattr(HeldLog, "_read_head", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        kept.claim()
    monkeypatch.undo()
    kept.claim()
    with LockedLog(str(kept.folder)):
        pass
    assert whole(kept, 2)


def test_where_open_files_cannot_be_renamed_each_record_opens_it(kept: KeptLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(held, "POSIX", False)
    assert type(kept.audit._log()) is LockedLog


def test_who_asks_is_looked_up_once_and_where_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    running, real = RunningProcess(), Process.current
    found: list[Process] = []

    def counted() -> Process:
        found.append(real())
        return found[-1]

    monkeypatch.setattr(Process, "current", counted)
    for _ in range(3):
        seen, expected = running.current(), real()
        assert all(getattr(seen, name) == getattr(expected, name) for name in Process.__slots__)
    monkeypatch.chdir(tmp_path)
    assert running.current().cwd == str(tmp_path)
    assert len(found) == 1
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert running.current().parent == 1
    assert len(found) == 2


def test_a_record_tells_where_the_process_is_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    audit = HeldAudit(str(tmp_path / "state"), enabled=True, max_size=1 << 20, clock=lambda: 0.0)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        audit.append(CLAIM, OK)
    assert [record["cwd"] for record in find(str(tmp_path / "state"))] == [str(tmp_path / "one"), str(tmp_path / "two")]


def test_of_records_that_differ_only_some_are_kept_written_out(kept: KeptLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ringlet_py.audit.batch._REMEMBERED", 3)
    for number in range(10):
        kept.audit.append(CLAIM, OK, purpose=f"{number // 2}")
    assert [record["purpose"] for record in kept.records] == [f"{number // 2}" for number in range(10)]
    assert isinstance(kept.audit, HeldAudit)
    assert kept.audit._forms
    assert len(kept.audit._forms._known) <= 3


def test_in_a_child_who_asks_is_looked_up_anew(tmp_path: Path):
    audit = HeldAudit(str(tmp_path / "state"), enabled=True, max_size=1 << 20, clock=lambda: 0.0)
    audit.append(CLAIM, OK)
    child = os.fork()
    if child == 0:
        try:
            audit.append(CLAIM, OK)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    ours, its = find(str(tmp_path / "state"))
    assert (ours["pid"], its["pid"], its["parent"]) == (os.getpid(), child, os.getpid())
