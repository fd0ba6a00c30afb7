from __future__ import annotations

from typing import Any

import pytest

from ringlet_py import status
from ringlet_py.entry import Address, Entry, utc
from ringlet_py.testing import START

DAY = 86_400


def entry(name: str, **fields: Any) -> Entry:
    return Entry(Address.parse(name), backend="file", **fields)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, status.USABLE),
        ({"active": False}, status.INACTIVE),
        ({"expires_at": utc(START - 1)}, status.EXPIRED),
        ({"active": False, "expires_at": utc(START - 1)}, status.INACTIVE),
        ({"expires_at": utc(START + 1)}, status.USABLE),
    ],
)
def test_a_key_is_in_one_state(fields: dict[str, Any], state: str) -> None:
    assert status.state(entry("a/b", **fields), now=START) == state


def test_a_key_that_could_be_used_may_be_resting() -> None:
    resting = frozenset({Address("a", "b"), Address("a", "c")})

    assert status.state(entry("a/b"), now=START, resting=resting) == status.RESTING
    assert status.state(entry("a/c", active=False), now=START, resting=resting) == status.INACTIVE


def test_keys_are_counted_by_provider_source_login_and_batch() -> None:
    entries = [
        entry("openai/a", login="x", expires_at=utc(START + 3 * DAY)),
        entry("openai/b", login="x", expires_at=utc(START + 2 * DAY)),
        entry("openai/c", login="x", expires_at=utc(START - DAY)),
        entry("openai/d", login="x", active=False, expires_at=utc(START + DAY)),
        entry("openai/e", login="x"),
        entry("openai/f", login="y"),
        entry("anthropic/a", source="shop", batch="1"),
    ]

    found = status.groups(entries, now=START, resting=frozenset({Address("openai", "e")}))

    assert [(group.provider, group.source, group.login, group.batch) for group in found] == [
        ("anthropic", "shop", "", "1"),
        ("openai", "", "x", ""),
        ("openai", "", "y", ""),
    ]
    x = found[1]
    assert (x.total, x.active, x.expired, x.usable, x.resting) == (5, 4, 1, 2, 1)
    assert x.next_expiry == utc(START + 2 * DAY)
    assert found[2].next_expiry == ""


@pytest.mark.parametrize(("days", "warned"), [(-1, False), (0, False), (1, True), (14, True), (14.01, False)])
def test_a_warning_comes_in_the_last_14_days(days: float, *, warned: bool) -> None:
    one = entry("a/b", expires_at=utc(START + days * DAY))

    assert (status.expiring([one], now=START) == [one]) is warned


def test_there_is_none_for_keys_without_date_or_use() -> None:
    entries = [entry("a/b"), entry("a/c", active=False, expires_at=utc(START + DAY))]

    assert status.expiring(entries, now=START) == []
