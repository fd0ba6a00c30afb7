from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import InsecurePermissions, StoreCorrupt
from ringlet_py.ledger.sealed_values import SqliteSealedValues
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from tests.ledger.sealed_contract import WORK, SealedValuesContract, key, value

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.ledger.sealed import SealedValues

posix = pytest.mark.skipif(os.name != "posix", reason="no fork there")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/ledger.sqlite"


@pytest.fixture
def values(path: Path) -> SqliteSealedValues:
    return opened(path)


def opened(path: Path) -> SqliteSealedValues:
    return SqliteSealedValues(Session(SqliteFile(str(path))))


class TestSqliteSealedValues(SealedValuesContract):
    def lose_keys(self, values: SealedValues) -> None:
        assert isinstance(values, SqliteSealedValues)
        with values.file.writing() as connection:
            connection.execute("DELETE FROM sealed_keys")


def test_reading_makes_no_file(values: SqliteSealedValues, tmp_path: Path):
    values.value(WORK)
    values.keys()
    values.remove(WORK)

    assert list(tmp_path.iterdir()) == []


@posix
def test_the_file_is_ours_alone(values: SqliteSealedValues, path: Path):
    values.add_key(key(), after=None)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_file_that_was_opened_to_others_meanwhile_is_refused(values: SqliteSealedValues, path: Path):
    values.add_key(key(), after=None)
    assert values.keys()
    path.chmod(0o644)

    with pytest.raises(InsecurePermissions):
        values.keys()
    path.chmod(0o600)
    assert values.keys() == [key()]


def test_what_another_one_writes_is_seen_at_once(values: SqliteSealedValues, path: Path):
    other = opened(path)
    values.add_key(key(), after=None)
    for text in (b"1", b"2"):
        other.put(value(ciphertext=text))
        assert values.value(WORK) == value(ciphertext=text)


def test_another_file_in_its_place_is_what_is_read(values: SqliteSealedValues, path: Path, tmp_path: Path):
    values.add_key(key(), after=None)
    values.put(value())
    assert values.value(WORK)
    for name in list(path.parent.iterdir()):
        name.rename(tmp_path / name.name)
    opened(path).add_key(key("k2"), after=None)

    assert values.value(WORK) is None
    assert values.keys() == [key("k2")]


def test_each_thread_reads(values: SqliteSealedValues):
    values.add_key(key(), after=None)
    values.put(value())
    found = []
    assert values.value(WORK)
    threads = [threading.Thread(target=lambda: found.append(values.value(WORK))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [value()] * 4


@posix
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_connection_is_not_carried_over_a_fork(values: SqliteSealedValues, path: Path):
    values.add_key(key(), after=None)
    values.put(value())
    parents = connection_of(values)
    pid = os.fork()
    if pid == 0:
        fine = values.value(WORK) == value() and connection_of(values) is not parents
        values.put(value("b/b"))
        os._exit(0 if fine and values.value("b/b") else 1)

    assert os.waitpid(pid, 0)[1] == 0
    assert connection_of(values) is parents
    assert values.addresses() == [WORK, "b/b"]


def connection_of(values: SqliteSealedValues) -> sqlite3.Connection:
    assert values.keys()
    assert values._session._open is not None
    return values._session._open.connection


@pytest.mark.parametrize("damage", ["nonce = 'text'", "scheme = x'00'", "key_id = x'ff'"])
def test_a_row_of_wrong_types_is_corrupt(values: SqliteSealedValues, path: Path, damage: str):
    values.add_key(key(), after=None)
    values.put(value())
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(f"UPDATE sealed_values SET {damage}")  # noqa: S608 - the damage is ours

    with pytest.raises(StoreCorrupt):
        values.value(WORK)


def test_a_lost_table_is_corrupt_and_the_next_reading_recovers(values: SqliteSealedValues, path: Path):
    values.add_key(key(), after=None)
    assert values.keys()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("ALTER TABLE sealed_keys RENAME TO away")
    with pytest.raises(StoreCorrupt):
        values.keys()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("ALTER TABLE away RENAME TO sealed_keys")

    assert values.keys() == [key()]
