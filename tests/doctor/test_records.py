from __future__ import annotations

import os

import pytest

from ringlet_py.doctor import records
from ringlet_py.doctor.examining import CHECKS, examine
from ringlet_py.errors import LedgerUnreachable, StoreCorrupt
from ringlet_py.ledger.sqlite import SqliteLedger
from ringlet_py.ledger.sqlite_file import PAGE
from ringlet_py.testing import FakeClock
from tests.doctor.around import made, states, told, write
from tests.end_to_end.program import FILE_BACKEND, KEY, Home, store_key
from tests.redis_server import RedisProcess, needs_redis


def test_a_ledger_that_is_whole_is_fine(home: Home) -> None:
    store_key(home)

    assert states(records.ledger(made(home))) == ["ok"]


def test_there_may_be_none_yet(home: Home) -> None:
    assert "no ledger yet" in told(records.ledger(made(home)))
    assert not (home.state / "ledger.sqlite").exists()


def test_a_file_that_is_no_ledger_is_an_error(home: Home) -> None:
    write(home.state / "ledger.sqlite", "no database " * 100)

    with pytest.raises(StoreCorrupt, match="not a ledger"):
        records.ledger(made(home))


def test_a_damaged_page_is_found(home: Home) -> None:
    store_key(home)
    path = home.state / "ledger.sqlite"
    with SqliteLedger(str(path)).file.opened() as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entries'").fetchone()
    whole = bytearray(path.read_bytes())
    whole[(root - 1) * PAGE + 8 : (root - 1) * PAGE + 10] = b"\xff\xff"  # where its first cell begins
    path.write_bytes(whole)
    found = examine(made(home), checks=[check for check in CHECKS if check.name == "ledger"])

    assert states(found) == ["problem"]
    assert "mv " in told(found)


def test_a_server_that_does_not_answer_is_an_error(home: Home) -> None:
    pytest.importorskip("redis")
    surroundings = made(home, environ={"RINGLET_LEDGER_URL": "redis://127.0.0.1:1/0"})

    with pytest.raises(LedgerUnreachable):
        records.ledger(surroundings)


@needs_redis
@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "state", "lost"), [("sealed", "problem", "every key"), ("file", "warning", "what")]
)
def test_a_server_that_forgets_is_seen(home: Home, backend: str, state: str, lost: str) -> None:
    home.configure(f'[credentials]\nbackend = "{backend}"\n')
    with RedisProcess() as server:
        surroundings = made(home, environ={"RINGLET_LEDGER_URL": server.url})
        assert states(records.ledger(surroundings)) == ["ok"]
        server.kill()
        server.start("--appendonly", "no")
        fine, forgetful = records.ledger(surroundings)

    assert (fine.state, forgetful.state) == ("ok", state)
    assert f"loses {lost}" in forgetful.what


def test_an_audit_as_it_was_written_is_fine(home: Home) -> None:
    store_key(home)

    assert "1 record" in told(records.audit(made(home)))


def test_an_edited_record_is_a_problem(home: Home) -> None:
    store_key(home)
    log = home.state / "audit.jsonl"
    log.write_text(log.read_text().replace("anthropic", "anthropoc"))
    (finding,) = records.audit(made(home))

    assert finding.state == "problem"
    assert "was edited" in finding.what
    assert finding.mend == "ringlet audit verify"


def test_an_audit_that_is_switched_off_is_worth_a_note(home: Home) -> None:
    home.configure(FILE_BACKEND + "[audit]\nenabled = false\n")

    assert states(records.audit(made(home))) == ["note"]


def test_a_clock_that_goes_is_fine(home: Home) -> None:
    store_key(home)

    assert records.clock(made(home)) == []


@pytest.mark.parametrize(("kind", "mend"), [("linux", "timedatectl"), ("macos", "sntp"), ("windows", "w32tm")])
def test_a_clock_behind_the_records_is_seen(home: Home, kind: str, mend: str) -> None:
    surroundings = made(home)
    ahead = surroundings.app.clock() + 86400
    os.utime(write(home.state / "audit.jsonl"), (ahead, ahead))
    found = records.clock(made(home, system=surroundings.system.__class__(kind=kind)))

    assert states(found) == ["warning"]
    assert mend in told(found)


def test_a_clock_of_the_last_century_is_seen(home: Home) -> None:
    surroundings = made(home)
    surroundings.app.clock = FakeClock(0.0)

    assert "ringlet itself is newer" in told(records.clock(surroundings))


def test_what_to_do_about_a_changed_audit_is_said_once(home: Home) -> None:
    for alias in "abcdefg":
        store_key(home, f"anthropic/{alias}", KEY[:-1] + alias)
    log = home.state / "audit.jsonl"
    log.write_text(log.read_text().replace("anthropic", "anthropoc"))
    found = records.audit(made(home))

    assert [each.mend for each in found] == [""] * 5 + ["ringlet audit verify"]
    assert f"move all of audit.* in {home.state} elsewhere" in found[-1].why
