from __future__ import annotations

import pytest

from ringlet_py.errors import LimitInvalid, TierNotFound
from ringlet_py.limits import Rate, Tier, tier_named

TABLE = {"image-generation": "100/minute", "*": ["10/second", "1000/day"]}


def test_a_feature_has_its_own_rates_and_every_other_those_of_the_star():
    tier = Tier.parse("free", TABLE)

    assert tier.rates_for("image-generation") == (Rate.parse("100/minute"),)
    assert tier.rates_for("chat") == (Rate.parse("10/second"), Rate.parse("1000/day"))
    assert tier.rates_for("") == tier.rates_for("chat")


def test_without_a_star_a_feature_that_is_not_named_has_no_rate():
    assert Tier.parse("free", {"chat": "1/day"}).rates_for("image") == ()


def test_a_tier_is_parsed_from_what_it_is_written_as():
    tier = Tier.parse("free", TABLE)

    assert Tier.parse("free", tier.table()) == tier
    assert tier.table() == {"image-generation": ["100/minute"], "*": ["10/second", "1000/day"]}


def test_a_tier_does_not_change_with_the_table_that_it_came_from():
    table: dict[str, object] = {"chat": "1/day"}
    tier = Tier.parse("free", table)
    table["chat"] = "9/day"

    assert tier.rates_for("chat") == (Rate.parse("1/day"),)
    with pytest.raises(TypeError):
        tier.rates["chat"] = ()  # type: ignore[index]


@pytest.mark.parametrize(
    ("table", "what", "why"),
    [
        ({"chat": "10/minut"}, "'chat' is wrong: there is no unit 'minut'", "did you mean 'minute'?"),
        ({"chat": ["1/day", "0/day"]}, "'chat' is wrong: the amount", ""),
        ({"chat": 10}, "must be a rate or a list of rates, not int", ""),
        ({"chat": True}, "not bool", ""),
        ({"chat": ["1/day", 5]}, "must be a rate or a list of rates", ""),
        ({"chat": {"per": "day"}}, "not dict", ""),
        ({"chat": []}, "has no rate", ""),
        ({"image-*": "1/day"}, "is a pattern", "'*' alone stands for every feature that is not named"),
        ({"": "1/day"}, "name", ""),
        ({"a b": "1/day"}, "name", ""),
        ({"chat\n": "1/day"}, "name", ""),
    ],
)
def test_a_table_that_is_no_tier_is_refused_and_says_where(table: dict[str, object], what: str, why: str):
    with pytest.raises(LimitInvalid) as caught:
        Tier.parse("free", table)

    assert what in str(caught.value)
    assert caught.value.why == why
    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "a b", "-x", "ä", "x" * 65, "*", "free\n"])
def test_a_tiers_name_is_of_the_grammar(name: str):
    with pytest.raises(LimitInvalid, match="tier's name"):
        Tier.parse(name, {})


def test_a_tier_is_found_by_its_name():
    tier = Tier.parse("free", TABLE)

    assert tier_named("free", {"free": tier}) is tier


def test_an_unknown_tier_names_the_nearest():
    tiers = {name: Tier.parse(name, {}) for name in ("free", "paid")}

    with pytest.raises(TierNotFound) as caught:
        tier_named("payd", tiers)
    assert caught.value.why == "did you mean 'paid'?"


def test_without_any_tier_that_is_said():
    with pytest.raises(TierNotFound) as caught:
        tier_named("paid", {})
    assert caught.value.why == "there are none yet"
