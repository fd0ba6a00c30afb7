from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.file import FileBackend
from ringlet_py.entry import Address
from ringlet_py.errors import InvalidName, KeychainBroken, KeyExists, KeyNotFound, RingletError, UsageError
from ringlet_py.keychain.fingerprints import RESERVED
from tests.keychain_world import BOUND, HOME, NEW, OLD, WEBHOOK, WORK, World
from tests.killing import kill_at_every_step

if TYPE_CHECKING:
    from pathlib import Path

HOME_WEBHOOK = Address("anthropic", "home", "webhook")
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is for POSIX")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_renamed_key_has_everything_under_its_new_alias(world: World) -> None:
    world.keychain.set(WORK, OLD, fields={"label": "mine", "expires_at": "30d"}, bound={"webhook": BOUND})
    before = world.keychain.entry(WORK)

    world.keychain.rename(WORK, HOME)

    assert world.keychain.entries() == [before.changed(address=HOME)]
    assert world.backend.get(HOME).same_as(OLD)
    assert world.backend.get(HOME_WEBHOOK).same_as(BOUND)
    assert world.keychain.there() == {HOME, HOME_WEBHOOK}
    assert world.ledger.entry(WORK) is None
    record = world.records.kept[-1]
    assert (record["action"], record["address"], record["purpose"]) == ("rename", "anthropic/work", "to anthropic/home")


def test_meanwhile_the_key_is_there_under_both(world: World) -> None:
    world.keychain.set(WORK, OLD, bound={"webhook": BOUND})
    seen: list[set[Address]] = []

    world.keychain.rename(WORK, HOME, meanwhile=lambda: seen.append(world.keychain.there()))

    assert seen == [{WORK, WEBHOOK, HOME, HOME_WEBHOOK}]


def test_a_key_of_another_tool_is_renamed_too(world: World) -> None:
    world.backend.set(WORK, OLD)
    world.keychain.rename(WORK, HOME)

    assert world.keychain.there() == {HOME}


def test_a_taken_alias_is_refused_and_nothing_is_changed(world: World) -> None:
    world.keychain.set(WORK, OLD)
    world.keychain.set(HOME, NEW)

    with pytest.raises(KeyExists, match="anthropic/home is already in the keychain"):
        world.keychain.rename(WORK, HOME)

    assert world.backend.get(WORK).same_as(OLD)
    assert world.backend.get(HOME).same_as(NEW)


def test_a_taken_alias_of_the_same_value_is_refused_too(world: World) -> None:
    world.keychain.set(WORK, OLD, fields={"label": "one"})
    world.keychain.set(HOME, OLD, fields={"label": "two"}, force=True)

    with pytest.raises(KeyExists):
        world.keychain.rename(WORK, HOME)


def test_what_is_not_there_cannot_be_renamed(world: World) -> None:
    with pytest.raises(KeyNotFound):
        world.keychain.rename(WORK, HOME)
    assert world.recorded() == [("rename", "anthropic/work", "key-not-found")]


def test_ringlets_own_address_is_not_taken(world: World) -> None:
    world.backend.set(Address("ringlet", "x"), OLD)
    with pytest.raises(InvalidName):
        world.keychain.rename(Address("ringlet", "x"), RESERVED.key())


def test_the_same_alias_is_refused_and_loses_nothing(world: World) -> None:
    world.keychain.set(WORK, OLD)

    with pytest.raises(UsageError, match="has that alias already"):
        world.keychain.rename(WORK, WORK)

    assert world.backend.get(WORK).same_as(OLD)


@pytest.mark.parametrize("bound", [(WEBHOOK, HOME), (WORK, WEBHOOK)])
def test_a_bound_secret_is_no_key_to_rename(world: World, bound: tuple[Address, Address]) -> None:
    world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

    with pytest.raises((InvalidName, KeyNotFound)):
        world.keychain.rename(*bound)

    assert world.keychain.there() == {WORK, WEBHOOK}


def test_a_new_alias_that_cannot_be_stored_leaves_the_old_one_alone(world: World) -> None:
    world.keychain.set(WORK, OLD, bound={"webhook": BOUND})
    before = world.ledger.entries()
    world.memory.failure, world.memory.failing = KeychainBroken("full"), frozenset({"set"})

    with pytest.raises(KeychainBroken):
        world.keychain.rename(WORK, HOME)

    assert world.ledger.entries() == before
    assert world.keychain.there() == {WORK, WEBHOOK}


