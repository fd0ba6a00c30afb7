from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import KeychainTimeout, LedgerMissing, StoreCorrupt
from ringlet_py.files.queue import Queue
from ringlet_py.ledger.sqlite import SqliteLedger
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = "SELECT name FROM documents WHERE kind = ? ORDER BY name"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def session(path: Path) -> Iterator[Session]:
    session = Session(SqliteFile(str(path), busy_timeout=0.05))
    yield session
    session.close()


def put(session: Session, name: str) -> None:
    session.write(lambda connection: connection.execute("INSERT INTO documents VALUES ('pool', ?, '')", (name,)))


def test_reading_makes_no_ledger(session: Session, tmp_path: Path):
    assert session.rows(NAMES, "pool") == []
    assert session.look(lambda connection: connection) is None
    assert list(tmp_path.iterdir()) == []


def test_reading_sees_what_was_kept_and_waits_for_no_process(session: Session, path: Path):
    put(session, "a")
    with closing(Queue(f"{path}.queue", limit=1)) as queue, closing(sqlite3.connect(path)) as other:
        queue.enter()
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO documents VALUES ('pool', 'b', '')")
        assert session.rows(NAMES, "pool") == [("a",)]
        other.commit()
        queue.leave()

    assert session.rows(NAMES, "pool") == [("a",), ("b",)]


def test_a_reading_stays_not_open(session: Session, path: Path):
    put(session, "a")
    session.rows(NAMES, "pool")
    with closing(sqlite3.connect(path)) as other:
        (busy, *_) = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert not busy


def test_what_is_busy_is_said_in_our_words_and_the_session_goes_on(session: Session, path: Path):
    put(session, "a")
    with closing(Queue(f"{path}.queue", limit=1)) as queue:
        queue.enter()
        with pytest.raises(KeychainTimeout):
            put(session, "b")
        queue.leave()
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(KeychainTimeout) as caught:
            put(session, "b")
    put(session, "c")

    assert caught.value.__cause__ is None
    assert session.rows(NAMES, "pool") == [("a",), ("c",)]


def test_a_question_that_cannot_be_answered_is_corrupt_and_closes_the_file(session: Session):
    put(session, "a")
    with pytest.raises(StoreCorrupt):
        session.rows("SELECT lost FROM documents")

    assert session._open is None
    assert session.rows(NAMES, "pool") == [("a",)]


@pytest.mark.skipif(os.name != "posix", reason="no inodes there")
def test_another_file_in_its_place_is_what_is_read_and_written(session: Session, path: Path, tmp_path: Path):
    put(session, "a")
    with closing(Session(SqliteFile(str(tmp_path / "other" / "ledger.sqlite")))) as other:
        put(other, "b")
    path.parent.rename(tmp_path / "away")
    (tmp_path / "other").rename(path.parent)
    assert session.rows(NAMES, "pool") == [("b",)]
    put(session, "c")

    assert session.rows(NAMES, "pool") == [("b",), ("c",)]


@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_ledger_that_was_there_is_never_made_anew(path: Path, *, is_emptied: bool):
    file = SqliteFile(str(path), busy_timeout=0.05)
    with closing(Session(file)) as session:
        put(session, "a")
        session.close()  # so that all of it is in the file
        path.rename(path.with_suffix(".away"))
        if is_emptied:
            path.touch(0o600)
        verbs: list[Callable[[], object]] = [
            lambda: session.rows(NAMES, "pool"),
            lambda: session.look(lambda its: its),
            lambda: put(session, "b"),
            lambda: SqliteLedger(str(path), file=file).entries(),
            lambda: SqliteLedger(str(path), file=file).put(Entry(Address("openai"), backend="file")),
        ]
        for verb in verbs:
            with pytest.raises(LedgerMissing, match="the ledger has vanished"):
                verb()
        assert path.exists() is is_emptied
        assert not is_emptied or path.stat().st_size == 0
        path.with_suffix(".away").rename(path)

        assert session.rows(NAMES, "pool") == [("a",)]


