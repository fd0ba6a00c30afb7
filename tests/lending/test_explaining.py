from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.entry import utc
from ringlet_py.errors import InvalidSecret, PoolNotFound, RingletError, StoreCorrupt, TierNotFound, UsageError
from ringlet_py.lease import Request
from ringlet_py.ledger.claims import Unlisted
from ringlet_py.lending import explaining
from ringlet_py.lending.explaining import FREE, INACTIVE, LENT, MEMBERS, NONE, explain, of_key, of_pool
from ringlet_py.lending.reports import INVALID, RATE_LIMITED, Outcome
from ringlet_py.testing import MemoryBackend
from tests.lending.world import World

if TYPE_CHECKING:
    from ringlet_py.lending.explaining import Explained

DAY = 86_400.0
# what the ledger writes for a turn that it is told of; all else is what was counted
BOOKKEEPING = ('INTO "turns"', 'INTO "standings"', "sqlite_sequence")


def told(world: World, **wishes: Any) -> list[Explained]:
    return explain(world.lending, Request(**wishes))


def answers(steps: list[Explained]) -> list[tuple[str, str, bool]]:
    return [(found.step.kind, found.address or found.answer, found.asked) for found in steps]


def states(found: Explained) -> dict[str, str]:
    return {key.address.partition("/")[2]: key.state for key in found.keys}


# the steps


def test_the_steps_come_in_order_each_with_its_answer(world: World):
    world.add("mine", owner="user:42")
    world.add("ours", owner="channel:7")
    world.add("all")
    world.environ["OPENAI_API_KEY"] = "made-up-openai-key-0123456789"

    assert answers(told(world, provider="openai", user="42", channel="7")) == [
        ("own", "openai/mine", True),
        ("channel", "openai/ours", False),
        ("everyone", "openai/all", False),
        ("environment", "openai/environment", False),
    ]


def test_a_step_without_keys_leads_to_the_next(world: World):
    world.add("all")

    assert answers(told(world, provider="openai", user="42")) == [
        ("own", NONE, True),
        ("everyone", "openai/all", True),
        ("environment", NONE, False),
    ]


def test_steps_that_are_switched_off_are_not_told(world: World):
    world.add("all")
    world.lending.steps = ("everyone",)

    assert answers(told(world, provider="openai", user="42")) == [("everyone", "openai/all", True)]


def test_keys_that_rest_for_a_while_end_the_search_and_invalid_ones_do_not(world: World):
    world.add("all")
    world.environ["OPENAI_API_KEY"] = "made-up-openai-key-0123456789"
    lease = world.claim("openai")
    world.broker.report(lease, Outcome(kind=RATE_LIMITED, retry_after=30))

    assert answers(told(world, provider="openai")) == [
        ("everyone", MEMBERS, True),
        ("environment", "openai/environment", False),
    ]

    world.broker.report(lease, Outcome(kind=INVALID))

    assert answers(told(world, provider="openai")) == [
        ("everyone", MEMBERS, True),
        ("environment", "openai/environment", True),
    ]


def test_the_environments_key_is_named_by_its_variable_alone(world: World):
    world.environ["OPENAI_API_KEY"] = "made-up-openai-key-0123456789"
    *_, last = told(world, provider="openai")

    assert (last.variable, last.answer, last.asked) == ("OPENAI_API_KEY", LENT, True)
    assert "0123456789" not in repr(last)


def test_a_variable_that_holds_no_key_is_an_error_as_for_a_claim(world: World):
    world.environ["OPENAI_API_KEY"] = "two\nlines"

    with pytest.raises(InvalidSecret, match="OPENAI_API_KEY"):
        told(world, provider="openai")


def test_of_a_provider_outside_the_catalog_no_variable_is_known(world: World):
    world.add("all", provider="gitea")

    assert told(world, provider="gitea")[-1].variable == ""


def test_a_pool_that_is_not_there_is_not_found(world: World):
    with pytest.raises(PoolNotFound):
        told(world, pool="nothing")


def test_a_pool_of_another_provider_is_refused(world: World):
    world.pool("p")

    with pytest.raises(UsageError):
        told(world, pool="p", provider="anthropic")


def test_a_tier_that_is_not_there_is_not_found(world: World):
    world.add("a", tier="gold")
    world.pool("p")

    with pytest.raises(TierNotFound):
        told(world, pool="p")


# the keys


def test_each_key_says_how_it_stands(world: World):
    world.add("a", "b", "c", "d", "e")
    world.add("f", active=False)
    world.add("g", expires_at=utc(world.clock() + 1))
    world.add("h", max_uses="1")
    world.pool("p", limits=["1/minute"], where=["owner=everyone"])
    world.lending.tiers.put("unused", {"x": "1/minute"})
    assert world.claimed(1, pool="p") == ["a"]
    for alias, kind in (("b", RATE_LIMITED), ("c", INVALID), ("d", "quota-spent")):
        world.broker.report(world.claim("openai", alias=alias), Outcome(kind=kind))
    world.claim("openai", alias="h")
    world.clock.advance(2)

    assert states(of_pool(world.lending, world.pools.get("p"))) == {
        "a": "rate",
        "b": "resting",
        "c": "invalid",
        "d": "spent",
        "e": FREE,
        "f": INACTIVE,
        "g": "expired",
        "h": "own",
    }


def test_every_state_has_its_words(world: World):
    world.add("a", org="acme")
    world.pool("p", org_limits=["1/day"])
    world.claim(pool="p")
    (key,) = of_pool(world.lending, world.pools.get("p")).keys

    assert key.state == "org"
    assert set(explaining.STATES) >= {"org", "resting", "spent", "invalid", "missing", "rate", "own", "expired"}


