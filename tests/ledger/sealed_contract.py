"""What every engine that keeps sealed values must do; a test class inherits it and gives `values`, empty."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ringlet_py.ledger.sealed import SealedValue, WrappedKey

if TYPE_CHECKING:
    from ringlet_py.ledger.sealed import SealedValues

WORK = "anthropic/work"


def value(address: str = WORK, key_id: str = "k1", ciphertext: bytes = b"\x00\xffsealed") -> SealedValue:
    return SealedValue(address=address, scheme="s1", key_id=key_id, nonce=b"n" * 12, ciphertext=ciphertext)


def key(name: str = "k1", master: str = "file") -> WrappedKey:
    return WrappedKey(
        id=name, store="st", scheme="s1", master=master, slot="a", salt=b"", nonce=b"n" * 12, ciphertext=b"w"
    )


class SealedValuesContract:
    @pytest.fixture
    def one(self, values: SealedValues) -> SealedValues:
        """The values with one data key."""
        assert values.add_key(key(), after=None)
        return values

    def test_it_is_empty_at_first(self, values: SealedValues):
        assert values.value(WORK) is None
        assert values.addresses() == []
        assert values.keys() == []
        assert values.counts() == {}
        assert not values.remove(WORK)

    def test_what_was_put_comes_back(self, one: SealedValues):
        assert one.put(value())

        assert one.value(WORK) == value()
        assert one.keys() == [key()]

    def test_putting_again_replaces(self, one: SealedValues):
        one.put(value())
        one.put(value(ciphertext=b"2"))

        assert one.value(WORK) == value(ciphertext=b"2")
        assert one.addresses() == [WORK]

    def test_nothing_is_put_without_a_data_key(self, values: SealedValues):
        assert not values.put(value())

        assert values.value(WORK) is None

    def test_nothing_is_put_under_a_key_that_is_not_the_current_one(self, one: SealedValues):
        one.put(value())
        one.add_key(key("k2"), after=key())

        assert not one.put(value(ciphertext=b"late"))
        assert one.value(WORK) == value()

    def test_remove_takes_one(self, one: SealedValues):
        one.put(value())
        one.put(value("b/b"))

        assert one.remove(WORK)
        assert not one.remove(WORK)
        assert one.addresses() == ["b/b"]

    def test_addresses_are_sorted_and_differ_by_case(self, one: SealedValues):
        for name in ("b/b", "B/b", "a/b#c", "a/b"):
            one.put(value(name))

        assert one.addresses() == ["B/b", "a/b", "a/b#c", "b/b"]

    def test_swap_replaces_only_what_is_as_it_was(self, one: SealedValues):
        one.put(value())
        one.add_key(key("k2"), after=key())
        new = value(key_id="k2")

        assert not one.swap(value(ciphertext=b"another"), new)
        assert one.swap(value(), new)
        assert not one.swap(value(), new)
        assert one.value(WORK) == new

    def test_swap_does_not_bring_a_removed_value_back(self, one: SealedValues):
        one.put(value())
        one.remove(WORK)

        assert not one.swap(value(), value(ciphertext=b"2"))
        assert one.value(WORK) is None

    def test_swap_does_not_go_back_to_an_old_key(self, one: SealedValues):
        one.put(value())
        one.add_key(key("k2"), after=key())

        assert not one.swap(value(), value(ciphertext=b"2"))

    def test_what_is_under_which_key_is_told(self, one: SealedValues):
        one.put(value("b/b"))
        one.put(value("a/a"))
        one.add_key(key("k2"), after=key())
        one.put(value("c/c", "k2"))

        assert one.counts() == {"k1": 2, "k2": 1}
        assert one.not_under("k2") == ["a/a", "b/b"]

    def test_the_newest_key_comes_last(self, one: SealedValues):
        one.add_key(key("a0"), after=key())

        assert one.keys() == [key(), key("a0")]

    @pytest.mark.parametrize("after", [None, key("k0"), key(master="env")])
    def test_a_key_is_added_only_after_the_current_one(self, one: SealedValues, after: WrappedKey | None):
        assert not one.add_key(key("k2"), after=after)

        assert one.keys() == [key()]

    def test_there_is_no_first_key_where_there_are_values(self, one: SealedValues):
        one.put(value())
        self.lose_keys(one)

        assert not one.add_key(key("k2"), after=None)
        assert one.keys() == []

    def test_keys_are_rewrapped_together(self, one: SealedValues):
        one.add_key(key("k2"), after=key())
        changes = [(old, replace(old, master="env", ciphertext=b"x")) for old in (key(), key("k2"))]

        assert one.rewrap(changes)
        assert one.keys() == [new for _, new in changes]

    def test_nothing_is_rewrapped_if_one_key_is_not_as_it_was(self, one: SealedValues):
        one.add_key(key("k2"), after=key())
        stale = [(key(), key(master="env")), (key("k2", master="system"), key("k2", master="env"))]

        assert not one.rewrap(stale)
        assert not one.rewrap(stale[:1])
        assert one.keys() == [key(), key("k2")]

    def test_a_key_is_dropped_when_nothing_needs_it(self, one: SealedValues):
        one.put(value())
        assert not one.drop_key("k1")
        one.add_key(key("k2"), after=key())
        assert not one.drop_key("k1")
        one.remove(WORK)

        assert one.drop_key("k1")
        assert not one.drop_key("k1")
        assert not one.drop_key("k2")
        assert one.keys() == [key("k2")]

    def lose_keys(self, values: SealedValues) -> None:
        """Damages the store: its data keys are gone."""
        raise NotImplementedError
