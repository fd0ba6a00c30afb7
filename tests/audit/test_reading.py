"""Who asked for which key, and since when."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from ringlet_py.audit.reading import Query, find, last_used, parse_since
from ringlet_py.errors import InsecurePermissions, UsageError
from ringlet_py.testing import START

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.audit.conftest import Log

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def mixed(tmp_path: Path, new_log: Callable[..., Log]) -> Log:
    """Two records a file, an hour apart."""
    log = new_log(tmp_path / "state", max_size=1000)
    for action, outcome, address, profile in [
        ("claim", "ok", "anthropic/work", "work"),
        ("claim", "ok", "anthropic/default", ""),
        ("claim", "keychain-locked", "anthropic/work", "work"),
        ("set", "ok", "openai/work", ""),
        ("claim", "ok", "anthropic-eu/work", "work"),
    ]:
        log.audit.append(action, outcome, address=address, profile=profile)
        log.clock.advance(3600)
    assert log.archives
    return log


def numbers(log: Log, query: Query) -> list[int]:
    return [record["number"] for record in find(str(log.folder), query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), [1, 2, 3, 4, 5]),
        (Query(key="anthropic/work"), [1, 3]),
        (Query(key="anthropic"), [1, 2, 3]),
        (Query(key="anthropic/w"), []),
        (Query(profile="work"), [1, 3, 5]),
        (Query(action="set"), [4]),
        (Query(outcome="keychain-locked"), [3]),
        (Query(key="anthropic/work", outcome="ok"), [1]),
        (Query(since=datetime.fromtimestamp(START + 3600 * 2, UTC)), [3, 4, 5]),
        (Query(since=datetime.fromtimestamp(START + 3600 * 2, timezone(timedelta(hours=9)))), [3, 4, 5]),
        (Query(since=datetime.fromtimestamp(START + 3600 * 2 + 1, UTC)), [4, 5]),
    ],
)
def test_a_query_takes_what_it_names_oldest_first_over_all_files(mixed: Log, query: Query, expected: list[int]):
    assert numbers(mixed, query) == expected


def test_what_is_no_record_is_passed_over(mixed: Log):
    mixed.path.write_bytes(b'junk\n[1]\n{"number": 0}\n' + mixed.path.read_bytes() + b'{"at":"2026')
    assert numbers(mixed, Query(profile="work")) == [1, 3, 5]


def test_records_that_somebody_spoiled_do_not_stop_the_others(mixed: Log):
    spoiled = b'{"at": 5, "address": [], "action": "claim", "outcome": "ok"}\n' + b"[" * 100_000 + b"\n"
    mixed.path.write_bytes(spoiled + mixed.path.read_bytes())
    assert numbers(mixed, Query(key="anthropic", since=datetime(2026, 1, 1, tzinfo=UTC))) == [1, 2, 3]
    assert last_used(str(mixed.folder))["anthropic/work"] == "2026-11-18T11:06:40.000Z"


def test_nothing_recorded_is_nothing_found(tmp_path: Path):
    assert list(find(str(tmp_path / "nowhere"))) == []
    assert last_used(str(tmp_path)) == {}


def test_without_the_head_reading_still_works(mixed: Log):
    mixed.head.unlink()
    assert numbers(mixed, Query()) == [1, 2, 3, 4, 5]


def test_reading_goes_on_undisturbed_while_the_log_is_rotated(mixed: Log):
    records = find(str(mixed.folder))
    first = next(records)
    mixed.claim(6)
    assert [first["number"], *(record["number"] for record in records)] == [1, 2, 3, 4, 5]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_others_could_have_written_to_is_not_believed(mixed: Log):
    mixed.archives[0].chmod(0o666)
    with pytest.raises(InsecurePermissions):
        list(find(str(mixed.folder)))


def test_last_used_is_the_last_claim_that_went_well(mixed: Log):
    mixed.clock.advance(-86400)
    mixed.claim(address="anthropic/default")
    assert last_used(str(mixed.folder)) == {
        "anthropic/work": "2026-11-18T11:06:40.000Z",
        "anthropic/default": "2026-11-17T16:06:40.000Z",
        "anthropic-eu/work": "2026-11-18T15:06:40.000Z",
    }


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("90s", NOW - timedelta(seconds=90)),
        ("1h30m", NOW - timedelta(minutes=90)),
        ("2w1d", NOW - timedelta(days=15)),
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, 0, tzinfo=UTC)),
        ("2026-11-22T10:00+09:00", datetime(2026, 11, 22, 1, 0, tzinfo=UTC)),
    ],
)
def test_since_takes_durations_with_units_and_times_with_a_zone(text: str, moment: datetime):
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "d",
        "-7d",
        "7D",
        "1.5h",
        "7 d",
        "\u0667d",
        "yesterday",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "9" * 30 + "d",
    ],
)
def test_any_other_since_is_refused(text: str):
    with pytest.raises(UsageError) as caught:
        parse_since(text, NOW)
    assert "7d" in caught.value.hint


def test_a_duration_longer_than_the_calendar_is_refused():
    with pytest.raises(UsageError, match="is not a time"):
        parse_since("9" * 5000 + "d", NOW)


def test_of_shared_keys_it_can_be_asked_who_used_them(tmp_path: Path, new_log: Callable[..., Log]):
    log = new_log(tmp_path / "state")
    for caller in ("user:7", "user:7 in channel:ops", "channel:ops", "user:77", ""):
        log.audit.append("claim", "ok", address="openai/a", caller=caller, feature="image", pool="images")

    def callers(wanted: str) -> list[str]:
        return [record["caller"] for record in find(str(tmp_path / "state"), Query(caller=wanted))]

    assert callers("user:7") == ["user:7", "user:7 in channel:ops"]
    assert callers("channel:ops") == ["user:7 in channel:ops", "channel:ops"]
    assert [record["feature"] for record in find(str(tmp_path / "state"))] == ["image"] * 5


def test_what_a_record_has_no_word_for_does_not_stand_in_it(tmp_path: Path, new_log: Callable[..., Log]):
    log = new_log(tmp_path / "state")
    log.audit.append("claim", "ok", address="openai/a")

    (record,) = find(str(tmp_path / "state"))
    assert not {"caller", "feature", "pool"} & record.keys()