def test_what_is_left_and_when_it_is_free_are_told_by_the_wall_clock(world: World):
    world.add("a")
    world.pool("p", limits=["2/minute", "5/day"])
    start = world.clock()
    world.claim(pool="p")
    world.clock.advance(10)
    world.claim(pool="p")
    (key,) = of_pool(world.lending, world.pools.get("p")).keys

    assert key.left == (("2/minute", 0), ("5/day", 3))
    assert key.ready_at == pytest.approx(start + 60, abs=0.01)
    assert key.last_used == pytest.approx(start + 10, abs=0.01)
    assert key.uses == 2


def test_a_free_key_is_ready_at_no_moment_and_an_invalid_one_never(world: World):
    world.add("a", "b")
    world.broker.report(world.claim("openai", alias="b"), Outcome(kind=INVALID))
    a, b = (of_key(world.lending, entry) for entry in world.lending.known().entries.values())

    assert (a.ready_at, b.ready_at) == (0.0, math.inf)


def test_features_are_told_apart(world: World):
    world.add("a")
    world.pool("p", limits=["1/day"])
    world.claim(pool="p", feature="image")
    pool = world.pools.get("p")

    assert states(of_pool(world.lending, pool, feature="image")) == {"a": "rate"}
    assert states(of_pool(world.lending, pool)) == {"a": FREE}


def test_a_key_that_was_set_inactive_is_not_told_as_it_stood_before(world: World):
    world.add("a")
    world.pool("p")
    world.claim(pool="p")
    world.add("a", active=False)

    found = of_pool(world.lending, world.pools.get("p"))

    assert (found.answer, states(found)) == (NONE, {"a": INACTIVE})


def test_a_quota_is_told_for_its_caller(world: World):
    world.add("a")
    world.pool("p", quota=["1/day"])
    world.claim(pool="p", user="42")
    now = world.clock()
    *_, found = told(world, pool="p", user="42")
    *_, other = told(world, pool="p", user="43")

    assert (found.answer, found.caller) == ("quota", "user:42")
    assert found.ready_at == pytest.approx(now + DAY, abs=0.01)
    assert other.answer == LENT


def test_a_pools_limit_is_told(world: World):
    world.add("a")
    world.pool("p", pool_limits=["1/day"])
    world.claim(pool="p")

    assert of_pool(world.lending, world.pools.get("p")).answer == "pool"


def test_what_another_process_changes_is_seen_at_once(world: World):
    world.add("a")
    world.pool("p")
    assert told(world, pool="p")[0].address == "openai/a"
    world.add("a", active=False)
    world.add("b")

    assert told(world, pool="p")[0].address == "openai/b"


def test_a_ledger_that_never_stands_still_is_not_looked_at_for_ever(world: World, monkeypatch: pytest.MonkeyPatch):
    world.add("a")
    monkeypatch.setattr(world.claims, "peek", lambda _: Unlisted())

    with pytest.raises(StoreCorrupt):
        told(world, provider="openai")


# nothing is taken


def test_an_explanation_counts_nothing(world: World):
    world.add("a", "b")
    world.pool("p", limits=["1/day"], pool_limits=["5/day"], quota=["1/day"])
    before = [line for line in world.dump() if not any(word in line for word in BOOKKEEPING)]

    told(world, pool="p", user="42", feature="image")

    assert [line for line in world.dump() if not any(word in line for word in BOOKKEEPING)] == before


def test_a_second_explanation_leaves_the_ledger_as_it_was_to_the_last_byte(world: World):
    world.add("a", "b")
    world.pool("p", limits=["1/day"], quota=["1/day"])
    world.claim(pool="p", user="1")
    told(world, pool="p", user="42", channel="7")
    before = world.dump()

    told(world, pool="p", user="42", channel="7")

    assert world.dump() == before


def test_whoever_asks_about_people_without_keys_leaves_no_trace(world: World):
    world.add("a")
    told(world, provider="openai")
    before = world.dump()

    told(world, provider="openai", user="nobody", channel="nowhere")

    assert world.dump() == before


def test_no_secret_is_asked_for_and_nothing_is_recorded(world: World):
    world.add("a")
    backend = world.keys.backend
    assert isinstance(backend, MemoryBackend)
    backend.calls.clear()

    told(world, provider="openai", user="42")

    assert not backend.calls
    assert not world.outcomes()


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from(["1", "2"]),
        "channel": st.sampled_from(["7", "8"]),
        "feature": st.sampled_from(["", "image"]),
        "caller": st.sampled_from(["x", "y"]),
    },
)
CODES = {"quota": ("quota-used-up",), "pool": ("pool-exhausted",), MEMBERS: ("pool-exhausted",)}
NOTHING = ("pool-empty", "key-not-found")
OWNERS = st.sampled_from(["everyone", "user:1", "channel:7"])


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(owners=st.lists(OWNERS, max_size=4), wishes=st.lists(WISHES, max_size=6), quota=st.booleans())
def test_what_is_explained_is_what_a_claim_does(
    tmp_path_factory: pytest.TempPathFactory, owners: list[str], wishes: list[dict[str, str]], quota: object
):
    world = World(tmp_path_factory.mktemp("world"))
    for number, owner in enumerate(owners):
        world.add(f"k{number}", owner=owner)
    world.pool("openai", limits=["2/day"], quota=["1/day"] if quota else [])
    for wish in wishes:
        steps = told(world, provider="openai", **wish)
        decided = [found for found in steps if found.asked and not found.goes_on]
        try:
            got = str(world.claim("openai", **wish).address)
        except RingletError as problem:
            got = problem.code

        assert got in (CODES.get(decided[0].answer, (decided[0].address,)) if decided else NOTHING)
    world.claims.close()
