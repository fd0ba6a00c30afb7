"""Another program's database is read, and nothing of it or beside it changes."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import KeychainBroken, KeychainDenied, KeychainTimeout, StoreCorrupt
from ringlet_py.ledger.elsewhere import MOST_ROWS, looking

if TYPE_CHECKING:
    from pathlib import Path


def made(path: Path, *, journal: str = "delete") -> sqlite3.Connection:
    """A database with one row, still open in its own program."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute('CREATE TABLE "the ""keys""" (id INTEGER PRIMARY KEY, "a b" TEXT)')
    connection.execute('INSERT INTO "the ""keys""" VALUES (1, ?)', ("one",))
    return connection


def seen(path: Path) -> list[tuple[object, ...]]:
    with looking(str(path)) as database:
        tables = database.tables()
        assert tables == {'the "keys"': {"id", "a b"}}
        return database.rows('the "keys"', ["a b", "id"])


def state(folder: Path) -> dict[str, bytes]:
    # but for the index of the log, in which readers mark where they are
    return {each.name: b"" if each.name.endswith("-shm") else each.read_bytes() for each in folder.iterdir()}


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("name", ["a.db", "od?d #%.db"])
def test_a_closed_database_is_read_and_no_file_is_made(tmp_path: Path, journal: str, name: str) -> None:
    made(tmp_path / name, journal=journal).close()
    before = state(tmp_path)

    assert seen(tmp_path / name) == [("one", 1)]
    assert state(tmp_path) == before


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_that_is_in_use_is_read_with_its_latest_rows(tmp_path: Path, journal: str) -> None:
    with closing(made(tmp_path / "a.db", journal=journal)) as theirs:
        before = state(tmp_path)
        assert seen(tmp_path / "a.db") == [("one", 1)]
        assert state(tmp_path) == before
        theirs.execute('INSERT INTO "the ""keys""" VALUES (2, ?)', ("two",))
        assert len(seen(tmp_path / "a.db")) == 2


def test_a_log_that_its_program_left_behind_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    with closing(made(tmp_path / "a.db", journal="wal")):
        for name in ("a.db", "a.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / "left" / name)

    with pytest.raises(KeychainBroken, match="cannot be read"):
        seen(tmp_path / "left/a.db")
    assert sorted(state(tmp_path / "left")) == ["a.db", "a.db-wal"]


def test_a_database_that_its_program_locks_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **{**named, "timeout": 0}))
    with closing(made(tmp_path / "a.db")) as theirs:
        theirs.execute("BEGIN EXCLUSIVE")
        with pytest.raises(KeychainTimeout, match="locked by its program"):
            seen(tmp_path / "a.db")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("SQLite? no")
    (tmp_path / "cut").write_bytes(b"SQLite format 3\0" + b"\1" * 50)
    os.mkfifo(tmp_path / "fifo")
    for name in ("text", "cut", "fifo", "."):
        with pytest.raises(StoreCorrupt):
            seen(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        seen(tmp_path / "none")


def test_a_database_that_is_not_for_us_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    made(tmp_path / "a.db").close()
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(KeychainDenied, match="cannot be read"):
        seen(tmp_path / "a.db")


def test_an_empty_file_is_a_database_without_tables(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with looking(str(tmp_path / "empty")) as database:
        assert database.tables() == {}


def test_rows_are_limited_in_number_and_size(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as theirs:
        theirs.execute(
            "CREATE TABLE many AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10100) "
            "SELECT i FROM n"
        )
        theirs.execute("CREATE TABLE large (i)")
        theirs.execute("INSERT INTO large VALUES (zeroblob(2000000))")
    with looking(str(path)) as database:
        assert len(database.rows("many", ["i"])) == MOST_ROWS
    with pytest.raises(StoreCorrupt), looking(str(path)) as database:
        database.rows("large", ["i"])


def test_text_in_another_encoding_is_no_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as theirs:
        theirs.execute("CREATE TABLE t (i)")
        theirs.execute("INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))")
    with looking(str(tmp_path / "a.db")) as database:
        assert database.rows("t", ["i"]) == [("\ufffdA",)]
