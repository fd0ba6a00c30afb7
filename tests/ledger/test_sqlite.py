from __future__ import annotations

import errno
import os
import shlex
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import InsecurePermissions, KeychainBroken, KeychainError, KeychainTimeout, StoreCorrupt
from ringlet_py.ledger import sqlite_file
from ringlet_py.ledger.migrations import MIGRATIONS
from ringlet_py.ledger.rows import COLUMNS
from ringlet_py.ledger.sqlite import SqliteLedger
from ringlet_py.ledger.sqlite_file import APPLICATION, SqliteFile
from tests.killing import kill_at_every_step
from tests.ledger.contract import WORK, LedgerContract, entry, full_entry
from tests.people import NOBODY, as_root

if TYPE_CHECKING:
    from collections.abc import Iterator

posix = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing on Windows")

INSERT = "INSERT INTO entries (provider, alias, backend, created_at, replaced_at) VALUES ('a', 'b', 'c', '', '')"
POSIX_NAMES = [] if sys.platform == "win32" else ["q?x=1"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> SqliteLedger:
    return SqliteLedger(str(path))


@pytest.fixture
def raw(ledger: SqliteLedger, path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a ledger with one entry, opened behind ringlet's back."""
    ledger.put(entry())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


class TestSqlite(LedgerContract):
    pass


class TestReadingNothing:
    def test_makes_nothing(self, ledger: SqliteLedger, tmp_path: Path):
        ledger.entries()
        ledger.entry(WORK)
        ledger.forget(WORK)

        assert list(tmp_path.iterdir()) == []

    def test_an_empty_file_is_a_ledger_whose_maker_was_killed(self, ledger: SqliteLedger, path: Path):
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)

        assert ledger.entries() == []
        ledger.put(entry())
        assert ledger.entries() == [entry()]


class TestTheFile:
    def test_is_sqlite_with_our_mark_and_version(self, raw: sqlite3.Connection):
        assert raw.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert raw.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_of_texts_that_are_equal_one_is_kept(self, ledger: SqliteLedger):
        for number in (0.0, 1.0, 2.0):
            ledger.put(*(Entry(Address("openai", f"{number}-{n}"), backend="sealed", weight=number) for n in "ab"))

        entries = ledger.entries()

        assert len({id(entry.backend) for entry in entries}) == 1
        assert len({id(entry.address.provider) for entry in entries}) == 1
        assert [(type(entry.active), type(entry.weight)) for entry in entries] == [(bool, float)] * 6
        assert [entry.weight for entry in entries] == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]

    def test_writes_wait_for_the_disk(self, ledger: SqliteLedger):
        with ledger.file.writing() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL

    def test_has_no_room_for_a_value(self, raw: sqlite3.Connection):
        columns = {row[1] for row in raw.execute("PRAGMA table_info(entries)")}

        assert columns == set(COLUMNS)

    @posix
    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
    def test_it_and_its_side_files_are_born_private(self, ledger: SqliteLedger, path: Path, umask: int):
        before = os.umask(umask)
        try:
            with ledger.file.writing():
                modes = {found.name: mode(found) for found in path.parent.iterdir()}
        finally:
            os.umask(before)

        assert set(modes) == {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite.lock"}
        assert set(modes.values()) == {0o600}
        assert mode(path.parent) == 0o700

    def test_nothing_stays_open(self, ledger: SqliteLedger, path: Path):
        ledger.put(entry())
        ledger.entries()

        assert {found.name for found in path.parent.iterdir()} == {"ledger.sqlite", "ledger.sqlite.lock"}

    @pytest.mark.parametrize("name", ["a b", "50%", "h#ash", "ü", "a&mode=memory", *POSIX_NAMES])
    def test_any_folder_name_is_the_folder(self, tmp_path: Path, name: str):
        ledger = SqliteLedger(str(tmp_path / name / "ledger.sqlite"))
        ledger.put(entry())

        assert (tmp_path / name / "ledger.sqlite").stat().st_size > 0
        assert ledger.entries() == [entry()]


@posix
class TestOthers:
    @pytest.mark.parametrize("bits", [1 << n for n in range(6)])
    def test_a_file_that_others_may_touch_is_refused_with_the_exact_chmod(
        self, ledger: SqliteLedger, path: Path, bits: int
    ):
        ledger.put(entry())
        path.chmod(0o600 | bits)

        for verb in (
            ledger.entries,
            lambda: ledger.entry(WORK),
            lambda: ledger.put(entry("x")),
            lambda: ledger.forget(WORK),
        ):
            with pytest.raises(InsecurePermissions) as caught:
                verb()
            assert shlex.split(caught.value.hint) == ["chmod", "600", str(path)]

        path.chmod(0o600)
        assert ledger.entries() == [entry()]

    def test_a_folder_that_others_may_write_is_refused(self, ledger: SqliteLedger, path: Path):
        ledger.put(entry())
        path.parent.chmod(0o777)

        with pytest.raises(InsecurePermissions):
            ledger.entries()

    def test_a_link_is_refused_and_nothing_made_behind_it(self, ledger: SqliteLedger, path: Path, tmp_path: Path):
        path.parent.mkdir(mode=0o700)
        path.symlink_to(tmp_path / "elsewhere")

        for verb in (ledger.entries, lambda: ledger.put(entry())):
            with pytest.raises(InsecurePermissions, match="symbolic link"):
                verb()
        assert not (tmp_path / "elsewhere").exists()

    @as_root
    def test_a_file_of_another_user_is_refused(self, ledger: SqliteLedger, path: Path):
        ledger.put(entry())
        os.chown(path, NOBODY, NOBODY)

        with pytest.raises(InsecurePermissions):
            ledger.entries()

    def test_a_folder_in_its_place_is_refused(self, ledger: SqliteLedger, path: Path):
        path.mkdir(parents=True, mode=0o700)
        path.parent.chmod(0o700)

        with pytest.raises(StoreCorrupt):
            ledger.put(entry())


class TestWhatIsNoLedger:
    @pytest.fixture(
        params=[
            b"not a database, but some text of a person's" * 100,
            b"SQLite format 3\0" + b"\xff" * 4096,
            b"\0" * 4096,
            b"xx",  # one byte alone counts as empty to SQLite
        ]
    )
    def rubbish(self, request: pytest.FixtureRequest, path: Path) -> bytes:
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(request.param)
        return bytes(request.param)

    def test_is_refused_and_left_as_it_is(self, rubbish: bytes, ledger: SqliteLedger, path: Path):
        for verb in (ledger.entries, lambda: ledger.put(entry()), lambda: ledger.forget(WORK)):
            with pytest.raises(StoreCorrupt):
                verb()

        assert path.read_bytes() == rubbish

    @pytest.mark.parametrize(
        "mark", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "CREATE VIEW v AS SELECT 1"]
    )
    def test_another_programs_database_is_refused_and_left_as_it_is(self, mark: str, ledger: SqliteLedger, path: Path):
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(mark)
            connection.commit()
        before = path.read_bytes()

        for verb in (ledger.entries, lambda: ledger.put(entry())):
            with pytest.raises(StoreCorrupt, match="not a ledger"):
                verb()
        assert path.read_bytes() == before

    def test_a_newer_ledger_is_refused_with_the_way_out(self, raw: sqlite3.Connection, ledger: SqliteLedger):
        raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

        for verb in (ledger.entries, lambda: ledger.put(entry())):
            with pytest.raises(StoreCorrupt, match=f"version {len(MIGRATIONS) + 1}") as caught:
                verb()
            assert "newest" in caught.value.hint

    def test_a_table_that_is_gone_is_not_an_empty_ledger(self, raw: sqlite3.Connection, ledger: SqliteLedger):
        raw.execute("DROP TABLE entries")

        with pytest.raises(StoreCorrupt):
            ledger.entries()

    @pytest.mark.parametrize("name", ["../evil", "", "a b", b"\xff", 7.5])
    def test_a_name_that_cannot_be_one_is_refused(self, raw: sqlite3.Connection, ledger: SqliteLedger, name: object):
        raw.execute("UPDATE entries SET alias = ?", (name,))

        if name == 7.5:  # the column's type makes it the text "7.5"
            assert ledger.entries() == [entry(alias="7.5")]
            return
        with pytest.raises(StoreCorrupt, match="not a ledger"):
            ledger.entries()


