from __future__ import annotations

import datetime as dt
import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ringlet_py.entry import FIELDS, MAX_NAME, Address, Entry, check_name, utc
from ringlet_py.errors import InvalidName

FIRST = string.ascii_letters + string.digits + "_"
OTHERS = FIRST + ".-"

names = st.builds(str.__add__, st.sampled_from(FIRST), st.text(st.sampled_from(OTHERS), max_size=MAX_NAME - 1))


@given(names)
def test_a_name_of_the_grammar_is_taken_as_it_is(name: str):
    assert check_name("alias", name) == name


@given(st.text(max_size=70))
def test_a_name_is_of_the_grammar_or_refused(name: str):
    good = 0 < len(name) <= MAX_NAME and set(name) <= set(OTHERS) and name[0] in FIRST

    if good:
        assert check_name("alias", name) == name
    else:
        with pytest.raises(InvalidName):
            check_name("alias", name)


@pytest.mark.parametrize(
    "name",
    ["", "-a", ".a", "..", "a/b", "a b", "a\n", "a\0", "ä", "а", "١", "a" * 65, "a\\b", "a:b", "*", "~"],  # noqa: RUF001
)
def test_a_name_outside_the_grammar_is_refused_for_provider_and_alias(name: str):
    with pytest.raises(InvalidName):
        Address(name, "work")
    with pytest.raises(InvalidName):
        Address("anthropic", name)


@given(st.text(max_size=10))
def test_a_refused_name_cannot_steer_the_terminal(name: str):
    assume(not set(name) <= set(OTHERS))
    with pytest.raises(InvalidName) as caught:
        check_name("alias", name)

    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


@given(names, names)
def test_an_address_is_parsed_from_what_it_is_written_as(provider: str, alias: str):
    address = Address(provider, alias)

    assert Address.parse(str(address)) == address
    assert hash(Address.parse(str(address))) == hash(address)
    assert (address.provider, address.alias) == (provider, alias)


@given(names, names, names)
def test_a_bound_secret_is_written_behind_its_key(provider: str, alias: str, field: str):
    address = Address(provider, alias, field)

    assert str(address) == f"{provider}/{alias}#{field}"
    assert Address.parse(str(address)) == address
    assert hash(Address.parse(str(address))) == hash(address)
    assert address.key() == Address(provider, alias) != address
    assert address.key() < address
    assert Address.parse(f"{provider}#{field}") == Address(provider, "default", field)


def test_each_address_says_how_it_is_stored():
    assert Address("a", "b").to_set() == "ringlet keychain set a b"
    assert Address("a", "b").to_set(replace=True) == "ringlet keychain set a b --replace"
    assert Address("a", "b", "c").to_set(replace=True) == "ringlet keychain edit a b --secret c"


@given(names)
def test_a_provider_alone_means_its_default_alias(provider: str):
    assert Address.parse(provider) == Address(provider) == Address(provider, "default")


@pytest.mark.parametrize(
    "text", ["", "/", "a/", "/b", "a/b/c", "a//b", "#", "a#", "a/b#", "a#b/c", "a/b#c#d", "#c", "a/#c"]
)
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(InvalidName):
        Address.parse(text)


@given(names, names, names, names)
def test_addresses_are_sorted_by_provider_and_then_alias(a: str, b: str, c: str, d: str):
    assert (Address(a, b) < Address(c, d)) == ((a, b) < (c, d))
    assert (Address(a, b) == Address(c, d)) == ((a, b) == (c, d))


def test_an_address_is_equal_to_no_text():
    assert Address("a", "b") != "a/b"


@pytest.mark.parametrize("field", ["address", "backend", *FIELDS])
def test_entries_that_differ_anywhere_are_different(field: str):
    def entry() -> Entry:
        return Entry(Address("a"), backend="file", created_at="1", replaced_at="2")

    other = entry()
    setattr(other, field, Address("b") if field == "address" else "else")

    assert entry() == entry()
    assert other != entry()


@pytest.mark.parametrize("field", ["address", "backend", *FIELDS])
def test_a_changed_entry_differs_in_that_field_alone(field: str):
    entry = Entry(Address("a"), backend="file")
    value: Any = Address("b") if field == "address" else "else"

    changed = entry.changed(**{field: value})

    assert getattr(changed, field) == value
    assert changed.changed(**{field: getattr(entry, field)}) == entry


def test_an_entry_has_no_other_fields():
    with pytest.raises(AttributeError):
        Entry(Address("a"), backend="file", lable="x")


@given(st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001
def test_utc_is_the_moment_to_the_millisecond(moment: dt.datetime):
    text = utc(moment.timestamp())

    assert len(text) == len("2026-11-22T21:40:05.123Z")
    assert abs(dt.datetime.fromisoformat(text) - moment) < dt.timedelta(milliseconds=1.001)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (59.9996, "1970-01-01T00:00:59.999Z"),
        (1_795_383_605.123, "2026-11-22T21:40:05.123Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
    ],
)
def test_utc_rounds_down_and_never_to_second_60(seconds: float, text: str):
    assert utc(seconds) == text
