from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.sealed import rotation, seals
from ringlet_py.entry import Address
from ringlet_py.errors import (
    KeychainLocked,
    KeychainTimeout,
    KeyNotFound,
    MasterKeyWrong,
    NotFound,
    StoreCorrupt,
    UsageError,
)
from ringlet_py.secret import Secret
from tests.backends.contract import HOME, NEW, OLD, WEBHOOK, WORK
from tests.backends.sealed_cases import KINDS, SealedHome
from tests.killing import kill_at_every_step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
forking = pytest.mark.skipif(os.name != "posix", reason="no fork there")


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SealedHome:
    monkeypatch.setattr(seals, "derived", lambda typed, salt: (typed + salt + bytes(32))[:32])
    return SealedHome(tmp_path)


def fill(sealed: SealedHome, kind: str = "file") -> None:
    backend = sealed.open(kind)
    for address, value in ((WORK, OLD), (HOME, NEW), (WEBHOOK, OLD)):
        backend.set(address, Secret(value))


def check_filled(sealed: SealedHome) -> None:
    backend = sealed.open()
    assert [backend.get(address).reveal() for address in (WORK, HOME, WEBHOOK)] == [OLD, NEW, OLD]
    assert backend.names() == [HOME, WORK, WEBHOOK]


def rotate(sealed: SealedHome, to: str, *, reseal: bool = False) -> int:
    return rotation.rotate(sealed.open().keys, to=to, reseal=reseal)


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(KINDS, 2)))
def test_every_kind_follows_every_other(sealed: SealedHome, old: str, new: str):
    fill(sealed, old)
    rotate(sealed, new)

    check_filled(sealed)
    assert rotation.status(sealed.open().keys).master == new
    assert not sealed.keychain._secrets or new == "system"
    assert (len(sealed.master_file.read_text().splitlines()) == 2) == (new == "file") if old == "file" else True


@pytest.mark.parametrize("kind", ["system", "file", "passphrase"])
def test_a_kind_follows_itself_again_and_again(sealed: SealedHome, kind: str):
    fill(sealed, kind)
    wrapped = set()
    for _ in range(3):
        rotate(sealed, kind)
        check_filled(sealed)
        wrapped.update(sealed.sql("SELECT ciphertext FROM sealed_keys"))

    assert len(wrapped) == 3
    assert len(sealed.keychain._secrets) == (kind == "system")


def test_the_old_master_key_opens_nothing_afterwards(sealed: SealedHome):
    fill(sealed)
    before = sealed.master_file.read_text()
    rotate(sealed, "file")
    after = sealed.master_file.read_text()
    sealed.master_file.write_text(before.replace("-a ", "-b "))
    with pytest.raises(MasterKeyWrong):
        sealed.open().get(WORK)

    sealed.master_file.write_text(after)
    check_filled(sealed)


def test_a_variable_is_followed_by_the_new_variable(sealed: SealedHome):
    fill(sealed, "env")
    with pytest.raises(UsageError, match="is the old one"):
        rotate(sealed, "env")
    sealed.environ["RINGLET_NEW_MASTER_KEY"] = "1e" * 32
    rotate(sealed, "env")
    with pytest.raises(MasterKeyWrong):
        sealed.open().get(WORK)

    sealed.environ["RINGLET_MASTER_KEY"] = sealed.environ.pop("RINGLET_NEW_MASTER_KEY")
    check_filled(sealed)


def test_there_is_nothing_to_rotate_at_first(sealed: SealedHome, tmp_path: Path):
    with pytest.raises(NotFound):
        rotate(sealed, "file")

    assert not sealed.master_file.exists()


def test_a_refused_rotation_changes_nothing(sealed: SealedHome):
    fill(sealed)
    before = sealed.sql("SELECT * FROM sealed_keys"), sealed.master_file.read_text()
    sealed.keychain.failure = KeychainLocked("locked")
    with pytest.raises(KeychainLocked):
        rotate(sealed, "system")

    assert (sealed.sql("SELECT * FROM sealed_keys"), sealed.master_file.read_text()) == before
    check_filled(sealed)


def test_an_old_master_key_that_stays_is_told(sealed: SealedHome):
    fill(sealed, "system")
    sealed.keychain.failure, sealed.keychain.failing = KeychainTimeout("slow"), frozenset({"remove"})

    with pytest.raises(Exception, match="could not be taken away"):
        rotate(sealed, "file")
    check_filled(sealed)


# sealing anew


def test_reseal_makes_a_new_data_key_and_drops_the_old_one(sealed: SealedHome):
    fill(sealed)
    [(old, before)] = sealed.open().keys.values.counts().items()

    assert rotate(sealed, "file", reseal=True) == before == 3
    check_filled(sealed)
    [one] = rotation.status(sealed.open().keys).keys
    assert one.id != old
    assert (one.values, one.current) == (3, True)


def test_a_running_process_follows(sealed: SealedHome):
    fill(sealed)
    running = sealed.open()
    running.get(WORK)
    rotate(sealed, "system", reseal=True)
    assert running.get(WORK).reveal() == OLD

    rotate(sealed, "file", reseal=True)
    running.set(WORK, Secret(NEW))
    assert sealed.open().get(WORK).reveal() == NEW


@pytest.mark.parametrize("verb", ["keys", "value"])
def test_a_rotation_between_two_steps_of_a_reader_is_not_noticed(
    sealed: SealedHome, monkeypatch: pytest.MonkeyPatch, verb: str
):
    fill(sealed)
    reader = sealed.open()
    read = getattr(reader.keys.values, verb)
    rotations = iter(["file", "system"])

    def read_then_rotated(*args: str) -> object:
        found = read(*args)
        for kind in itertools.islice(rotations, 1):
            rotate(sealed, kind, reseal=True)
        return found

    monkeypatch.setattr(reader.keys.values, verb, read_then_rotated)

    assert reader.get(WORK).reveal() == OLD
    assert not list(rotations)