def test_who_was_told_that_there_is_one_makes_none_either(path: Path):
    with closing(Session(SqliteFile(str(path)))) as session:
        put(session, "a")
    file = SqliteFile(str(path))
    assert file.exists()
    path.unlink()

    with closing(Session(file)) as session, pytest.raises(LedgerMissing):
        put(session, "b")
    assert not path.exists()


def test_reading_goes_on_while_a_thread_waits_to_write(session: Session, path: Path):
    session.file.busy_timeout = 30
    put(session, "a")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writers = [threading.Thread(target=put, args=(session, name), daemon=True) for name in ("b", "c")]
        for writer in writers:
            writer.start()
        while not session._lock.locked():
            threading.Event().wait(0.001)
        found: list[object] = []
        reader = threading.Thread(target=lambda: found.append(session.rows(NAMES, "pool")), daemon=True)
        reader.start()
        reader.join(5)
        other.execute("ROLLBACK")
    for writer in writers:
        writer.join()

    assert found == [[("a",)]]
    assert session.rows(NAMES, "pool") == [("a",), ("b",), ("c",)]


def test_looking_waits_for_a_writer_only_where_it_has_to_change_something(session: Session, path: Path):
    put(session, "a")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert session.look(lambda its: its.execute(NAMES, ("pool",)).fetchall()) == [("a",)]
        with session._lock:
            assert session.look(lambda its: its.execute(NAMES, ("pool",)).fetchall()) == [("a",)]
        with pytest.raises(KeychainTimeout):
            session.look(lambda its: its.execute("DELETE FROM documents"))
        other.execute("ROLLBACK")
    session.look(lambda its: its.execute("DELETE FROM documents"))

    assert session.rows(NAMES, "pool") == [("a",)]


def test_a_thread_waits_for_others_as_long_as_for_processes(session: Session, path: Path):
    put(session, "a")
    with session._lock, pytest.raises(KeychainTimeout, match="was busy"):
        put(session, "b")


def test_threads_read_while_others_write(session: Session):
    session.file.busy_timeout = 30
    put(session, "a")
    found: list[int] = []
    writers = [threading.Thread(target=put, args=(session, f"b{number}")) for number in range(8)]
    readers = [threading.Thread(target=lambda: found.append(len(session.rows(NAMES, "pool")))) for _ in range(8)]
    for thread in [*writers, *readers]:
        thread.start()
    for thread in [*writers, *readers]:
        thread.join()

    assert len(found) == 8
    assert set(found) <= set(range(1, 10))
    assert len(session.rows(NAMES, "pool")) == 9


def test_who_hurries_waits_for_no_thread_no_process_and_no_program(session: Session, path: Path):
    session.file.busy_timeout = 30
    put(session, "a")
    with (
        closing(Queue(f"{path}.queue", limit=1)) as queue,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        with session.hurrying(), session._lock, pytest.raises(KeychainTimeout):
            put(session, "b")
        assert session._reader is not None
        with session.hurrying(), session._lock, session._reader._lock, pytest.raises(KeychainTimeout):
            session.rows(NAMES, "pool")
        queue.enter()
        with session.hurrying(), pytest.raises(KeychainTimeout):
            put(session, "b")
        queue.leave()
        other.execute("BEGIN IMMEDIATE")
        with session.hurrying(), pytest.raises(KeychainTimeout):
            put(session, "b")
        patient = threading.Thread(target=put, args=(session, "c"), daemon=True)
        patient.start()
        patient.join(0.1)
        assert patient.is_alive()
        other.execute("ROLLBACK")
        patient.join(10)
    with session.hurrying():
        put(session, "d")

    assert session.rows(NAMES, "pool") == [("a",), ("c",), ("d",)]


def test_sqlite_is_told_how_long_to_wait_only_when_that_changes(session: Session):
    put(session, "a")
    assert session._open is not None
    said: list[str] = []
    session._open.connection.set_trace_callback(said.append)
    with session.hurrying():
        for name in "bcd":
            session.rows(NAMES, "pool")
            put(session, name)
    put(session, "e")

    assert [each for each in said if "PRAGMA" in each] == ["PRAGMA busy_timeout = 5", "PRAGMA busy_timeout = 50"]
