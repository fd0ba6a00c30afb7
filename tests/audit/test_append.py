"""What an append leaves on disk, and what it does when it cannot."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ringlet_py
from ringlet_py.audit.log import CLAIM, OK, Audit, Process
from ringlet_py.audit.reading import find
from ringlet_py.audit.verify import verify
from ringlet_py.errors import AuditUnwritable
from ringlet_py.secret import Secret
from tests.people import NOBODY, as_root, run_as_nobody

if TYPE_CHECKING:
    from tests.audit.conftest import Log

ROOT = str(Path(ringlet_py.__file__).parents[1])
CANARY = "sk-canary-0123456789-abcdefgh"
posix_only = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
any_text = st.text(max_size=60) | st.text(st.characters(categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)


def test_a_record_has_every_field_flat_and_in_utc(log: Log):
    log.audit.append(
        CLAIM, OK, address="anthropic/work", backend="system", profile="work", agent="claude", purpose="try it"
    )
    (record,) = log.records
    assert record.pop("hash") != record.pop("prev") == "0" * 64
    assert record == {
        "at": "2026-11-18T11:06:40.000Z",
        "action": "claim",
        "address": "anthropic/work",
        "outcome": "ok",
        "backend": "system",
        "profile": "work",
        "agent": "claude",
        "purpose": "try it",
        "uid": 1000,
        "pid": 4711,
        "parent": 4710,
        "parent_name": "bash",
        "tty": "/dev/pts/3",
        "cwd": "/home/me/project",
        "number": 1,
    }


@posix_only
def test_files_are_born_private_whatever_the_umask_allows(log: Log):
    before = os.umask(0)
    try:
        log.claim()
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in log.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(log.folder.stat().st_mode) == 0o700


def test_switched_off_it_touches_nothing(tmp_path: Path, log: Log):
    log.audit.enabled = False
    log.claim()
    assert list(tmp_path.iterdir()) == []


def as_json_has_it(text: str) -> str:
    """Two halves of a surrogate pair side by side are one character to JSON; a half alone stays itself."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.tuples(any_text, any_text, any_text, any_text, any_text), cwd=any_text)
def test_any_text_is_one_line_and_comes_back_as_it_was(
    new_log: type[Log], texts: tuple[str, str, str, str, str], cwd: str
):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "state"
        check_round_trip(new_log(folder), texts, cwd)


def check_round_trip(log: Log, texts: tuple[str, str, str, str, str], cwd: str) -> None:
    address, backend, profile, agent, purpose = texts
    process = Process(uid=None, pid=1, parent=0, parent_name=purpose, tty=agent, cwd=cwd)
    audit = Audit(str(log.folder), enabled=True, max_size=4000, clock=log.clock, process=lambda: process)
    audit.append(CLAIM, OK, address=address, backend=backend, profile=profile, agent=agent, purpose=purpose)
    *_, last = find(str(log.folder))
    names = ("address", "backend", "profile", "agent", "purpose")
    assert [last[name] for name in names] == [as_json_has_it(text) for text in texts]
    assert (last["cwd"], last["parent_name"]) == (as_json_has_it(cwd), as_json_has_it(purpose))
    assert log.lines[-1].isascii()
    assert verify(str(log.folder)).ok


@pytest.mark.parametrize("field", ["address", "backend", "profile", "agent", "purpose"])
def test_a_secret_in_any_text_is_redacted(log: Log, field: str):
    texts = {field: f"before {CANARY} after {CANARY}"}
    log.audit.append(CLAIM, OK, secrets=(Secret("other-secret-value"), Secret(CANARY)), **texts)
    assert log.records[0][field] == "before *** after ***"
    assert CANARY.encode() not in log.path.read_bytes()


def test_a_secret_in_what_the_system_says_is_redacted(log: Log):
    process = Process(uid=0, pid=1, parent=0, parent_name=CANARY, tty=CANARY, cwd=f"/home/{CANARY}/x")
    audit = Audit(str(log.folder), enabled=True, max_size=4000, clock=log.clock, process=lambda: process)
    audit.append(CLAIM, OK, secrets=(Secret(CANARY),))
    assert CANARY.encode() not in log.path.read_bytes()
    assert log.records[0]["cwd"] == "/home/***/x"