def test_a_reseal_that_was_stopped_goes_on_with_the_key_it_had_made(
    sealed: SealedHome, monkeypatch: pytest.MonkeyPatch
):
    fill(sealed)
    with monkeypatch.context() as patch:
        patch.setattr(rotation._Rotation, "_reseal", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rotate(sealed, "file", reseal=True)
    keys = rotation.status(sealed.open().keys).keys
    assert [(key.values, key.current) for key in keys] == [(3, False), (0, True)]
    check_filled(sealed)

    assert rotate(sealed, "file", reseal=True) == 3
    assert [key.id for key in rotation.status(sealed.open().keys).keys] == [keys[1].id]
    check_filled(sealed)


def interrupted(_: object) -> int:
    raise KeyboardInterrupt


def test_a_value_that_does_not_open_stops_a_reseal_and_names_itself(sealed: SealedHome):
    fill(sealed)
    sealed.sql("UPDATE sealed_values SET ciphertext = x'00' WHERE address = ?", str(HOME))
    with pytest.raises(StoreCorrupt, match="anthropic/home"):
        rotate(sealed, "file", reseal=True)

    assert sealed.open().get(WORK).reveal() == OLD
    sealed.open().remove(HOME)
    assert rotate(sealed, "file", reseal=True) == 2
    assert sealed.open().get(WORK).reveal() == sealed.open().get(WEBHOOK).reveal() == OLD


# killed


def every_statement_is_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own calls are not Python's, so each statement begins with one that is counted."""
    connect = sqlite3.connect

    def traced(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)  # type: ignore[call-overload]
        connection.set_trace_callback(lambda _: os.listdir("/"))
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)


@forking
@pytest.mark.slow
@pytest.mark.parametrize("how", ["wrap", "reseal"])
def test_killed_anywhere_a_rotation_leaves_every_value_readable(
    sealed: SealedHome, monkeypatch: pytest.MonkeyPatch, how: str
):
    fill(sealed)
    every_statement_is_a_step(monkeypatch)

    killed = kill_at_every_step(lambda: rotate(sealed, "file", reseal=how == "reseal"), lambda: check_filled(sealed))

    assert killed > 50
    rotate(sealed, "file", reseal=True)
    check_filled(sealed)
    assert len(rotation.status(sealed.open().keys).keys) == 1


@forking
@pytest.mark.slow
def test_killed_anywhere_the_first_set_leaves_a_ledger_that_takes_it(
    tmp_path: Path, sealed: SealedHome, monkeypatch: pytest.MonkeyPatch
):
    every_statement_is_a_step(monkeypatch)
    homes = map(SealedHome, (made(tmp_path / str(number)) for number in itertools.count()))
    home = next(homes)

    def after_each() -> None:
        nonlocal home
        home.open().check()
        home.open().set(WORK, Secret(OLD))
        assert home.open().get(WORK).reveal() == OLD
        home = next(homes)

    assert kill_at_every_step(lambda: home.open().set(WORK, Secret(OLD)), after_each) > 30


def made(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path


# many at once


def in_child(action: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must never go on with the test
            import traceback

            traceback.print_exc()
            os._exit(1)
    return pid


@forking
def test_many_first_writers_make_one_data_key(sealed: SealedHome):
    def write(number: int) -> None:
        sealed.open().set(Address("many", str(number)), Secret(OLD))

    children = [in_child(lambda number=number: write(number)) for number in range(6)]  # type: ignore[misc]

    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 6
    backend = sealed.open()
    assert [backend.get(Address("many", str(number))).reveal() for number in range(6)] == [OLD] * 6
    assert len(backend.keys.values.keys()) == 1
    assert len(sealed.master_file.read_text().splitlines()) == 2


@forking
@pytest.mark.slow
def test_readers_and_writers_never_fail_while_keys_are_rotated(sealed: SealedHome, tmp_path: Path):
    fill(sealed)
    stop = tmp_path / "stop"

    def read() -> None:
        backend = sealed.open()
        while not stop.exists():
            assert backend.get(HOME).reveal() == NEW
            assert sealed.open().get(WORK).reveal() == OLD

    def write() -> None:
        backend, address, count = sealed.open(), Address("writer", str(os.getpid())), 0
        while not stop.exists():
            backend.set(address, Secret(f"value-{count}"))
            assert sealed.open().get(address).reveal() == f"value-{count}"
            count += 1
            if count % 5 == 0:
                backend.remove(address)
                with pytest.raises(KeyNotFound):
                    backend.get(address)

    children = [in_child(act) for act in (read, read, write, write)]
    try:
        for number in range(12):
            rotate(sealed, "file", reseal=number % 2 == 0)
    finally:
        stop.touch()

    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    check_and_count(sealed)


def check_and_count(sealed: SealedHome) -> None:
    backend = sealed.open()
    for address in backend.names():
        backend.get(address)
    assert len(rotation.status(backend.keys).keys) == 1


@forking
@pytest.mark.slow
def test_killed_writers_leave_whole_values(sealed: SealedHome):
    fill(sealed)

    def write() -> None:
        backend = sealed.open()
        for number in itertools.count():
            backend.set(HOME, Secret(f"{number:0>500}"))

    for _ in range(10):
        pid = in_child(write)
        before = sealed.open().get(HOME).reveal()
        deadline = time.monotonic() + 30
        while sealed.open().get(HOME).reveal() == before and time.monotonic() < deadline:
            pass
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert len(sealed.open().get(HOME).reveal()) == 500
        assert sealed.open().get(WORK).reveal() == OLD
