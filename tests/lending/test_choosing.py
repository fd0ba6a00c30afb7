from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.entry import Address, utc
from ringlet_py.errors import (
    KeyExpired,
    KeyInactive,
    KeyNotFound,
    KeyUnusable,
    PoolEmpty,
    PoolExhausted,
    PoolNotFound,
    QuotaUsedUp,
    TierNotFound,
    UsageError,
)
from ringlet_py.lease import Request
from ringlet_py.lending.reports import RATE_LIMITED, Outcome
from tests.lending.world import World, value

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0


# which key


def test_six_claims_in_a_row_do_not_all_get_one_key(world: World):
    world.add("a", "b", "c")

    assert world.claimed(6, "openai") == ["a", "b", "c", "a", "b", "c"]


def test_each_feature_and_each_pool_takes_its_own_turns(world: World):
    world.add("a", "b")
    world.pool()

    taken = [
        world.claimed(1, "openai", feature=feature, pool=pool)[0]
        for feature, pool in [("x", "p"), ("y", "p"), ("x", "p"), ("y", "p"), ("x", ""), ("x", "")]
    ]
    assert taken == ["a", "a", "b", "b", "a", "b"]


def test_a_key_that_was_just_limited_is_not_taken_next(world: World):
    world.add("a", "b")
    world.pool(policy="least-recently-limited")
    first = world.claim(pool="p")
    world.broker.report(first, Outcome(kind=RATE_LIMITED, retry_after=5))
    world.clock.advance(6)

    assert world.claim(pool="p").address != first.address


def test_the_lease_tells_all_that_is_known_of_its_key(world: World):
    world.add("a", org="acme", base_url="https://git.example", expires_at=utc(world.clock() + DAY), max_uses="10/1d")

    lease = world.claim("openai", feature="image")

    assert lease.secret.same_as(value(Address("openai", "a")))
    assert (lease.base_url, lease.org, lease.expires_at) == ("https://git.example", "acme", utc(world.clock() + DAY))
    assert (lease.remaining, lease.feature, lease.ready_at) == (9, "image", 0.0)
    assert lease.reason == "everyone, openai: round-robin"


def test_a_key_travels_with_its_own_address_and_no_other_gets_it(world: World):
    world.add("a", base_url="https://git.example")
    world.add("b")

    leases = [world.claim("openai") for _ in range(4)]

    assert {(lease.address.alias, lease.base_url) for lease in leases} == {("a", "https://git.example"), ("b", "")}


def test_expired_and_inactive_keys_are_never_handed_out(world: World):
    world.add("a", expires_at=utc(world.clock() + 60))
    world.add("b", active=False)
    world.add("c")
    assert set(world.claimed(4, "openai")) == {"a", "c"}

    world.clock.advance(60)

    assert set(world.claimed(4, "openai")) == {"c"}


def test_a_key_that_is_not_where_its_entry_says_is_passed_over(world: World):
    world.add("a", "b", "c")
    world.keys.backend.remove(Address("openai", "b"))

    assert world.claimed(6, "openai") == ["a", "c", "a", "c", "a", "c"]
    assert ("claim", "openai/b", "key-not-found") in world.outcomes()


def test_a_pool_of_keys_that_are_all_missing_is_exhausted_and_says_so(world: World):
    world.add("a", "b")
    for alias in ("a", "b"):
        world.keys.backend.remove(Address("openai", alias))

    with pytest.raises(PoolExhausted) as caught:
        world.claim("openai")
    assert "openai/a: missing, openai/b: missing" in caught.value.why


def test_a_missing_key_that_would_be_ready_soonest_is_an_error_and_no_endless_search(world: World):
    world.add("a")
    world.keys.backend.remove(Address("openai", "a"))

    with pytest.raises(KeyNotFound, match="openai/a is not in the keychain"):
        world.claim("openai", soonest_ready=True)


def test_a_change_by_another_process_counts_at_once(world: World):
    world.add("a")
    world.claim("openai")
    world.another().known(fresh=True)
    world.add("b")

    assert set(world.claimed(2, "openai")) == {"a", "b"}


def test_the_first_key_of_all_is_seen_at_once(world: World):
    with pytest.raises(KeyNotFound):
        world.claim("openai")
    world.add("a")

    assert world.claimed(1, "openai") == ["a"]


def test_asking_for_a_stranger_leaves_nothing_in_the_ledger(world: World):
    world.add("a")
    world.claim("openai", user="somebody")
    before = world.dump()

    with pytest.raises(KeyNotFound):
        world.claim("anthropic", user="nobody")
    assert world.dump() == before


# a key by its address


def test_a_key_by_its_address_is_a_pool_of_one(world: World):
    world.add("a", "b", max_uses="2/minute")

    assert world.claimed(2, "openai", alias="b") == ["b", "b"]
    with pytest.raises(PoolExhausted, match="no key of openai/b is free"):
        world.claim("openai", alias="b")


