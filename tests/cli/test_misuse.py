from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.cli.misuse import AFTER_DASHES, NO_KEYS, WRITE_ONLY
from ringlet_py.cli.waiting import seconds
from ringlet_py.errors import UsageError
from tests.end_to_end.program import store_key

if TYPE_CHECKING:
    from tests.end_to_end.program import Home


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("keychain", "show", "openai"), WRITE_ONLY),
        (("tokens", "show", "ci"), ""),
        (("keychain", "set", "openai", "a", "b"), NO_KEYS),
        (("run", "work", "-p"), ""),
        (("run", "work", "hello"), AFTER_DASHES),
        (("profiles", "run", "work", "hello"), AFTER_DASHES),
        (("pools", "claim", "openai", "true"), AFTER_DASHES),
        (("pools", "delete", "a", "b"), ""),
        (("leases", "renew", "a", "b", "--ttl", "1h"), ""),
    ],
)
def test_why_a_word_is_wrong_is_said_where_it_fits(home: Home, words: tuple[str, ...], why: str) -> None:
    shown = home.here(*words).err
    assert [line for line in shown.splitlines() if "why:" in line] == [f"ringlet: why: {why}"] * bool(why)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("keychain", "set", "--label"), "ringlet keychain set"),
        (("leases", "renew", "--ttl"), "ringlet leases renew"),
        (("leases", "renew"), "ringlet leases renew"),
        (("run", "--purpose"), "ringlet run"),
    ],
)
def test_a_missing_value_names_the_help_of_its_own_command(home: Home, words: tuple[str, ...], command: str) -> None:
    assert f"hint: {command} --help\n" in home.here(*words).err


def test_a_command_without_dashes_before_it_is_told_with_them(home: Home) -> None:
    store_key(home)
    home.here("pools", "create", "images", "--provider", "anthropic")
    shown = home.here("pools", "claim", "--pool", "images", "stub-agent").err
    assert "hint: ringlet pools claim --pool images -- stub-agent\n" in shown
    shown = home.here("pools", "claim", "--pool", "images", "anthropic").err
    assert "hint: ringlet pools claim --pool images -- COMMAND [ARGS]\n" in shown


@pytest.mark.parametrize(("given", "found"), [("30", 30), ("1.5", 1.5), ("30s", 30), ("5m", 300), (0.5, 0.5)])
def test_times_to_wait_are_plain_seconds_or_lengths(given: str | float, found: float) -> None:
    assert seconds(given) == found


@pytest.mark.parametrize("given", ["", "soon", "5 m", "m", "x" * 100])
def test_what_is_no_time_is_told_and_nothing_long_is_repeated(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        seconds(given)
    assert "x" * 70 not in str(caught.value)


@pytest.mark.parametrize("given", ["30", "30s"])
def test_a_report_takes_either(home: Home, given: str) -> None:
    store_key(home)
    done = home.here("pools", "report", "anthropic", "default", "rate-limited", "--retry-after", given)
    assert (done.status, "resting until" in done.err) == (0, True)


def test_a_question_that_nobody_can_answer_is_told_in_good_english(home: Home) -> None:
    home.here("pools", "create", "IM", "--provider", "anthropic")
    assert "error: deleting the pool IM needs a yes\n" in home.here("pools", "delete", "IM").err
