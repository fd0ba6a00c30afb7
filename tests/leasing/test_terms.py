from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.document import Source
from ringlet_py.entry import utc
from ringlet_py.errors import LeaseEnded, ProfileInvalid, UsageError
from ringlet_py.leasing.shown import shown
from ringlet_py.leasing.terms import RUNNING, check_running, seconds_of, state_of, until
from ringlet_py.ledger.tokens import StoredLease
from ringlet_py.profile.lengths import LONGEST, SHORTEST, lease_length
from ringlet_py.profile.profile import read_profile

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("90s", 90), ("8h", 28800), ("1h30m", 5400), ("30d", LONGEST), ("4w2d", LONGEST)]
)
def test_lengths_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == lease_length(text) == seconds


@pytest.mark.parametrize(
    "given",
    [
        "",
        "8",
        "h",
        "8 h",
        "8H",
        "-1h",
        "1.5h",
        "0s",
        "31d",
        "٣h",
        "8h\n",
        "1s" * 51,
        "9" * 10 + "s",
        0.5,
        math.nan,
        math.inf,
    ],
)
def test_what_is_no_length(given: float | str) -> None:
    assert lease_length(given) is None
    with pytest.raises(UsageError, match="cannot run"):
        seconds_of(given)


def test_a_word_as_long_as_a_key_is_not_repeated() -> None:
    with pytest.raises(UsageError) as problem:
        seconds_of("sk-ant-api03-0123456789abcdef")
    assert "sk-ant" not in str(problem.value)


@given(st.lists(st.tuples(st.integers(0, 10**9 - 1), st.sampled_from(sorted(UNITS))), min_size=1, max_size=6))
def test_a_length_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    seconds = sum(number * UNITS[unit] for number, unit in parts)
    expected = seconds if SHORTEST <= seconds <= LONGEST else None
    assert lease_length("".join(f"{number}{unit}" for number, unit in parts)) == expected


@given(st.floats(SHORTEST, LONGEST), st.lists(st.integers(0, round(NOW * 2000)), max_size=3))
def test_a_lease_ends_with_what_ends_first(ttl: float, ends: list[int]) -> None:
    last = min([int((NOW + ttl) * 1000), *(end for end in ends if end)])
    if last > NOW * 1000:
        assert until(ttl, *ends, now=NOW) == last
        return
    with pytest.raises(LeaseEnded):
        until(ttl, *ends, now=NOW)


@given(st.integers(0, 10**6), st.sampled_from(["", "released", "revoked"]))
def test_a_lease_runs_until_its_last_millisecond(left: int, ended: str) -> None:
    end = round(NOW * 1000) + left
    lease = StoredLease(id="1", address="openai/a", expires_at=end, ended=ended, ended_at=1)
    runs = not ended and left > 0
    assert (state_of(lease, NOW) == RUNNING) is runs
    if not runs:
        with pytest.raises(LeaseEnded):
            check_running(lease, NOW)


@given(st.integers(1, 4 * 10**12))
def test_moments_are_shown_to_the_millisecond(moment: int) -> None:
    lease = StoredLease(id="1", address="openai/a", created_at=moment, expires_at=moment)
    told = shown(lease, now=0.0)
    assert told["created_at"] == told["expires_at"]
    assert re.fullmatch(rf".*\.{moment % 1000:03}Z", told["created_at"] or "")
    assert (told["created_at"] or "")[:19] == utc(moment // 1000)[:19]


def profile(lease: str) -> str:
    text = f'{lease}\nagent = "claude"\nprovider = "anthropic"\n'
    return read_profile("work", Source(path="ringlet.toml", text=text, error=ProfileInvalid)).lease


def test_a_profile_says_for_how_long_it_is_granted_its_keys() -> None:
    assert profile('lease = "8h"') == "8h"
    assert profile("") == ""


@pytest.mark.parametrize("given", ['lease = "soon"', 'lease = "31d"', "lease = 8", 'lease = "0s"'])
def test_what_cannot_be_a_profiles_lease_is_said_with_its_line(given: str) -> None:
    with pytest.raises(ProfileInvalid, match=r"ringlet.toml, line 1: .*'lease'"):
        profile(given)
