from __future__ import annotations

import math

import pytest

from ringlet_py.cli import pools_shown as shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1s"),
        (59, "59s"),
        (60, "1m 0s"),
        (200, "3m 20s"),
        (7_500, "2h 5m"),
        (86_400, "1d 0h"),
        (360_000, "4d 4h"),
    ],
)
def test_a_wait_is_told_in_two_units(seconds: float, text: str) -> None:
    assert shown.how_long(seconds) == text


@pytest.mark.parametrize(("ready_at", "text"), [(0.0, "-"), (99.0, "-"), (130.0, "30s"), (math.inf, "never")])
def test_when_a_key_is_free(ready_at: float, text: str) -> None:
    assert shown.free_in(ready_at, 100.0) == text


@pytest.mark.parametrize("seconds", [0.0, math.inf])
def test_a_moment_that_never_comes_is_none(seconds: float) -> None:
    assert shown.moment(seconds) is None


def test_rows_stand_below_each_other() -> None:
    assert shown.aligned([("a", "bbb", "c"), ("aaa", "b", "")]) == ["a    bbb  c", "aaa  b"]
    assert shown.aligned([]) == []
