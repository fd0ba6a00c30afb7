from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.catalog import Catalog
from ringlet_py.entry import Address, Entry, utc
from ringlet_py.errors import (
    InvalidSecret,
    KeychainBroken,
    KeychainLocked,
    KeyExists,
    KeyNotFound,
    KeySuspicious,
)
from ringlet_py.keychain import Keychain
from ringlet_py.ledger.sqlite import SqliteLedger
from ringlet_py.secret import Secret
from ringlet_py.testing import FakeClock, MemoryBackend
from tests.records import Records

if TYPE_CHECKING:
    from pathlib import Path

WORK = Address("anthropic", "work")
OLD = Secret("sk-ant-api03-" + "a1" * 20)
NEW = Secret("sk-ant-api03-" + "b2" * 20)


class World:
    def __init__(self, folder: Path, **backend: Any) -> None:
        self.backend = MemoryBackend(**backend)
        self.ledger = SqliteLedger(str(folder / "state" / "ledger.sqlite"))
        self.records = Records()
        self.clock = FakeClock()
        self.keychain = Keychain(
            backend=self.backend,
            ledger=self.ledger,
            audit=self.records,  # type: ignore[arg-type]
            catalog=Catalog("/nowhere"),
            lock_path=str(folder / "state" / "keychain.lock"),
            generation_path=str(folder / "state" / "generation"),
            clock=self.clock,
        )

    def recorded(self) -> list[tuple[str, str]]:
        return [(record["action"], record["outcome"]) for record in self.records.kept]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_stored_key_is_in_the_backend_the_ledger_and_the_audit(world: World) -> None:
    world.keychain.set(WORK, OLD)

    assert world.backend.get(WORK).same_as(OLD)
    assert world.keychain.entries() == [Entry(WORK, backend="memory", created_at=utc(world.clock()))]
    assert world.recorded() == [("set", "ok")]


def test_a_key_that_is_there_is_not_overwritten(world: World) -> None:
    world.keychain.set(WORK, OLD)

    with pytest.raises(KeyExists) as raised:
        world.keychain.set(WORK, NEW)
    assert raised.value.hint == "ringlet keychain set anthropic work --replace"
    assert world.backend.get(WORK).same_as(OLD)
    assert world.recorded()[-1] == ("set", "key-exists")


def test_replacing_keeps_the_day_it_was_made(world: World) -> None:
    world.keychain.set(WORK, OLD)
    made = utc(world.clock())
    world.clock.advance(60)

    world.keychain.set(WORK, NEW, replace=True)

    assert world.backend.get(WORK).same_as(NEW)
    (entry,) = world.keychain.entries()
    assert (entry.created_at, entry.replaced_at) == (made, utc(world.clock()))
    assert world.recorded()[-1] == ("replace", "ok")


def test_replacing_what_is_not_there_stores_it(world: World) -> None:
    world.keychain.set(WORK, NEW, replace=True)

    assert world.backend.get(WORK).same_as(NEW)
    assert world.recorded() == [("set", "ok")]


def test_a_value_that_looks_wrong_is_refused_and_recorded(world: World) -> None:
    with pytest.raises(KeySuspicious):
        world.keychain.set(Address("openai"), OLD)
    assert world.recorded() == [("set", "key-suspicious")]
    assert world.keychain.entries() == []


def test_a_value_longer_than_the_backend_takes_is_refused_before_it_is_written(tmp_path: Path) -> None:
    world = World(tmp_path, max_length=40)

    with pytest.raises(InvalidSecret, match="longer than memory takes"):
        world.keychain.set(WORK, Secret("sk-ant-" + "a1" * 20))
    assert ("set", WORK) not in world.backend.calls


def test_a_store_that_cannot_be_read_is_not_written(world: World) -> None:
    world.backend.failure = KeychainLocked("locked")
    world.backend.failing = frozenset({"get"})

    with pytest.raises(KeychainLocked):
        world.keychain.set(WORK, OLD, replace=True)
    assert ("set", WORK) not in world.backend.calls
    assert world.ledger.entries() == []


