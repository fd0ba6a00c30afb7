from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.entry import Address
from ringlet_py.errors import PoolEmpty, PoolExhausted, UsageError
from ringlet_py.lease import Lease
from ringlet_py.lending.reports import INVALID, LONGEST, OK, QUOTA_SPENT, RATE_LIMITED, Outcome, from_header, rests
from ringlet_py.limits import NEVER
from ringlet_py.secret import Secret
from ringlet_py.testing import START

if TYPE_CHECKING:
    from tests.lending.world import World

YEAR = 366 * 86_400


def limited(world: World, seconds: float, **more: bool) -> None:
    """Somebody who had claimed `openai/a` is told to come back later."""
    lease = Lease(Address("openai", "a"), backend="memory", secret=Secret("x"), feature="image")
    world.broker.report(lease, Outcome(kind=RATE_LIMITED, retry_after=seconds, **more))


def ready_in(world: World, **wishes: str) -> float:
    """How many seconds until a key is free; 0 for now."""
    try:
        world.broker.release(world.claim("openai", **wishes))
    except PoolExhausted as problem:
        return problem.retry_at - world.clock()
    return 0.0


# times


@pytest.mark.parametrize("seconds", [math.nan, -1, -0.001, math.inf, YEAR + 1, 1e300])
def test_a_cooldown_that_cannot_be_right_is_refused(seconds: float):
    with pytest.raises(UsageError, match="cannot be right"):
        Outcome(kind=RATE_LIMITED, retry_after=seconds)


@pytest.mark.parametrize("until", [math.nan, -1, math.inf])
def test_an_end_that_is_no_moment_is_refused(until: float):
    with pytest.raises(UsageError, match="cannot be right"):
        Outcome(kind=RATE_LIMITED, until=until)


@pytest.mark.parametrize("until", [30.0, START + 2 * YEAR, (START + 60) * 1000])
def test_an_end_years_away_is_refused(until: float, world: World):
    world.add("a")
    lease = world.claim("openai")

    with pytest.raises(UsageError, match="a cooldown until"):
        world.broker.report(lease, Outcome(kind=RATE_LIMITED, until=until))
    assert ready_in(world) == 0


def test_two_ends_are_refused():
    with pytest.raises(UsageError, match="one end"):
        Outcome(kind=RATE_LIMITED, until=START, retry_after=3)


def test_an_unknown_outcome_is_refused():
    with pytest.raises(UsageError, match="'rate_limited' is nothing that can be reported"):
        Outcome(kind="rate_limited")


@given(st.floats(0, LONGEST))
def test_a_cooldown_is_never_shorter_than_said(seconds: float):
    lease = Lease(Address("openai", "a"), backend="memory", secret=Secret("x"))
    (rest,) = rests(lease, Outcome(kind=RATE_LIMITED, retry_after=seconds), now=START)

    assert seconds - 1e-6 <= rest.milliseconds / 1000 <= seconds + 0.002


def test_a_429_without_a_time_is_a_minute(world: World):
    world.add("a")
    world.broker.report(world.claim("openai"), Outcome(kind=RATE_LIMITED))

    assert ready_in(world) == pytest.approx(60, abs=0.01)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("30", (30.0, None)),
        (" 0.5 ", (0.5, None)),
        ("Fri, 31 Dec 2027 23:59:59 GMT", (None, datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())),
    ],
)
def test_a_retry_after_header_is_read_as_it_came(header: str, expected: tuple[float | None, float | None]):
    assert from_header(header) == expected


@pytest.mark.parametrize("header", ["", "soon", "2027-99-99", "x" * 500])
def test_a_header_that_is_neither_seconds_nor_a_date_is_refused(header: str):
    with pytest.raises(UsageError, match="neither seconds nor a date"):
        from_header(header)


# cooldowns


def test_a_later_shorter_report_does_not_shorten_a_cooldown(world: World):
    world.add("a")
    limited(world, 60)
    limited(world, 5)
    assert ready_in(world, feature="image") == pytest.approx(60, abs=0.01)

    limited(world, 90)
    assert ready_in(world, feature="image") == pytest.approx(90, abs=0.01)


def test_a_cooldown_is_for_the_feature_that_was_claimed(world: World):
    world.add("a")
    limited(world, 60)

    assert ready_in(world, feature="text") == 0
    limited(world, 60, every_feature=True)
    assert ready_in(world, feature="text") > 0