def test_the_running_process_is_described():
    process = Process.current()
    assert (process.pid, process.parent, process.cwd) == (os.getpid(), os.getppid(), os.getcwd())
    if sys.platform == "linux":
        comm = Path(f"/proc/{os.getppid()}/comm").read_text()
        assert (process.uid, process.parent_name) == (os.getuid(), comm.removesuffix("\n"))


@posix_only
def test_the_terminal_is_named_wherever_it_is_among_the_standard_descriptors():
    import pty

    main, terminal = pty.openpty()
    program = "from ringlet_py.audit.log import Process; import sys; sys.stderr.write(Process.current().tty)"
    found = subprocess.run(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": ROOT},
        text=True,
        check=True,
    )
    name = os.ttyname(terminal)
    os.close(main)
    os.close(terminal)
    assert found.stderr == name


@posix_only
def test_a_working_directory_that_is_gone_is_empty(tmp_path: Path):
    program = (
        "import os; os.rmdir(os.getcwd())\nfrom ringlet_py.audit.log import Process\nprint(repr(Process.current().cwd))"
    )
    gone = tmp_path / "gone"
    gone.mkdir()
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=gone,
        env=os.environ | {"PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "''\n"


def test_a_clock_that_steps_back_changes_nothing_but_the_times(log: Log):
    log.claim(2)
    log.clock.advance(-3600)
    log.claim(2)
    assert [record["number"] for record in log.records] == [1, 2, 3, 4]
    assert verify(str(log.folder)).ok


def test_rotation_keeps_every_record_and_the_chain(tmp_path: Path, new_log: type[Log]):
    log = new_log(tmp_path / "state", max_size=2000)
    log.claim(30)
    assert len(log.archives) > 5
    assert all(path.stat().st_size <= 2000 for path in [*log.archives, log.path])
    assert [record["number"] for record in find(str(log.folder))] == list(range(1, 31))
    assert verify(str(log.folder)).ok


def test_a_record_longer_than_the_limit_has_a_file_of_its_own(tmp_path: Path, new_log: type[Log]):
    log = new_log(tmp_path / "state", max_size=100)
    log.claim(3)
    assert [len(path.read_bytes().splitlines()) for path in [*log.archives, log.path]] == [1, 1, 1]
    assert verify(str(log.folder)).ok


def test_a_file_in_an_archives_place_is_never_overwritten(tmp_path: Path, new_log: type[Log]):
    log = new_log(tmp_path / "state", max_size=800)
    log.claim()
    foreign = log.folder / "audit.0000000001.jsonl"
    foreign.write_bytes(b"mine\n")
    foreign.chmod(0o600)
    log.claim(4)
    assert foreign.read_bytes() == b"mine\n"
    assert [record["number"] for record in find(str(log.folder))] == [1, 2, 3, 4, 5]


def test_if_the_file_cannot_be_put_aside_the_record_is_written_all_the_same(
    tmp_path: Path, new_log: type[Log], monkeypatch: pytest.MonkeyPatch
):
    log = new_log(tmp_path / "state", max_size=800)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(os, "rename", refuse)
    log.claim(4)
    assert len(log.lines) == 4
    monkeypatch.undo()
    log.claim()
    assert len(log.archives) == 1
    assert verify(str(log.folder)).ok


# --- what stops a record stops the key


@posix_only
@pytest.mark.parametrize("name", ["audit.jsonl", "audit.head"])
def test_a_file_that_others_may_read_is_refused(log: Log, name: str):
    log.claim()
    (log.folder / name).chmod(0o640)
    with pytest.raises(AuditUnwritable, match=r"audit\.jsonl") as caught:
        log.claim()
    assert "0640" in caught.value.why
    assert caught.value.hint == f"chmod 600 {log.folder / name}"


@posix_only
def test_a_folder_that_others_may_write_to_is_refused(log: Log):
    log.claim()
    log.folder.chmod(0o770)
    with pytest.raises(AuditUnwritable) as caught:
        log.claim()
    assert caught.value.hint == f"chmod go-w {log.folder}"


@posix_only
@pytest.mark.parametrize("name", ["audit.jsonl", "audit.head"])
def test_a_symbolic_link_is_refused(log: Log, tmp_path: Path, name: str):
    log.claim()
    (log.folder / name).rename(tmp_path / "elsewhere")
    (log.folder / name).symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()
    with pytest.raises(AuditUnwritable) as caught:
        log.claim()
    assert "symbolic link" in caught.value.why
    assert (tmp_path / "elsewhere").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, new_log: type[Log]):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AuditUnwritable):
        new_log(tmp_path / "file" / "state").claim()