def test_a_damaged_value_can_be_replaced_but_not_set(world: World) -> None:
    world.backend.failure = KeychainBroken("empty")
    world.backend.failing = frozenset({"get"})

    with pytest.raises(KeychainBroken):
        world.keychain.set(WORK, OLD)
    world.keychain.set(WORK, OLD, replace=True)
    assert world.recorded()[-1] == ("replace", "ok")


def test_a_write_that_fails_leaves_no_entry(world: World) -> None:
    world.backend.failure = KeychainBroken("full")
    world.backend.failing = frozenset({"set"})

    with pytest.raises(KeychainBroken):
        world.keychain.set(WORK, OLD)
    assert world.ledger.entries() == []


def test_a_crash_between_ledger_and_backend_leaves_an_entry_that_is_named_as_missing(world: World) -> None:
    world.ledger.put(Entry(WORK, backend="memory", created_at=utc(world.clock())))

    there = world.keychain.entries()

    assert there == []
    assert world.keychain.missing(there) == [WORK]


def test_a_key_made_with_another_tool_is_listed(world: World) -> None:
    world.backend.set(WORK, OLD)

    assert world.keychain.entries() == [Entry(WORK, backend="memory")]


def test_where_the_store_cannot_enumerate_the_ledgers_names_are_checked(tmp_path: Path) -> None:
    world = World(tmp_path, enumerates=False)
    world.keychain.set(WORK, OLD)
    world.keychain.set(Address("anthropic", "gone"), NEW)
    world.backend.remove(Address("anthropic", "gone"))

    assert [entry.address for entry in world.keychain.entries()] == [WORK]


def test_entries_are_sorted(world: World) -> None:
    for text in ("openai/b", "anthropic/z", "anthropic/a"):
        world.backend.set(Address.parse(text), OLD)

    assert [str(e.address) for e in world.keychain.entries()] == ["anthropic/a", "anthropic/z", "openai/b"]


def test_removing_takes_secret_and_entry_away(world: World) -> None:
    world.keychain.set(WORK, OLD)

    world.keychain.remove(WORK)

    assert world.backend.names() == []
    assert world.ledger.entries() == []
    assert world.recorded()[-1] == ("remove", "ok")


def test_removing_what_is_not_there_is_an_error_that_says_what_is(world: World) -> None:
    world.keychain.set(WORK, OLD)

    with pytest.raises(KeyNotFound, match="anthropic/home is not in the keychain") as raised:
        world.keychain.remove(Address("anthropic", "home"))
    assert raised.value.why == "you have: anthropic/work"
    assert raised.value.hint.startswith("ringlet keychain set anthropic home (make a key at https://")
    assert world.recorded()[-1] == ("remove", "key-not-found")


def test_removing_from_a_locked_keychain_forgets_nothing(world: World) -> None:
    world.keychain.set(WORK, OLD)
    world.backend.failure = KeychainLocked("locked")

    with pytest.raises(KeychainLocked):
        world.keychain.remove(WORK)
    assert world.ledger.entry(WORK) is not None


def test_every_change_has_a_generation_of_its_own(world: World, tmp_path: Path) -> None:
    seen = set()
    for change in (
        lambda: world.keychain.set(WORK, OLD),
        lambda: world.keychain.set(WORK, NEW, replace=True),
        lambda: world.keychain.remove(WORK),
    ):
        change()
        seen.add((tmp_path / "state" / "generation").read_text())

    assert len(seen) == 3


def test_the_value_never_reaches_an_error(world: World) -> None:
    world.keychain.set(WORK, OLD)
    with pytest.raises(KeyExists) as raised:
        world.keychain.set(WORK, NEW)

    assert not any(NEW.reveal() in str(part) for part in (raised.value.what, raised.value.why, raised.value.hint))