def test_a_key_by_its_address_that_may_not_be_used_says_why(world: World):
    world.add("old", expires_at=utc(world.clock() - 1))
    world.add("off", active=False)
    world.add("bad")
    world.broker.report(world.claim("openai", alias="bad"), Outcome(kind="invalid"))

    with pytest.raises(KeyExpired):
        world.claim("openai", alias="old", wait=30)
    with pytest.raises(KeyInactive):
        world.claim("openai", alias="off", wait=30)
    with pytest.raises(KeyUnusable) as caught:
        world.claim("openai", alias="bad", wait=30)
    assert caught.value.why == "openai/bad: invalid"
    assert caught.value.hint == "ringlet pools wake openai bad"
    assert world.slept == []


def test_a_key_that_the_ledger_does_not_know_is_lent_without_limits(world: World):
    world.keys.backend.set(Address("openai", "a"), value(Address("openai", "a")))

    assert world.claim("openai", alias="a").remaining == -1


def test_a_key_that_is_nowhere_is_not_found_and_the_error_says_what_there_is(world: World):
    world.add("work")

    with pytest.raises(KeyNotFound) as caught:
        world.claim("openai", alias="wrok")
    assert caught.value.why == "did you mean openai/work?"
    assert caught.value.hint.startswith("use openai/work; ")


# nothing to take


def test_an_unknown_pool_fails_at_once_and_names_the_nearest(world: World):
    world.add("a")
    world.pool("images")

    with pytest.raises(PoolNotFound) as caught:
        world.claim("openai", pool="imagse", wait=3600)
    assert caught.value.why == "did you mean 'images'?"
    assert world.slept == []


def test_a_pool_without_usable_keys_fails_at_once(world: World):
    world.add("a", active=False, org="acme")
    world.add("b", expires_at=utc(world.clock() - 1), org="acme")
    world.pool(where=["org=acme"])

    with pytest.raises(PoolEmpty) as caught:
        world.claim(pool="p", wait=3600)
    assert "openai/b: expired" in caught.value.why
    assert caught.value.hint == "ringlet pools explain p"
    assert world.slept == []


def test_an_unknown_provider_names_the_nearest(world: World):
    with pytest.raises(KeyNotFound) as caught:
        world.claim("opnai")
    assert caught.value.why == "did you mean 'openai'?"


def test_without_any_key_the_error_names_the_provider_its_page_and_the_command(world: World):
    with pytest.raises(KeyNotFound, match="there is no key of Anthropic") as caught:
        world.claim("anthropic", user="7", channel="general", wait=60)
    assert caught.value.hint.startswith("ringlet keychain set anthropic (make a key at https://")


def test_a_key_whose_tier_nobody_made_is_an_error_and_not_a_key_without_limits(world: World):
    world.add("a", tier="gold")
    world.tiers.put("glod", {"*": "1/minute"})

    with pytest.raises(TierNotFound) as caught:
        world.claim("openai")
    assert caught.value.why == "did you mean 'glod'?"


# exhausted


def test_exhausted_says_when_and_why_each_was_passed_over(world: World):
    world.add("a", max_uses="1/minute")
    world.add("b")
    world.broker.report(world.claim("openai", alias="b"), Outcome(kind=RATE_LIMITED, retry_after=90))
    world.claim("openai")

    with pytest.raises(PoolExhausted) as caught:
        world.claim("openai")

    assert caught.value.retry_at == pytest.approx(world.clock() + 60.001, abs=0.01)
    assert caught.value.why.endswith("; openai/a: own, openai/b: resting")
    assert ("claim", "openai", "pool-exhausted") in world.outcomes()


def test_retry_at_is_by_the_clock_of_whoever_asks_and_not_by_the_ledgers(world: World):
    world.add("a", max_uses="1/minute")
    world.claim("openai")
    world.lending.clock = lambda: world.clock() - 7200  # that of the ledger's server is two hours ahead

    with pytest.raises(PoolExhausted) as caught:
        world.claim("openai")

    assert caught.value.retry_at == pytest.approx(world.lending.clock() + 60.001, abs=0.01)
    assert utc(caught.value.retry_at) in caught.value.why


def test_retry_at_is_the_earliest_of_cooldowns_and_windows(world: World):
    world.add("a", max_uses="1/minute")
    world.add("b")
    world.broker.report(world.claim("openai", alias="b"), Outcome(kind=RATE_LIMITED, retry_after=20))
    world.claim("openai")

    with pytest.raises(PoolExhausted) as caught:
        world.claim("openai")
    assert caught.value.retry_at == pytest.approx(world.clock() + 20, abs=0.01)