def test_a_cooldown_holds_for_every_process_and_every_pool(world: World):
    world.add("a")
    world.pool()
    limited(world, 60)
    world.lending = world.another()

    assert ready_in(world, feature="image", pool="p") == pytest.approx(60, abs=0.01)
    assert ready_in(world, feature="image") == pytest.approx(60, abs=0.01)


def test_a_cooldown_ends_by_itself(world: World):
    world.add("a")
    limited(world, 60)
    world.clock.advance(60.1)

    assert ready_in(world, feature="image") == 0


def test_keys_of_one_org_rest_together_and_others_do_not(world: World):
    world.add("a", "b", org="acme")
    world.add("c", org="other")
    world.add("d", provider="anthropic", org="acme")
    world.claim("anthropic")
    world.broker.report(world.claim("openai", alias="a"), Outcome(kind=RATE_LIMITED, retry_after=60))

    assert set(world.claimed(4, "openai")) == {"c"}
    assert world.claimed(1, "anthropic") == ["d"]


def test_the_key_alone_rests_if_that_is_said(world: World):
    world.add("a", "b", org="acme")
    outcome = Outcome(kind=RATE_LIMITED, retry_after=60, whole_org=False)
    world.broker.report(world.claim("openai", alias="a"), outcome)

    assert set(world.claimed(3, "openai")) == {"b"}


def test_an_invalid_key_is_out_of_every_pool_until_a_person_says_otherwise(world: World):
    world.add("a", "b", org="acme")
    world.pool()
    lease = world.claim("openai", alias="a", feature="image")
    world.broker.report(lease, Outcome(kind=INVALID))
    world.clock.advance(300 * 86_400)
    assert set(world.claimed(3, "openai", feature="text")) == {"b"}
    assert set(world.claimed(3, pool="p")) == {"b"}

    world.claims.wake("openai/a")

    assert set(world.claimed(4, pool="p")) == {"a", "b"}


def test_a_429_that_comes_late_does_not_wake_an_invalid_key(world: World):
    world.add("a")
    lease = world.claim("openai")
    world.broker.report(lease, Outcome(kind=INVALID))
    world.broker.report(lease, Outcome(kind=RATE_LIMITED, retry_after=1))
    world.clock.advance(5)

    with pytest.raises(PoolEmpty) as caught:
        world.claim("openai", wait=60)
    assert "openai/a: invalid" in caught.value.why


def test_a_spent_quota_lasts_until_its_reset_or_midnight_for_all_features(world: World):
    world.add("a")
    lease = world.claim("openai", feature="image")
    midnight = (world.clock() // 86_400 + 1) * 86_400

    world.broker.report(lease, Outcome(kind=QUOTA_SPENT))
    assert world.clock() + ready_in(world, feature="text") == pytest.approx(midnight, abs=0.01)
    world.broker.report(lease, Outcome(kind=QUOTA_SPENT, until=midnight + 3600))
    assert world.clock() + ready_in(world, feature="text") == pytest.approx(midnight + 3600, abs=0.01)


@pytest.mark.parametrize("kind", [INVALID, RATE_LIMITED, QUOTA_SPENT])
def test_a_report_on_the_environments_key_is_recorded_and_puts_no_stored_key_out(world: World, kind: str):
    world.environ["OPENAI_API_KEY"] = "made-up-of-the-environment-0123456789"
    lease = world.claim("openai")
    world.add("environment")
    before = world.dump()

    world.broker.report(lease, Outcome(kind=kind))

    assert world.dump() == before
    assert world.outcomes()[-1] == ("report", "openai/environment", "ok")
    assert world.claim("openai").backend == world.keys.backend.name


def test_what_went_well_changes_nothing(world: World):
    world.add("a")
    lease = world.claim("openai")
    before = world.dump()

    world.broker.report(lease, Outcome(kind=OK))

    assert world.dump() == before


def test_invalid_has_no_end_and_is_no_429():
    lease = Lease(Address("openai", "a"), backend="memory", secret=Secret("x"), org="acme", feature="image")
    (rest,) = rests(lease, Outcome(kind=INVALID), now=START)

    assert (rest.until, rest.address, rest.org, rest.feature, rest.limited) == (NEVER, "openai/a", "", "", False)


def test_a_report_on_a_bound_secret_is_one_on_its_key():
    lease = Lease(Address("openai", "a", "webhook"), backend="memory", secret=Secret("x"))
    (rest,) = rests(lease, Outcome(kind=RATE_LIMITED), now=START)

    assert rest.address == "openai/a"
