from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from ringlet_py.daemon.keypooler_shapes import (
    check_moment,
    features_of,
    id_of,
    max_uses,
    moment,
    numbers_in,
    rates_of,
    scope_with,
    seconds_of,
    tiers_in,
    usage_limit,
)
from ringlet_py.daemon.users import address_of
from ringlet_py.entry import utc
from ringlet_py.errors import UsageError
from ringlet_py.limits import Rate, Tier
from ringlet_py.scope import Scope

NAMES = some.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,10}", fullmatch=True)
AMOUNTS = some.integers(1, 10**9)
WINDOWS = some.integers(1, 10 * 365 * 86400)
LIMITS = AMOUNTS | some.fixed_dictionaries({"rate_limit": AMOUNTS, "window_seconds": WINDOWS})
TIERS = some.lists(NAMES, max_size=5, unique=True).map(sorted)


@pytest.mark.slow
@given(some.dictionaries(NAMES, LIMITS, min_size=1))
def test_features_are_shown_as_they_were_given(features: dict[str, object]):
    tier = Tier.parse("pro", rates_of(features))

    assert features_of(tier.rates, numbers_in(features)) == features


@given(AMOUNTS)
def test_a_number_is_so_many_in_sixty_seconds(amount: int):
    (text,) = rates_of({"image": amount})["image"]

    assert Rate.parse(text) == Rate(amount=amount, window=60_000)


@given(AMOUNTS, some.none() | WINDOWS)
def test_a_usage_limit_is_shown_as_it_was_given(amount: int, window: int | None):
    assert usage_limit(str(Rate.parse(max_uses(amount, window)))) == (amount, window)


@given(some.none() | some.integers(max_value=0))
def test_without_a_limit_there_is_none(window: int | None):
    assert max_uses(None, window) == ""
    assert usage_limit("") == (None, None)


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        ("4/minute", 60),
        ("1/1.5s", 1.5),
        ("7/day@UTC", 86400),
        ("7/week@UTC", 604800),
        ("7/month@UTC", 2678400),
        ("3", 0),
    ],
)
def test_every_rate_has_a_window_in_seconds(rate: str, seconds: float):
    assert seconds_of(Rate.parse(rate)) == seconds


@given(some.floats(0, 4_000_000_000))
def test_a_moment_is_shown_in_whole_seconds_and_never_later(seconds: float):
    shown = moment(utc(seconds))

    assert shown == utc(int(seconds))[:19] + "Z"
    assert check_moment("at", shown) == shown


@pytest.mark.parametrize("text", ["30d", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01 00:00:00Z", "\u0661", "Z"])
def test_what_is_no_moment_is_refused(text: str):
    with pytest.raises(UsageError, match="RFC3339"):
        check_moment("expires_at", text)


@pytest.mark.slow
@given(some.sampled_from(["", "provider=openai", "provider=a host=b agent=c"]), TIERS, TIERS)
def test_the_tiers_of_a_scope_are_those_it_was_given_last(rest: str, before: list[str], after: list[str]):
    scope = Scope.parse(scope_with(Scope.parse(rest), before))
    again = Scope.parse(scope_with(scope, after))

    assert (tiers_in(scope), tiers_in(again)) == (before, after)
    assert [part for part in str(again).split() if not part.startswith("tier=")] == str(Scope.parse(rest)).split()


@given(NAMES)
def test_a_scope_without_tiers_admits_none(tier: str):
    scope = Scope.parse(scope_with(Scope(), []))

    assert scope.forbids({"tier": tier}) == "tier"
    assert scope.forbids({"tier": ""}) == "tier"


@given(NAMES, NAMES)
def test_ids_are_the_same_for_the_same_alone(one: str, other: str):
    assert (id_of("key", one) == id_of("key", other)) is (one == other)
    assert id_of("key", one) != id_of("tier", one)


USERS = some.text(min_size=1, max_size=128)


@given(USERS, USERS)
def test_every_user_has_an_address_of_his_own(one: str, other: str):
    assume(not any("\ud800" <= letter <= "\udfff" for letter in one + other))

    assert (address_of(one, "openai") == address_of(other, "openai")) is (one == other)
