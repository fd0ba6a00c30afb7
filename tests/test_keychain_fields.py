"""What is known about keys beyond their values: fields, fingerprints, bound secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address, Entry, utc
from ringlet_py.errors import (
    InvalidField,
    InvalidName,
    InvalidSecret,
    KeychainBroken,
    KeychainLocked,
    KeyDuplicate,
    KeyNotFound,
    UsageError,
)
from ringlet_py.keychain.fingerprints import RESERVED
from ringlet_py.secret import Secret
from tests.encodings import encodings
from tests.keychain_world import BOUND, HOME, NEW, OLD, WEBHOOK, WORK, World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def the(world: World, address: Address = WORK) -> Entry:
    return world.keychain.entry(address)


class TestFields:
    def test_are_stored_with_the_key(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "for images", "org": "acme", "weight": "2.5", "active": False})

        entry = the(world)
        assert (entry.label, entry.org, entry.weight, entry.active) == ("for images", "acme", 2.5, False)

    def test_that_are_wrong_store_nothing(self, world: World) -> None:
        with pytest.raises(InvalidField):
            world.keychain.set(WORK, OLD, fields={"owner": "nobody"})

        assert world.keychain.there() == set()
        assert world.recorded() == [("set", "anthropic/work", "invalid-field")]

    def test_stay_when_the_key_is_replaced_but_for_its_date(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "mine", "expires_at": "30d"})
        world.keychain.set(WORK, NEW, replace=True)

        assert (the(world).label, the(world).expires_at) == ("mine", "")

    def test_that_are_given_with_a_replacement_are_changed(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "mine", "org": "acme"})
        world.keychain.set(WORK, NEW, replace=True, fields={"label": "ours", "expires_at": "1d"})

        entry = the(world)
        assert (entry.label, entry.org) == ("ours", "acme")
        assert entry.expires_at == utc(world.clock() + 86400)

    def test_are_edited_without_reading_a_key(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "old"})
        world.memory.calls.clear()

        ((before, after),) = world.keychain.edit([WORK], {"label": "new", "tier": "gold"})

        assert (before.label, after.label, after.tier) == ("old", "new", "gold")
        assert the(world) == after
        assert not [verb for verb, _ in world.memory.calls if verb in ("get", "set", "remove")]

    def test_an_edit_records_which_fields_and_not_what_they_say(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.keychain.edit([WORK], {"label": "private matter", "expires_at": "30d"})

        record = world.records.kept[-1]
        assert (record["action"], record["outcome"], record["purpose"]) == ("edit", "ok", "fields: label, expires")
        assert "private" not in str(record)

    def test_an_edit_that_changes_nothing_records_nothing(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "x"})
        world.keychain.edit([WORK], {"label": "x"})

        assert [action for action, _, _ in world.recorded()] == ["set"]

    def test_several_keys_are_edited_all_or_none(self, world: World) -> None:
        world.keychain.set(WORK, OLD)

        with pytest.raises(KeyNotFound):
            world.keychain.edit([WORK, HOME], {"label": "x"})

        assert the(world).label == ""
        assert world.recorded()[1:] == [
            ("edit", "anthropic/work", "key-not-found"),
            ("edit", "anthropic/home", "key-not-found"),
        ]

    def test_a_key_of_another_tool_can_be_described(self, world: World) -> None:
        world.backend.set(WORK, OLD)
        world.keychain.edit([WORK], {"org": "acme"})

        assert world.ledger.entry(WORK) == Entry(WORK, backend="memory", org="acme")

    def test_a_new_key_where_one_was_lost_keeps_what_was_said(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "mine"})
        world.backend.remove(WORK)
        world.clock.advance(60)
        world.keychain.set(WORK, NEW)

        assert (the(world).label, the(world).created_at) == ("mine", utc(world.clock()))


class TestFingerprints:
    def test_a_value_stored_under_another_address_is_refused(self, world: World) -> None:
        world.keychain.set(WORK, OLD)

        with pytest.raises(KeyDuplicate, match="for anthropic/home is already stored as anthropic/work"):
            world.keychain.set(HOME, OLD)

        assert world.keychain.there() == {WORK}
        assert world.recorded()[-1] == ("set", "anthropic/home", "key-duplicate")

    def test_and_stored_with_force(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.keychain.set(HOME, OLD, force=True)

        assert world.keychain.there() == {WORK, HOME}

    def test_no_other_key_is_read_for_it(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.memory.calls.clear()
        world.keychain.set(HOME, NEW)

        assert ("get", WORK) not in world.memory.calls

    def test_a_key_is_replaced_with_its_own_value(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.keychain.set(WORK, OLD, replace=True)

    def test_the_value_of_a_key_that_is_gone_is_free(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.backend.remove(WORK)

        world.keychain.set(HOME, OLD)

    def test_a_replaced_value_is_free(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.keychain.set(WORK, NEW, replace=True)

        world.keychain.set(HOME, OLD)

    def test_the_ledger_has_no_more_of_a_value_than_its_fingerprint(self, world: World, tmp_path: Path) -> None:
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

        held = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
        forms = [form for secret in (OLD, BOUND) for form in encodings(secret.reveal())]
        assert not [form for form in forms if form in held]
        assert len(the(world).fingerprint) == 32

    def test_two_keychains_have_different_fingerprints(self, world: World, tmp_path: Path) -> None:
        other = World(tmp_path / "other")
        world.keychain.set(WORK, OLD)
        other.keychain.set(WORK, OLD)

        assert the(world).fingerprint != the(other).fingerprint

    def test_their_key_is_in_no_list_and_not_for_anybody_else(self, world: World) -> None:
        world.keychain.set(WORK, OLD)

        assert RESERVED in (world.backend.names() or [])
        assert [entry.address for entry in world.keychain.entries()] == [WORK]
        assert "fingerprints" not in world.keychain.not_found(HOME).why
        with pytest.raises(InvalidName, match="own"):
            world.keychain.set(RESERVED.key(), NEW)

    def test_a_damaged_key_of_theirs_is_made_anew(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        before = the(world).fingerprint
        world.backend.remove(RESERVED)
        world.keychain.set(WORK, OLD, replace=True)

        assert the(world).fingerprint not in ("", before)

    def test_a_replacement_that_fails_keeps_the_old_one(self, world: World) -> None:
        world.keychain.set(WORK, OLD, fields={"label": "x"})
        before = the(world)
        world.memory.failure, world.memory.failing = KeychainBroken("full"), frozenset({"set"})

        with pytest.raises(KeychainBroken):
            world.keychain.set(WORK, NEW, replace=True, fields={"label": "y"})

        assert world.ledger.entry(WORK) == before


class TestBoundSecrets:
    def test_are_stored_with_the_key_and_named_in_its_entry(self, world: World) -> None:
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

        assert the(world).secrets == ("webhook",)
        assert world.backend.get(WEBHOOK).same_as(BOUND)
        assert world.recorded() == [("set", "anthropic/work#webhook", "ok"), ("set", "anthropic/work", "ok")]

    def test_are_no_keys_of_their_own(self, world: World) -> None:
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

        assert [entry.address for entry in world.keychain.entries()] == [WORK]

    def test_are_removed_before_their_key(self, world: World) -> None:
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND, "other": NEW})
        world.memory.calls.clear()
        world.keychain.remove(WORK)

        removed = [str(address) for verb, address in world.memory.calls if verb == "remove"]
        assert removed == ["anthropic/work#other", "anthropic/work#webhook", "anthropic/work"]
        assert world.keychain.there() == set()
        assert world.ledger.entries() == []

    def test_are_added_replaced_and_dropped_by_an_edit(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.keychain.edit([WORK], {}, bound={"webhook": BOUND})
        assert the(world).secrets == ("webhook",)

        world.keychain.edit([WORK], {}, bound={"webhook": NEW})
        assert world.backend.get(WEBHOOK).same_as(NEW)

        world.keychain.edit([WORK], {}, drop=["webhook"])
        assert the(world).secrets == ()
        assert world.keychain.there() == {WORK}
        assert [(action, address) for action, address, _ in world.recorded()[1:] if action != "edit"] == [
            ("set", "anthropic/work#webhook"),
            ("replace", "anthropic/work#webhook"),
            ("remove", "anthropic/work#webhook"),
        ]

    def test_one_that_is_not_there_cannot_be_dropped_and_nothing_else_is_changed(self, world: World) -> None:
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

        with pytest.raises(KeyNotFound) as raised:
            world.keychain.edit([WORK], {"label": "x"}, drop=["webhok"])

        assert raised.value.why == "did you mean 'webhook'?"
        assert the(world).label == ""

    def test_one_that_cannot_be_stored_changes_nothing(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        before = the(world)
        world.memory.failure, world.memory.failing = KeychainLocked("locked"), frozenset({"set"})

        with pytest.raises(KeychainLocked):
            world.keychain.edit([WORK], {"label": "x"}, bound={"webhook": BOUND})

        assert world.ledger.entry(WORK) == before

    def test_are_not_stored_or_described_as_keys(self, world: World) -> None:
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

        with pytest.raises(InvalidName, match="a bound secret's address"):
            world.keychain.set(WEBHOOK, NEW, replace=True)
        with pytest.raises(InvalidName, match="a bound secret's address"):
            world.keychain.edit([WEBHOOK], {"label": "x"})

    def test_belong_to_one_key_at_a_time(self, world: World) -> None:
        with pytest.raises(UsageError, match="one key at a time"):
            world.keychain.edit([WORK, HOME], {}, bound={"webhook": BOUND})

    def test_one_longer_than_the_backend_takes_is_refused_before_anything_is_written(self, tmp_path: Path) -> None:
        world = World(tmp_path, max_length=100)
        with pytest.raises(InvalidSecret):
            world.keychain.set(WORK, OLD, bound={"webhook": Secret("x" * 101)})

        assert world.memory.calls == []

    def test_that_another_tool_stored_are_found_and_go_with_their_key(self, world: World) -> None:
        world.keychain.set(WORK, OLD)
        world.backend.set(WEBHOOK, BOUND)
        assert the(world).secrets == ("webhook",)

        world.keychain.remove(WORK)

        assert world.keychain.there() == set()

    def test_whose_key_is_gone_are_named_and_can_be_removed(self, world: World) -> None:
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})
        world.backend.remove(WORK)
        assert world.keychain.strays(world.keychain.entries()) == [WEBHOOK]

        world.keychain.remove(WORK)

        assert world.keychain.there() == set()

    def test_where_the_store_cannot_enumerate_the_ledger_says_which_there_are(self, tmp_path: Path) -> None:
        world = World(tmp_path, enumerates=False)
        world.keychain.set(WORK, OLD, bound={"webhook": BOUND})

        assert world.keychain.there() == {WORK, WEBHOOK}
        assert the(world).secrets == ("webhook",)


def test_a_tier_is_one_that_there_is(world: World) -> None:
    world.keychain.set(WORK, OLD, fields={"tier": "gold"})
    world.keychain.edit([WORK], {"tier": "silver", "org": "acme"})
    world.keychain.edit([WORK], {"tier": ""})

    assert world.tiers == ["gold", "silver"]
