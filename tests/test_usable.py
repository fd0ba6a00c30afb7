from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.entry import Address, Entry, utc
from ringlet_py.errors import KeyExpired, KeyInactive
from ringlet_py.usable import has_expired, usable

NOW = 1_795_000_000_000  # milliseconds


def entry(**fields: Any) -> Entry:
    return Entry(Address("openai", "a"), backend="file", **fields)


def test_nothing_speaks_against_a_key_of_which_nothing_was_said() -> None:
    assert usable(entry(), NOW) is None


def test_an_inactive_key_is_refused_with_the_way_back() -> None:
    problem = usable(entry(active=False), NOW)

    assert isinstance(problem, KeyInactive)
    assert problem.what == "openai/a is inactive"
    assert problem.hint == "ringlet keychain edit openai a --active"
    assert (problem.exit_status, problem.http_status) == (13, 403)


def test_an_expired_key_is_refused_with_both_ways_on() -> None:
    problem = usable(entry(expires_at=utc(NOW / 1000)), NOW)

    assert isinstance(problem, KeyExpired)
    assert problem.what == "openai/a expired at 2026-11-18T11:06:40.000Z"
    assert problem.hint == (
        "ringlet keychain set openai a --replace, or give it a later date: ringlet keychain edit openai a --expires 30d"
    )


@pytest.mark.parametrize(("later", "expired"), [(-1000, True), (0, True), (1000, False)])
def test_it_expires_at_its_date_and_not_before(later: int, *, expired: bool) -> None:
    assert has_expired(entry(expires_at=utc((NOW + later) / 1000)), NOW) is expired


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_dates_are_compared_as_moments(date: int, now: int) -> None:
    assert has_expired(entry(expires_at=utc(date)), now * 1000) is (date <= now)
