"""What every ledger engine must do; a test class inherits it and gives `ledger`, empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.entry import FIELDS, Address, Entry

if TYPE_CHECKING:
    from ringlet_py.ledger import Ledger

WORK = Address("anthropic", "work")


def entry(provider: str = "anthropic", alias: str = "work", **fields: Any) -> Entry:
    return Entry(Address(provider, alias), backend="file", **fields)


def full_entry(**fields: Any) -> Entry:
    """An entry whose every field says something."""
    texts = {name: f"the {name}" for name, value in FIELDS.items() if isinstance(value, str)}
    numbers = {"active": False, "weight": 2.5, "secrets": ("webhook", "signing-key")}
    return Entry(WORK, backend="file", **{**texts, **numbers, **fields})


class LedgerContract:
    def test_is_empty_at_first(self, ledger: Ledger):
        assert ledger.entries() == []
        assert ledger.entry(WORK) is None

    def test_gives_back_what_was_put(self, ledger: Ledger):
        put = Entry(WORK, backend="system", created_at="2026-11-22T21:40:05.123Z", replaced_at="later")
        ledger.put(put)

        assert ledger.entry(WORK) == put
        assert ledger.entries() == [put]

    def test_gives_back_every_field(self, ledger: Ledger):
        ledger.put(full_entry())

        assert ledger.entry(WORK) == full_entry()
        assert ledger.entries() == [full_entry()]

    @pytest.mark.parametrize("text", ["", " two  blanks ", "ä→\U0001f600", "'; DROP TABLE entries; --", "x" * 200])
    def test_a_text_comes_back_as_it_was(self, ledger: Ledger, text: str):
        ledger.put(full_entry(label=text))

        assert ledger.entry(WORK) == full_entry(label=text)

    def test_several_are_put_at_once_or_none(self, ledger: Ledger):
        ledger.put(entry("a"), entry("b"))
        broken = entry("d")
        broken.label = object()  # type: ignore[assignment]

        with pytest.raises(Exception):  # noqa: B017 - each engine refuses it in its own words
            ledger.put(entry("c"), broken)

        assert ledger.entries() == [entry("a"), entry("b")]

    def test_same_gives_the_entries_of_that_fingerprint(self, ledger: Ledger):
        ledger.put(entry("b", fingerprint="1f"), entry("a", fingerprint="1f"), entry("c", fingerprint="2f"), entry("d"))

        assert ledger.same("1f") == [entry("a", fingerprint="1f"), entry("b", fingerprint="1f")]
        assert ledger.same("3f") == []

    def test_entries_without_a_fingerprint_are_not_the_same(self, ledger: Ledger):
        ledger.put(entry("a"), entry("b"))

        assert ledger.same("") == []

    def test_unknown_dates_stay_unknown(self, ledger: Ledger):
        ledger.put(entry())

        assert ledger.entry(WORK) == entry()

    def test_putting_again_replaces_the_whole_entry(self, ledger: Ledger):
        ledger.put(entry(created_at="1", replaced_at="2"))
        ledger.put(Entry(WORK, backend="system", created_at="3"))

        assert ledger.entries() == [Entry(WORK, backend="system", created_at="3")]

    def test_forgets_that_one_only(self, ledger: Ledger):
        for address in (("a", "x"), ("a", "y"), ("b", "x")):
            ledger.put(entry(*address))
        ledger.forget(Address("a", "x"))

        assert ledger.entries() == [entry("a", "y"), entry("b", "x")]
        assert ledger.entry(Address("a", "x")) is None

    def test_forgetting_what_is_not_there_is_no_error(self, ledger: Ledger):
        ledger.forget(WORK)
        ledger.put(entry("openai"))
        ledger.forget(WORK)

        assert ledger.entries() == [entry("openai")]

    def test_entries_are_sorted_as_addresses_are(self, ledger: Ledger):
        addresses = [Address(p, a) for p in ("b", "a", "B", "a.b", "a-b", "a_") for a in ("z", "1", "Z", "a")]
        for address in addresses:
            ledger.put(Entry(address, backend="file"))

        assert [found.address for found in ledger.entries()] == sorted(addresses)

    def test_names_differ_by_case(self, ledger: Ledger):
        ledger.put(entry("a", "x", created_at="small"))
        ledger.put(entry("A", "x", created_at="large"))

        found = ledger.entry(Address("a", "x"))
        assert found is not None
        assert found.created_at == "small"

    @pytest.mark.parametrize("name", ["a" * 64, "1.0", "_", "a.b-c_d"])
    def test_takes_every_name(self, ledger: Ledger, name: str):
        ledger.put(entry(name, name))

        assert ledger.entry(Address(name, name)) == entry(name, name)
