"""Verification finds every change to the log, names the place, and forgives only what a crash explains."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ringlet_py.audit.chain import Head, encode
from ringlet_py.audit.reading import find
from ringlet_py.audit.verify import Verdict, verify
from ringlet_py.errors import InsecurePermissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.audit.conftest import Log

COUNT = 5


@pytest.fixture
def five(log: Log) -> Log:
    log.claim(COUNT)
    return log


def check(log: Log) -> Verdict:
    return verify(str(log.folder))


def test_an_untouched_log_is_whole(five: Log):
    verdict = check(five)
    assert (verdict.ok, verdict.records, verdict.notes) == (True, COUNT, [])
    assert verdict.files == [str(five.path)]


def test_no_log_at_all_is_whole(tmp_path: Path):
    assert verify(str(tmp_path / "nowhere")) == Verdict()
    assert verify(str(tmp_path)) == Verdict()


@pytest.mark.slow
def test_any_byte_of_the_log_that_is_changed_is_found(tmp_path: Path, new_log: Callable[..., Log]):
    log = new_log(tmp_path / "state")
    log.claim(2)
    original = log.path.read_bytes()
    for position in range(len(original)):
        for new in (original[position] ^ 1, ord("\n")):
            if new == original[position]:
                continue
            log.path.write_bytes(original[:position] + bytes([new]) + original[position + 1 :])
            assert not check(log).ok, (position, new)


@pytest.mark.slow
def test_any_byte_of_the_head_that_is_changed_is_found(tmp_path: Path, new_log: Callable[..., Log]):
    log = new_log(tmp_path / "state", max_size=800)
    log.claim(3)
    assert log.archives
    original = log.head.read_bytes()
    for position in range(len(original)):
        for new in (original[position] ^ 1, ord(" "), ord("+"), ord("_")):
            if new == original[position]:
                continue
            log.head.write_bytes(original[:position] + bytes([new]) + original[position + 1 :])
            assert not check(log).ok, (position, new)
    for changed in (b"", original + b"x", original[:-1]):
        log.head.write_bytes(changed)
        assert not check(log).ok


@pytest.mark.parametrize("line", range(COUNT))
def test_an_edited_line_is_named(five: Log, line: int):
    lines = five.lines
    lines[line] = lines[line].replace(b"anthropic/work", b"anthropic/home")
    five.lines = lines
    (problem,) = check(five).problems
    assert (problem.file, problem.line) == (str(five.path), line + 1)
    assert "edited" in problem.what


@pytest.mark.parametrize("line", range(COUNT - 1))
def test_a_removed_line_is_named(five: Log, line: int):
    lines = five.lines
    del lines[line]
    five.lines = lines
    first, *_ = check(five).problems
    assert first.line == line + 1
    assert first.what == f"records {line + 1} to {line + 1} are not here"


@pytest.mark.parametrize("kept", range(COUNT))
def test_lines_that_are_cut_off_are_counted(five: Log, kept: int):
    five.lines = five.lines[:kept]
    (problem,) = check(five).problems
    assert problem.what == f"the last {COUNT - kept} records are not here"


@pytest.mark.slow
def test_a_log_cut_off_at_any_byte_is_found(log: Log):
    log.claim(2)
    for size in reversed(range(log.path.stat().st_size)):
        os.truncate(log.path, size)
        assert not check(log).ok, size


@pytest.mark.parametrize("line", range(COUNT))
def test_a_line_that_stands_there_twice_is_found(five: Log, line: int):
    lines = five.lines
    five.lines = [*lines[: line + 1], *lines[line:]]
    assert check(five).problems[0].what == f"record {line + 1} stands behind record {line + 1}"


@pytest.mark.parametrize("line", range(COUNT - 1))
def test_two_lines_that_changed_places_are_found(five: Log, line: int):
    lines = five.lines
    lines[line], lines[line + 1] = lines[line + 1], lines[line]
    five.lines = lines
    assert check(five).problems[0].line == line + 1


TORN = b'{"at":"2026-11-18T15:06:40.000Z","action":"cla\n'


@pytest.mark.parametrize(
    ("line", "junk"),
    # behind the last record, TORN is what a killed writer leaves
    [(n, junk) for n in range(COUNT + 1) for junk in (b"\n", b"junk\n", b"{}\n", TORN) if (n, junk) != (COUNT, TORN)],
)
def test_a_line_that_was_put_in_is_found(five: Log, line: int, junk: bytes):
    lines = five.lines
    five.lines = [*lines[:line], junk, *lines[line:]]
    assert check(five).problems[0].line == line + 1


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_to_committed_bytes_is_found(new_log: Callable[..., Log], data: st.DataObject):
    with tempfile.TemporaryDirectory() as place:
        log = new_log(Path(place) / "state")
        log.claim(3)
        original = log.path.read_bytes()
        start = data.draw(st.integers(0, len(original)))
        end = data.draw(st.integers(start, len(original)))
        instead = data.draw(st.binary(max_size=50) | st.sampled_from(log.lines) | st.just(original[start:end][::-1]))
        changed = original[:start] + instead + original[end:]
        assume(not changed.startswith(original))
        log.path.write_bytes(changed)
        assert not check(log).ok
        log.claim()
        assert not check(log).ok


def test_a_line_feed_cut_off_at_the_end_is_found_for_ever(five: Log):
    five.path.write_bytes(five.path.read_bytes()[:-1])
    assert not check(five).ok

    five.claim()

    assert not check(five).ok


def test_a_record_made_up_without_the_head_is_found(five: Log):
    lines = five.lines
    head = Head.decode(five.head.read_bytes())
    assert head is not None
    before = Head(digest=five.records[-2]["hash"], number=COUNT - 1, size=0, sequence=1)
    fields = {name: value for name, value in five.records[-1].items() if name not in {"number", "prev", "hash"}}
    forged, _ = encode(fields | {"address": "openai/work"}, before)
    five.lines = [*lines[:-1], forged]
    assert not check(five).ok


def test_a_record_made_up_with_a_fitting_hash_is_found_by_the_one_behind_it(five: Log):
    lines = five.lines
    before = Head(digest=five.records[1]["hash"], number=2, size=0, sequence=1)
    fields = {name: value for name, value in five.records[2].items() if name not in {"number", "prev", "hash"}}
    lines[2], _ = encode(fields | {"address": "anthropic/home"}, before)
    five.lines = lines
    (problem,) = check(five).problems
    assert (problem.line, problem.what[:26]) == (4, "does not go on from record")


def test_a_head_moved_over_bytes_that_are_no_record_is_found(five: Log):
    head = Head.decode(five.head.read_bytes())
    assert head is not None
    five.path.write_bytes(five.path.read_bytes() + TORN)
    moved = Head(digest=head.digest, number=head.number, size=head.size + len(TORN), sequence=1)
    five.head.write_bytes(moved.encode())
    assert not check(five).ok


def test_a_number_beyond_all_counting_is_found(five: Log):
    lines = five.lines
    lines[2] = lines[2].replace(b'"number":3', b'"number":' + b"3" * 5000)
    five.lines = lines
    assert check(five).problems[0].line == 3


def test_everything_stays_found_after_further_records(five: Log):
    spoils: list[Callable[[list[bytes]], list[bytes]]] = [
        lambda lines: lines[:-1],
        lambda lines: lines[:-2],
        lambda lines: lines[1:],
        lambda lines: [],
        lambda lines: [*lines[:-1], lines[-1][:-1]][:-1],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines, b"junk\n"],
        lambda lines: [*lines, b"\n"],
        lambda lines: [*lines[:-1], lines[-1][:40]],
        lambda lines: [*lines[:-1], lines[-1].replace(b"work", b"home")],
    ]
    lines, head = five.lines, five.head.read_bytes()
    for number, spoil in enumerate(spoils):
        five.lines = spoil(list(lines))
        five.head.write_bytes(head)
        five.claim(3)
        assert not check(five).ok, number


@pytest.mark.parametrize("replacement", [None, b"", b"garbage", b"x" * 500, b"0" * 118])
def test_a_lost_head_stays_found_after_further_records(five: Log, replacement: bytes | None):
    five.head.unlink() if replacement is None else five.head.write_bytes(replacement)
    assert "missing or unreadable" in check(five).problems[0].what
    five.lines = five.lines[:-1]
    five.claim(3)
    (problem,) = check(five).problems
    assert (problem.line, problem.what[:17]) == (COUNT, "the head was lost")
    assert [record["number"] for record in five.records] == list(range(1, COUNT + 4))


def test_a_deleted_log_does_not_lock_anybody_out_but_stays_found(five: Log):
    five.path.unlink()
    five.claim(2)
    verdict = check(five)
    assert verdict.problems[0].what == f"records 1 to {COUNT} are not here"
    assert [(record["action"], record["outcome"]) for record in five.records] == [
        ("recover", "missing"),
        ("claim", "ok"),
        ("claim", "ok"),
    ]
    assert five.records[0]["address"] == ""


def test_moving_everything_away_starts_a_new_log(five: Log, tmp_path: Path):
    old = tmp_path / "old"
    old.mkdir(mode=0o700)
    for path in five.folder.glob("audit.*"):
        path.rename(old / path.name)
    five.claim(2)
    assert (check(five).ok, check(five).records) == (True, 2)
    assert (verify(str(old)).ok, verify(str(old)).records) == (True, COUNT)


@pytest.fixture
def rotated(tmp_path: Path, new_log: Callable[..., Log]) -> Log:
    log = new_log(tmp_path / "rotated", max_size=1000)
    log.claim(9)
    assert len(log.archives) == 4
    return log


@pytest.mark.parametrize("which", range(4))
def test_a_missing_archive_is_found(rotated: Log, which: int):
    records = len(rotated.archives[which].read_bytes().splitlines())
    rotated.archives[which].unlink()
    first = which * records + 1
    assert check(rotated).problems[0].what == f"records {first} to {first + records - 1} are not here"
    rotated.claim(5)
    assert check(rotated).problems[0].what == f"records {first} to {first + records - 1} are not here"


def test_all_archives_missing_is_found(rotated: Log):
    for path in rotated.archives:
        path.unlink()
    rotated.claim(3)
    assert check(rotated).problems[0].what == "records 1 to 8 are not here"


@pytest.mark.parametrize("which", range(4))
def test_an_edited_archive_is_found(rotated: Log, which: int):
    path = rotated.archives[which]
    path.write_bytes(path.read_bytes().replace(b"/work", b"/home", 1))
    (problem,) = check(rotated).problems
    assert (problem.file, problem.line) == (str(path), 1)


@pytest.mark.parametrize("which", range(4))
def test_an_archive_cut_short_or_added_to_is_found(rotated: Log, which: int):
    path = rotated.archives[which]
    content = path.read_bytes()
    for changed in (content[:-1], b"", content.splitlines(keepends=True)[0], content + b"junk\n", content + content):
        path.write_bytes(changed)
        assert not check(rotated).ok


def test_archives_that_changed_places_are_found(rotated: Log):
    first, second, *_ = rotated.archives
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert not check(rotated).ok


def test_a_rotated_log_without_its_head_is_found(rotated: Log):
    rotated.head.unlink()
    rotated.path.unlink()
    assert not check(rotated).ok
    rotated.claim(2)
    (problem,) = check(rotated).problems
    assert "the head was lost" in problem.what
    assert [record["number"] for record in find(str(rotated.folder))] == list(range(1, 12))


def test_several_problems_are_all_named(five: Log):
    lines = five.lines
    lines[0] = lines[0].replace(b"/work", b"/home")
    lines[2] = b"junk\n"
    five.lines = lines
    assert [problem.line for problem in check(five).problems][:2] == [1, 3]


def test_a_finding_reads_as_file_line_and_what(five: Log):
    five.lines = five.lines[1:]
    assert str(check(five).problems[0]) == f"{five.path}, line 1: records 1 to 1 are not here"
    five.head.unlink()
    assert str(check(five).problems[-1]).startswith(f"{five.head}: it is missing or unreadable")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_log_that_others_could_have_written_to_is_refused(five: Log):
    five.path.chmod(0o660)
    with pytest.raises(InsecurePermissions):
        check(five)


def test_verification_changes_nothing(five: Log):
    five.path.write_bytes(five.path.read_bytes() + b'{"at":"torn')
    before = {path: path.read_bytes() for path in five.folder.iterdir()}
    assert check(five).ok
    assert {path: path.read_bytes() for path in five.folder.iterdir()} == before


def test_a_torn_line_is_part_of_the_chain_once_it_was_marked(five: Log):
    five.path.write_bytes(five.path.read_bytes() + b'{"at":"2026-11-18T15')
    five.claim()
    verdict = check(five)
    assert (verdict.ok, [note.line for note in verdict.notes]) == (True, [COUNT + 1])
    assert "20 bytes" in verdict.notes[0].what or "21 bytes" in verdict.notes[0].what
    five.path.write_bytes(five.path.read_bytes().replace(b'{"at":"2026-11-18T15\n', b'{"at":"2026-11-18T16\n'))
    assert check(five).problems[0].line == COUNT + 1