def test_one_key_that_is_used_up_does_not_turn_away_the_others_callers(world: World):
    world.add("a", max_uses="1/hour")
    world.add("b")

    assert world.claimed(6, "openai") == ["a", "b", "b", "b", "b", "b"]


def test_many_keys_are_told_of_in_few_words(world: World):
    world.add(*"abcdefgh", max_uses="1/hour")
    world.claimed(8, "openai")

    with pytest.raises(PoolExhausted) as caught:
        world.claim("openai")
    assert caught.value.why.endswith("openai/e: own, and 3 more")


def test_a_pool_limit_counts_all_keys_and_features_together(world: World):
    world.add("a", "b")
    world.pool(pool_limits=["3/minute"])
    for feature in ("x", "y", "z"):
        world.claim(pool="p", feature=feature)

    with pytest.raises(PoolExhausted, match="no key of the pool p is free") as caught:
        world.claim(pool="p", feature="w")
    assert "limited to 3/minute" in caught.value.why


def test_a_refused_claim_uses_nothing_of_any_limit(world: World):
    world.add("a", max_uses="5/hour")
    world.pool(pool_limits=["1/minute"], quota=["9/day"])
    world.claim(pool="p", user="7")
    before = world.claims.standings(world.lending.steps_of(Request(pool="p"), world.lending.known())[0].turn(""))

    for _ in range(3):
        with pytest.raises(PoolExhausted):
            world.claim(pool="p", user="7")
    after = world.claims.standings(world.lending.steps_of(Request(pool="p"), world.lending.known())[0].turn(""))

    assert [each.remaining for each in after] == [each.remaining for each in before]


def test_soonest_ready_hands_out_the_least_bad_one_if_asked_to(world: World):
    world.add("a", "b")
    for alias, seconds in (("a", 50), ("b", 20)):
        world.broker.report(world.claim("openai", alias=alias), Outcome(kind=RATE_LIMITED, retry_after=seconds))

    with pytest.raises(PoolExhausted):
        world.claim("openai")
    lease = world.claim("openai", soonest_ready=True)

    assert lease.address.alias == "b"
    assert lease.ready_at == pytest.approx(world.clock() + 20, abs=0.01)
    assert lease.reason.endswith("the one that is free soonest")


def test_an_edited_limit_takes_effect_at_once_and_keeps_what_was_counted(world: World):
    world.add("a")
    world.pool(limits=["3/hour"])
    world.claimed(3, pool="p")
    with pytest.raises(PoolExhausted):
        world.claim(pool="p")

    world.pools.edit("p", {"limits": ["5/hour"]})

    assert world.claim(pool="p").remaining == 1
    world.pools.edit("p", {"limits": ["2/hour"]})
    with pytest.raises(PoolExhausted):
        world.claim(pool="p")


# waiting


def test_a_claim_waits_until_a_key_is_free_and_not_longer(world: World):
    world.add("a", max_uses="1/10s")
    world.claim("openai")
    start = world.clock()

    lease = world.claim("openai", wait=30)

    assert lease.address.alias == "a"
    assert world.clock() - start == pytest.approx(10.001, abs=0.002)


def test_the_last_look_is_at_the_deadline_and_not_after_it(world: World):
    world.add("a", max_uses="1/hour")
    world.claim("openai")
    start = world.clock()

    with pytest.raises(PoolExhausted):
        world.claim("openai", wait=7.3)
    assert world.clock() - start == pytest.approx(7.3)


