"""Records that are written together are a chain like any other, or none of them is there."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.audit.held import HeldAudit
from ringlet_py.audit.lenient import LenientAudit
from ringlet_py.audit.log import CLAIM, OK, Process
from ringlet_py.audit.verify import verify
from ringlet_py.errors import AuditUnwritable
from ringlet_py.secret import Secret
from tests.audit.conftest import SOMEBODY, KeptLog, Log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def held(tmp_path: Path) -> KeptLog:
    return KeptLog(tmp_path / "state")


def count_writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sizes: list[int] = []
    write = os.write

    def counted(fd: int, data: bytes) -> int:
        sizes.append(len(data))
        return write(fd, data)

    monkeypatch.setattr(os, "write", counted)
    return sizes


def test_what_is_written_together_is_one_write_and_a_whole_chain(held: KeptLog, monkeypatch: pytest.MonkeyPatch):
    held.claim()
    sizes = count_writes(monkeypatch)

    with held.audit.together():
        held.claim(5)
        assert len(held.lines) == 1

    assert len(sizes) == 1
    assert [record["number"] for record in held.records] == [1, 2, 3, 4, 5, 6]
    assert verify(str(held.folder)).ok


def test_either_audit_has_the_same_records_after_a_group(log: Log):
    with log.audit.together():
        log.claim(3)

    assert [record["number"] for record in log.records] == [1, 2, 3]
    assert verify(str(log.folder)).ok


def test_a_group_that_fails_leaves_no_record_and_the_next_goes_on(held: KeptLog):
    def fail() -> None:
        held.claim(2)
        raise KeyError

    with pytest.raises(KeyError), held.audit.together():
        fail()

    held.claim()

    assert [record["number"] for record in held.records] == [1]


def test_what_cannot_be_written_is_an_error_for_all(tmp_path: Path):
    held = KeptLog(tmp_path / "state")
    held.claim()
    held.folder.chmod(0o777)

    with pytest.raises(AuditUnwritable), held.audit.together():
        held.claim(2)
    held.folder.chmod(0o700)

    assert len(held.lines) == 1


def test_a_lenient_one_says_so_and_goes_on(tmp_path: Path):
    held, said = KeptLog(tmp_path / "state"), list[str]()
    held.claim()
    held.folder.chmod(0o777)

    with LenientAudit(held.audit, said.append).together():
        held.claim(2)

    assert len(said) == 1
    assert "not recorded" in said[0]


def test_other_threads_write_their_own_meanwhile(held: KeptLog):
    with held.audit.together():
        held.claim(address="anthropic/mine")
        other = threading.Thread(target=lambda: held.claim(address="anthropic/other"))
        other.start()
        other.join()

    assert [record["address"] for record in held.records] == ["anthropic/other", "anthropic/mine"]
    assert verify(str(held.folder)).ok


def test_a_group_is_cut_short_by_no_crash_between_its_lines_and_the_head(held: KeptLog):
    held.claim()
    before = held.head.read_bytes()
    with held.audit.together():
        held.claim(3)
    held.audit.close()
    held.head.write_bytes(before)  # as a kill between both writes leaves it

    held.claim()

    assert [record["number"] for record in held.records] == [1, 2, 3, 4, 5]
    assert verify(str(held.folder)).ok


@given(st.lists(st.integers(min_value=0, max_value=9), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_groups_of_any_size_are_put_aside_in_files_that_verify(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
):
    held = KeptLog(tmp_path_factory.mktemp("audit") / "state", max_size=2000)

    for size in sizes:
        with held.audit.together():
            for _ in range(size):
                held.audit.append(CLAIM, OK, address="anthropic/work")

    files = [*held.archives, *([held.path] if held.path.exists() else [])]
    assert sum(len(path.read_bytes().splitlines()) for path in files) == sum(sizes)
    assert all(path.stat().st_size <= 2000 for path in files)
    assert not sum(sizes) or verify(str(held.folder)).ok


AWKWARD = [
    "plain-value",
    'with"quote',
    "back\\slash",
    "new\nline",
    "ümlaut",
    "key\U0001f511",
    "\ud800",
    "a",
    "0",
    '":"',
]


@pytest.mark.parametrize("value", AWKWARD)
def test_a_secret_is_redacted_wherever_it_stands_in_a_record_of_a_group(held: KeptLog, value: str):
    secret = Secret(value)

    with held.audit.together():
        held.audit.append(CLAIM, OK, address=f"x{value}", purpose=f"{value}{value}", secrets=(secret,))
        held.audit.append(CLAIM, OK, address="y", purpose=f"{value}{value}", secrets=(Secret("none"), secret))
        held.audit.append(CLAIM, OK, address="y", purpose=f"{value}{value}", secrets=(Secret("none"),))

    one, two, three = held.records
    assert (one["address"], one["purpose"]) == ("x***", "******")
    assert two["purpose"] == "******"
    assert three["purpose"] == value * 2
    assert verify(str(held.folder)).ok


texts = st.text(alphabet='ab"\\\nü:,', max_size=4)
saying = st.fixed_dictionaries(
    {"address": texts, "secrets": st.lists(texts.map(Secret), max_size=2).map(tuple)},
    optional=dict.fromkeys(("backend", "profile", "purpose", "caller", "feature", "pool"), texts),
)


@given(records=st.lists(saying, max_size=6), tty=texts)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_group_is_byte_for_byte_what_its_records_are_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], tty: str
):
    alone, held = (kind(tmp_path_factory.mktemp("audit") / "state") for kind in (Log, KeptLog))
    for log in (alone, held):
        log.audit._process = lambda: Process(uid=1000, pid=1, parent=2, tty=tty)

    with held.audit.together():
        for record in records:
            held.audit.append(CLAIM, OK, **record)
    for record in records:
        alone.audit.append(CLAIM, OK, **record)

    assert not records or held.path.read_bytes() == alone.path.read_bytes()


def test_who_asks_is_asked_once_for_a_group(tmp_path: Path):
    asked: list[Process] = []

    def somebody() -> Process:
        asked.append(SOMEBODY)
        return SOMEBODY

    audit = HeldAudit(str(tmp_path / "state"), enabled=True, max_size=1 << 20, clock=lambda: 0.0, process=somebody)
    with audit.together():
        for _ in range(5):
            audit.append(CLAIM, OK)

    assert len(asked) == 1