class TestMigrations:
    def test_an_older_ledger_is_brought_forward_and_keeps_what_it_has(
        self, raw: sqlite3.Connection, ledger: SqliteLedger
    ):
        later = (("ALTER TABLE entries ADD COLUMN strange TEXT",), ("CREATE TABLE strange (x)",))
        ledger.file.migrations = (*MIGRATIONS, *later)

        assert ledger.entries() == [entry()]
        assert raw.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 2,)
        assert raw.execute("SELECT strange FROM entries").fetchall() == [(None,)]

    def test_a_migration_that_fails_changes_nothing(self, raw: sqlite3.Connection, ledger: SqliteLedger):
        ledger.file.migrations = (*MIGRATIONS, ("CREATE TABLE strange (x)", "nonsense"))
        before = raw.execute("SELECT name FROM sqlite_master").fetchall()

        with pytest.raises(StoreCorrupt):
            ledger.entries()

        assert raw.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == before


class TestEarlierVersions:
    @pytest.mark.parametrize("version", range(len(MIGRATIONS)))
    def test_a_ledger_of_each_earlier_version_is_brought_to_ours(self, path: Path, version: int):
        old = SqliteFile(str(path), migrations=MIGRATIONS[:version])
        with old.writing() as connection:
            if version:
                connection.execute(INSERT)
        ledger = SqliteLedger(str(path))

        assert ledger.entries() == ([Entry(Address("a", "b"), backend="c")] if version else [])
        ledger.put(full_entry())
        assert ledger.entry(WORK) == full_entry()

    @pytest.mark.parametrize("column", COLUMNS)
    def test_what_cannot_be_an_entry_is_refused(self, raw: sqlite3.Connection, ledger: SqliteLedger, column: str):
        raw.execute(f"UPDATE entries SET {column} = ?", (b"\xff",))  # noqa: S608

        with pytest.raises(StoreCorrupt, match="not a ledger"):
            ledger.entries()


