from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import KeychainTimeout, StoreCorrupt
from ringlet_py.files.queue import Queue
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    path.parent.rename(tmp_path / "away")
    assert session.rows(NAMES, "pool") == []
    put(session, "b")

    assert session.rows(NAMES, "pool") == [("b",)]


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