def test_a_profile_that_cannot_be_changed_leaves_both_and_the_next_try_finishes(world: World) -> None:
    world.keychain.set(WORK, OLD)

    def fail() -> None:
        raise KeychainBroken("the profile")

    with pytest.raises(KeychainBroken):
        world.keychain.rename(WORK, HOME, meanwhile=fail)
    assert world.keychain.there() == {WORK, HOME}
    assert [entry.address for entry in world.ledger.entries()] == [HOME, WORK]

    world.keychain.rename(WORK, HOME)

    assert world.keychain.there() == {HOME}
    assert [entry.address for entry in world.ledger.entries()] == [HOME]


@pytest.mark.slow
class TestKilled:
    """At every system call: what the ledger does not name is never there, and a second try gets through."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        return World(tmp_path, FileBackend(str(tmp_path / "credentials" / "credentials.toml")))

    def check(self, world: World) -> None:
        """The ledger is honest: whatever secret is there, it names."""
        named = {(entry.address, name) for entry in world.ledger.entries() for name in ("", *entry.secrets)}
        assert {(address.key(), address.field) for address in world.keychain.there()} <= named

    @posix
    def test_while_renaming_the_key_can_be_read_under_one_name_at_least(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "mine"}, bound={"webhook": BOUND})
        before = world.keychain.entry(WORK)

        def check() -> None:
            self.check(world)
            there = world.keychain.there()
            pairs = [(WORK, WEBHOOK), (HOME, HOME_WEBHOOK)]
            assert any({key, bound} <= there or key in there for key, bound in pairs)
            assert all(world.backend.get(address).same_as(BOUND if address.field else OLD) for address in there)
            again()
            world.keychain.rename(HOME, WORK)

        def again() -> None:
            try:
                world.keychain.rename(WORK, HOME)
            except KeyNotFound:
                assert world.keychain.there() == {HOME, HOME_WEBHOOK}
            assert world.keychain.entries() == [before.changed(address=HOME)]
            assert world.keychain.missing(world.keychain.entries()) == []

        assert kill_at_every_step(lambda: world.keychain.rename(WORK, HOME), check, stride=7) > 50
        assert world.keychain.entries() == [before.changed(address=HOME)]

    @posix
    def test_while_storing_a_key_with_a_bound_secret(self, world: World) -> None:
        def store() -> None:
            world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

        def check() -> None:
            self.check(world)
            there = world.keychain.there()
            assert WORK not in there or WEBHOOK in there
            for entry in world.ledger.entries():
                world.ledger.forget(entry.address)
            for address in world.backend.names() or []:
                world.backend.remove(address)

        assert kill_at_every_step(store, check) > 50
        assert world.keychain.there() == {WORK, WEBHOOK}

    @posix
    def test_while_removing_them(self, world: World) -> None:
        def check() -> None:
            self.check(world)
            there = world.keychain.there()
            assert WEBHOOK not in there or WORK in there
            world.keychain.set(WORK, OLD, replace=True, bound={"webhook": BOUND})

        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})
        assert kill_at_every_step(lambda: world.keychain.remove(WORK), check) > 30
        assert world.keychain.there() == set()

    @posix
    def test_while_replacing_a_key_no_entry_has_the_fingerprint_of_another_value(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.keychain.set(HOME, OLD, force=True)
        of_old = world.keychain.entry(HOME).fingerprint

        def check() -> None:
            self.check(world)
            holds_old = world.backend.get(WORK).same_as(OLD)
            assert holds_old or world.keychain.entry(WORK).fingerprint != of_old
            world.keychain.set(WORK, OLD, replace=True, force=True)

        assert kill_at_every_step(lambda: world.keychain.set(WORK, NEW, replace=True), check) > 30


def test_no_error_of_a_renaming_holds_a_value(world: World) -> None:
    world.keychain.set(WORK, OLD)
    world.keychain.set(HOME, NEW)
    with pytest.raises(RingletError) as raised:
        world.keychain.rename(WORK, HOME)

    assert OLD.reveal() not in f"{raised.value.what}{raised.value.why}{raised.value.hint}"