class TestTrouble:
    def test_a_writer_that_does_not_end_is_a_timeout(self, raw: sqlite3.Connection, path: Path):
        raw.execute("BEGIN IMMEDIATE")
        hurried = SqliteLedger(str(path), busy_timeout=0.05)

        with pytest.raises(KeychainTimeout, match="busy"):
            hurried.put(entry("other"))
        assert hurried.entries() == [entry()], "readers do not wait"

    def test_an_error_within_a_transaction_undoes_it(self, ledger: SqliteLedger):
        with pytest.raises(ZeroDivisionError), ledger.file.writing() as connection:  # noqa: PT012
            connection.execute(INSERT)
            1 / 0  # noqa: B018

        assert ledger.entries() == []

    def test_a_full_disk_is_broken_and_keeps_what_is_there(self, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch):
        ledger.put(entry())
        translated = ledger.file._translated(_error(sqlite3.SQLITE_FULL))

        assert type(translated) is KeychainBroken

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (sqlite3.SQLITE_BUSY, KeychainTimeout),
            (sqlite3.SQLITE_BUSY_RECOVERY, KeychainTimeout),
            (sqlite3.SQLITE_CORRUPT, StoreCorrupt),
            (sqlite3.SQLITE_NOTADB, StoreCorrupt),
            (sqlite3.SQLITE_IOERR_READ, KeychainBroken),
            (sqlite3.SQLITE_CANTOPEN, KeychainBroken),
            (sqlite3.SQLITE_READONLY, KeychainBroken),
        ],
    )
    def test_every_error_of_sqlite_becomes_one_of_ours(self, code: int, kind: type[KeychainError]):
        assert type(SqliteFile("/x")._translated(_error(code))) is kind

    def test_a_ledger_that_goes_while_it_is_opened_is_not_made_anew(
        self, ledger: SqliteLedger, path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        path.parent.mkdir(mode=0o700)
        monkeypatch.setattr(ledger.file, "exists", lambda: True)

        with pytest.raises(KeychainBroken):
            ledger.entries()
        assert not path.exists()

    def test_an_error_of_the_system_becomes_one_of_ours(self, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch):
        def denied(_: str) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(sqlite_file, "check_file", denied)

        with pytest.raises(KeychainBroken) as caught:
            ledger.entries()
        assert caught.value.why == "Permission denied"


def _error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("trouble")
    error.sqlite_errorcode = code
    return error


WRITER = """
import sys
from ringlet_py.entry import Address, Entry
from ringlet_py.ledger.rows import COLUMNS
from ringlet_py.ledger.sqlite import SqliteLedger
ledger = SqliteLedger(sys.argv[1])
for n in range(int(sys.argv[3])):
    ledger.put(Entry(Address(sys.argv[2], str(n)), backend="file"))
    print(n, flush=True)
    if n % 5 == 0:
        ledger.entries()
"""


def start_writer(path: Path, name: str, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(times)], stdout=subprocess.PIPE, text=True
    )