@pytest.mark.slow
@given(
    wait=st.floats(0.001, 100),
    drawn=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pauses_grow_to_a_limit_with_jitter_and_end_at_the_deadline(wait: float, drawn: list[float], tmp_path: Path):
    world = World(tmp_path / str(time.monotonic_ns()))
    world.add("a", max_uses="1/1d")
    world.claim("openai")
    numbers = [*drawn, *drawn]
    world.lending.random = lambda: numbers.pop() if numbers else 0.5

    with pytest.raises(PoolExhausted):
        world.claim("openai", wait=wait)

    most = [min(0.05 * 2**n, 2.0) for n in range(len(world.slept))]
    assert sum(world.slept) == pytest.approx(wait, abs=1e-4)
    assert all(pause <= limit for pause, limit in zip(world.slept, most, strict=True))
    assert all(pause >= limit / 2 for pause, limit in zip(world.slept[:-1], most, strict=False))
    world.claims.close()


@pytest.mark.parametrize(("drawn", "first"), [(0.0, 0.025), (0.5, 0.0375), (0.9999, 0.05)])
def test_each_pause_is_drawn_so_that_many_who_wait_do_not_come_back_as_one(world: World, drawn: float, first: float):
    world.add("a", max_uses="1/1d")
    world.claim("openai")
    world.lending.random = lambda: drawn

    with pytest.raises(PoolExhausted):
        world.claim("openai", wait=1)
    assert world.slept[:3] == pytest.approx([first, first * 2, first * 4], rel=0.001)


def test_a_key_that_is_given_back_while_one_waits_is_taken_long_before_its_window_opens(world: World):
    world.add("a", max_uses="1/1d")
    held = world.claim("openai")
    sleep = world.sleep

    def sleep_and_release(seconds: float) -> None:
        sleep(seconds)
        if sum(world.slept) > 5:
            world.broker.release(held)

    world.lending.sleep = sleep_and_release

    world.claim("openai", wait=60)
    assert 5 < sum(world.slept) < 8


def test_a_wait_goes_by_a_clock_that_nobody_sets(world: World):
    world.add("a", max_uses="1/1d")
    world.claim("openai")
    steady = [0.0]
    world.lending.steady = lambda: steady[0]

    def sleep(seconds: float) -> None:
        steady[0] += seconds
        world.clock.advance(-3600)

    world.lending.sleep = sleep

    with pytest.raises(PoolExhausted):
        world.claim("openai", wait=5)
    assert steady[0] == pytest.approx(5)


@pytest.mark.parametrize("wait", [-1.0, math.nan, math.inf, 1e12])
def test_a_wait_that_is_no_time_is_refused(world: World, wait: float):
    world.add("a")

    with pytest.raises(UsageError, match="wait of"):
        world.claim("openai", wait=wait)


def test_a_claim_that_waited_is_one_record(world: World):
    world.add("a", max_uses="1/10s")
    world.claim("openai")

    world.claim("openai", wait=30)
    with pytest.raises(PoolExhausted):
        world.claim("openai", wait=1)

    assert [outcome for _, _, outcome in world.outcomes()] == ["ok", "ok", "pool-exhausted"]


# quotas


def test_a_quota_counts_each_caller_and_feature_by_the_day_of_its_zone(world: World):
    world.add("a")
    world.pool(quota=["2/day@America/Los_Angeles"])
    for _ in range(2):
        world.claim(pool="p", user="7", feature="image")

    with pytest.raises(
        QuotaUsedUp, match=r"user:7 has used its share of openai \(2/day@America/Los_Angeles\)"
    ) as caught:
        world.claim(pool="p", user="7", feature="image")
    world.claim(pool="p", user="7", feature="text")
    world.claim(pool="p", user="8", feature="image")
    left = caught.value.retry_at - world.clock()
    assert 0 < left <= DAY
    assert utc(caught.value.retry_at)[11:] in ("07:00:00.000Z", "08:00:00.000Z")

    world.clock.advance(left)
    world.claim(pool="p", user="7", feature="image")


def test_success_does_not_lengthen_the_day(world: World):
    world.add("a")
    world.pool(quota=["3/day@UTC"])
    midnight = (world.clock() // DAY + 1) * DAY
    for hours in (3, 2, 1):
        world.clock.now = midnight - 3600 * hours
        world.claim(pool="p", user="7")

    world.clock.now = midnight
    world.claim(pool="p", user="7")


def test_the_caller_is_counted_where_one_is_named_and_else_the_user(world: World):
    world.add("a")
    world.pool(quota=["1/day"])
    world.claim(pool="p", user="7", caller="nightly")

    world.claim(pool="p", user="7")
    with pytest.raises(QuotaUsedUp, match="nightly has used"):
        world.claim(pool="p", user="8", caller="nightly")


def test_nobody_is_counted_where_nobody_says_who_he_is(world: World):
    world.add("a")
    world.pool(quota=["1/day"])

    assert len(world.claimed(3, pool="p")) == 3


def test_who_bypasses_is_not_counted(world: World):
    world.add("a")
    world.pool(quota=["1/day"], bypass=["user:7"])

    assert len(world.claimed(3, pool="p", user="7")) == 3


def test_an_own_key_is_never_counted(world: World):
    world.add("mine", owner="user:7")
    world.add("shared")
    world.pool("openai", quota=["1/day"])
    assert world.claimed(3, "openai", user="7") == ["mine"] * 3

    world.keys.ledger.forget(Address("openai", "mine"))

    assert world.claimed(1, "openai", user="7") == ["shared"]


def test_an_own_key_is_not_counted_in_a_pool_with_a_quota_either(world: World):
    world.add("mine", owner="user:7")
    world.pool("his", where=["owner=user:7"], quota=["1/day"])

    assert world.claimed(3, "openai", user="7") == ["mine"] * 3
    assert world.claimed(3, pool="his", user="7") == ["mine"] * 3


def test_a_use_that_is_refused_elsewhere_does_not_cost_quota(world: World):
    world.add("a", max_uses="1/minute")
    world.pool(quota=["2/day"])
    world.claim(pool="p", user="7")
    for _ in range(5):
        with pytest.raises(PoolExhausted, match="no key of"):
            world.claim(pool="p", user="7")

    world.clock.advance(61)
    world.claim(pool="p", user="7")