@as_root
def test_a_folder_that_we_may_not_write_to_is_an_error():
    code = """
import sys
from ringlet_py.audit.log import Audit, Process
from ringlet_py.errors import AuditUnwritable
---
try:
    Audit(sys.argv[1], enabled=True, max_size=1, clock=lambda: 0.0, process=Process.current).append("claim", "ok")
except AuditUnwritable as error:
    print(error.why)
"""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders cannot be entered by another user
        Path(folder).chmod(0o500)
        os.chown(folder, NOBODY, NOBODY)
        assert run_as_nobody(code, folder).stdout == "Permission denied\n"


def test_a_lock_that_is_never_given_free_is_an_error(log: Log, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ringlet_py.audit.locked.LOCK_LIMIT", 0.02)
    log.claim()
    from ringlet_py.audit.locked import LockedLog

    with LockedLog(str(log.folder)), pytest.raises(AuditUnwritable) as caught:
        log.claim()
    assert "locked" in caught.value.why
    log.claim()
    assert len(log.lines) == 2


def test_a_full_disk_is_an_error_and_leaves_a_log_that_goes_on(log: Log, monkeypatch: pytest.MonkeyPatch):
    log.claim(2)
    real = os.write

    def full(fd: int, data: Any) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, bytes(data)[:-50])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(AuditUnwritable) as caught:
        log.claim()
    assert caught.value.why == "No space left on device"
    monkeypatch.undo()
    assert [note.line for note in verify(str(log.folder)).notes] == [3]
    log.claim()
    verdict = verify(str(log.folder))
    assert (verdict.ok, verdict.records, len(verdict.notes)) == (True, 4, 1)


@posix_only
def test_a_limit_of_the_system_on_file_sizes_is_an_error(tmp_path: Path):
    program = f"""
import resource, sys, time
from ringlet_py.audit.log import Audit, Process
from ringlet_py.errors import AuditUnwritable
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
audit = Audit({str(tmp_path / "state")!r}, enabled=True, max_size=100000, clock=time.time, process=Process.current)
try:
    for written in range(10):
        audit.append("claim", "ok", purpose="x" * 50)
except AuditUnwritable as error:
    print(written, error.why)
"""
    env = os.environ | {"PYTHONPATH": ROOT}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout in ("2 File too large\n", "1 File too large\n")
    folder = str(tmp_path / "state")
    assert (tmp_path / "state" / "audit.jsonl").stat().st_size == 1000
    assert verify(folder).ok
    Audit(folder, enabled=True, max_size=100000, clock=lambda: 0.0, process=Process.current).append(CLAIM, OK)
    assert verify(folder).ok
    assert [record["action"] for record in find(folder)][-2:] == ["recover", "claim"]


@posix_only
def test_appending_imports_nothing_slow(tmp_path: Path):
    program = f"""
import sys
sys.path.insert(0, {ROOT!r})
import time
from ringlet_py.audit.log import Audit, Process
for outcome in ("ok", "keychain-locked"):
    Audit({str(tmp_path / "state")!r}, enabled=True, max_size=600, clock=time.time, process=Process.current).append(
        "claim", outcome, address="anthropic/work")
slow = "dataclasses typing re json enum pathlib socket subprocess logging tomllib contextlib functools collections"
slow += " hashlib tempfile shutil signal datetime inspect"
print([name for name in slow.split() if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert verify(str(tmp_path / "state")).records == 2


def test_the_line_is_plain_json_for_any_other_tool(log: Log):
    log.audit.append(CLAIM, OK, purpose='"},{"hash":"0","prev":"\n')
    assert json.loads(log.path.read_text())["purpose"] == '"},{"hash":"0","prev":"\n'
    assert verify(str(log.folder)).ok