def check_integrity(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class TestManyAtOnce:
    def test_threads_lose_nothing_with_one_object(self, ledger: SqliteLedger):
        def write(name: str) -> None:
            for n in range(10):
                ledger.put(entry(name, str(n)))

        threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(ledger.entries()) == 60

    def test_processes_that_all_make_the_ledger_lose_nothing(self, ledger: SqliteLedger, path: Path):
        writers = [start_writer(path, f"p{n}", 5) for n in range(6)]
        for writer in writers:
            writer.communicate()

        assert [writer.returncode for writer in writers] == [0] * 6
        assert len(ledger.entries()) == 30
        check_integrity(path)

    @pytest.mark.slow
    def test_what_was_put_survives_writers_killed_in_the_middle(self, ledger: SqliteLedger, path: Path):
        """Each is killed when it has said its n-th, so at another point of its next write every time."""
        acknowledged: set[Address] = set()
        for round_ in range(6):
            writers = {f"r{round_}p{n}": start_writer(path, f"r{round_}p{n}", 1000) for n in range(4)}
            for lines, (name, writer) in enumerate(writers.items(), 3):
                with writer:
                    assert writer.stdout
                    said = [writer.stdout.readline().strip() for _ in range(lines)]
                    writer.kill()
                    said += writer.stdout.read().split()
                acknowledged |= {Address(name, number) for number in said}

        assert acknowledged <= {found.address for found in ledger.entries()}
        check_integrity(path)
        assert len(acknowledged) > 70

    @pytest.mark.slow
    @pytest.mark.skipif(os.name != "posix", reason="kill -9 is for POSIX")
    def test_killed_at_every_step_of_being_made_it_can_still_be_made(self, tmp_path: Path):
        path = tmp_path / "state" / "ledger.sqlite"
        ledger = SqliteLedger(str(path))

        def check() -> None:
            assert ledger.entries() in ([], [entry()])
            assert all(mode(found) & 0o077 == 0 for found in path.parent.glob("*"))

        assert kill_at_every_step(lambda: ledger.put(entry()), check) > 10
        assert ledger.entries() == [entry()]

    def test_another_object_in_the_process_does_not_drop_its_locks(self, ledger: SqliteLedger, path: Path):
        """POSIX drops a process's locks on a file when the process closes any descriptor of it."""
        ledger.put(entry())
        with ledger.file.writing() as connection:
            connection.execute(INSERT)
            before = _locks(path)
            SqliteLedger(str(path)).entries()
            assert _locks(path) == before


def _locks(path: Path) -> int:
    """How many locks the system knows on the file and the files at its side."""
    if not Path("/proc/locks").exists():
        pytest.skip("only Linux tells")
    inodes = {str(found.stat().st_ino) for found in path.parent.iterdir()}
    return sum(line.split()[5].split(":")[2] in inodes for line in Path("/proc/locks").read_text().splitlines())
