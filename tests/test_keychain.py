from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address, Entry, utc
from ringlet_py.errors import (
    InvalidSecret,
    KeychainBroken,
    KeychainLocked,
    KeyExists,
    KeyNotFound,
    KeySuspicious,
)
from ringlet_py.secret import Secret
from tests.keychain_world import NEW, OLD, WORK, World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_stored_key_is_in_the_backend_the_ledger_and_the_audit(world: World) -> None:
    world.keychain.set(WORK, OLD)

    assert world.backend.get(WORK).same_as(OLD)
    (entry,) = world.keychain.entries()
    assert entry == Entry(WORK, backend="memory", created_at=utc(world.clock()), fingerprint=entry.fingerprint)
    assert world.outcomes() == [("set", "ok")]


def test_a_key_that_is_there_is_not_overwritten(world: World) -> None:
    world.keychain.set(WORK, OLD)

    with pytest.raises(KeyExists) as raised:
        world.keychain.set(WORK, NEW)
    assert raised.value.hint == "ringlet keychain set anthropic work --replace"
    assert world.backend.get(WORK).same_as(OLD)
    assert world.outcomes()[-1] == ("set", "key-exists")


def test_replacing_keeps_the_day_it_was_made(world: World) -> None:
    world.keychain.set(WORK, OLD)
    made = utc(world.clock())
    world.clock.advance(60)

    world.keychain.set(WORK, NEW, replace=True)

    assert world.backend.get(WORK).same_as(NEW)
    (entry,) = world.keychain.entries()
    assert (entry.created_at, entry.replaced_at) == (made, utc(world.clock()))
    assert world.outcomes()[-1] == ("replace", "ok")


def test_replacing_what_is_not_there_stores_it(world: World) -> None:
    world.keychain.set(WORK, NEW, replace=True)

    assert world.backend.get(WORK).same_as(NEW)
    assert world.outcomes() == [("set", "ok")]


def test_a_value_that_looks_wrong_is_refused_and_recorded(world: World) -> None:
    with pytest.raises(KeySuspicious):
        world.keychain.set(Address("openai"), OLD)
    assert world.outcomes() == [("set", "key-suspicious")]
    assert world.keychain.entries() == []


def test_a_value_longer_than_the_backend_takes_is_refused_before_it_is_written(tmp_path: Path) -> None:
    world = World(tmp_path, max_length=40)

    with pytest.raises(InvalidSecret, match="longer than memory takes"):
        world.keychain.set(WORK, Secret("sk-ant-" + "a1" * 20))
    assert ("set", WORK) not in world.memory.calls


def test_a_store_that_cannot_be_read_is_not_written(world: World) -> None:
    world.memory.failure = KeychainLocked("locked")
    world.memory.failing = frozenset({"get"})

    with pytest.raises(KeychainLocked):
        world.keychain.set(WORK, OLD, replace=True)
    assert ("set", WORK) not in world.memory.calls
    assert world.ledger.entries() == []


def test_a_damaged_value_can_be_replaced_but_not_set(world: World) -> None:
    world.memory.failure = KeychainBroken("empty")
    world.memory.failing = frozenset({"get"})

    with pytest.raises(KeychainBroken):
        world.keychain.set(WORK, OLD)
    world.keychain.set(WORK, OLD, replace=True)
    assert world.outcomes()[-1] == ("replace", "ok")


def test_a_write_that_fails_leaves_no_entry(world: World) -> None:
    world.memory.failure = KeychainBroken("full")
    world.memory.failing = frozenset({"set"})

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

    assert world.keychain.there() == set()
    assert world.ledger.entries() == []
    assert world.outcomes()[-1] == ("remove", "ok")


def test_removing_what_is_not_there_is_an_error_that_says_what_is(world: World) -> None:
    world.keychain.set(WORK, OLD)

    with pytest.raises(KeyNotFound, match="anthropic/home is not in the keychain") as raised:
        world.keychain.remove(Address("anthropic", "home"))
    assert raised.value.why == "you have: anthropic/work"
    assert raised.value.hint.startswith("ringlet keychain set anthropic home (make a key at https://")
    assert world.outcomes()[-1] == ("remove", "key-not-found")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("anthropic/key-05x", "did you mean anthropic/key-05?"),
        ("antropic/key-05", "did you mean anthropic/key-05?"),
        ("openai/nothing", "you have 11 others"),
    ],
)
def test_of_many_keys_the_nearest_is_named(world: World, wanted: str, why: str) -> None:
    for number in range(11):
        world.backend.set(Address("anthropic", f"key-{number:02}"), OLD)

    assert world.keychain.not_found(Address.parse(wanted)).why == why


@pytest.mark.parametrize(
    ("stored", "wanted", "why", "hint"),
    [
        ("openai/default", "openia", "did you mean openai/default?", "use openai/default; "),
        ("anthropic/work", "antropic", "did you mean anthropic/work?", "use anthropic/work; "),
        ("anthropic/work", "antropic/work", "did you mean anthropic/work?", "use anthropic/work; "),
        ("", "antropic/w", "did you mean anthropic/w? there are no keys yet", "ringlet keychain set anthropic w ("),
        ("acme/one", "mistrall", "did you mean mistral/default? you have: acme/one", "ringlet keychain set mistral"),
        ("openia/a", "openia/z", "you have: openia/a", "ringlet keychain set openia z"),
        ("", "acme", "there are no keys yet", "ringlet keychain set acme default"),
    ],
)
def test_no_hint_stores_a_key_under_a_slip(world: World, stored: str, wanted: str, why: str, hint: str) -> None:
    if stored:
        world.backend.set(Address.parse(stored), OLD)
    error = world.keychain.not_found(Address.parse(wanted))

    assert error.why == why
    assert error.hint.startswith(hint)


def test_removing_from_a_locked_keychain_forgets_nothing(world: World) -> None:
    world.keychain.set(WORK, OLD)
    world.memory.failure = KeychainLocked("locked")

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
