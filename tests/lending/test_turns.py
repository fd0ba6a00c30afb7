from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import InvalidName, InvalidSecret, PoolEmpty, PoolExhausted, PoolNotFound, UsageError
from ringlet_py.lease import Request
from ringlet_py.lending.explaining import explain
from ringlet_py.lending.reports import INVALID, RATE_LIMITED, Outcome
from ringlet_py.lending.turns import CHANNEL, ENVIRONMENT, OWN, SHARED, STEPS, steps
from ringlet_py.pools.values import make_pool
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from tests.lending.world import World

VARIABLE = "made-up-of-the-environment-0123456789"


def places(pools: dict[str, dict[str, Any]] | None = None, **wishes: Any) -> list[tuple[str, str]]:
    """The kinds of the steps, and their pools."""
    made = {name: make_pool(name, {"provider": "openai", **given}) for name, given in (pools or {}).items()}
    allowed = wishes.pop("allowed", STEPS)
    return [(step.kind, step.pool.name) for step in steps(Request(**wishes), made, allowed=allowed)]


def of(owner: str) -> dict[str, Any]:
    return {"where": [f"owner={owner}"]}


# the order


def test_the_order_is_user_channel_everyone_environment():
    assert places(provider="openai", user="7", channel="general") == [
        (OWN, "openai:user:7"),
        (CHANNEL, "openai:channel:general"),
        (SHARED, "openai:everyone"),
        (ENVIRONMENT, "openai:environment"),
    ]


def test_without_user_and_channel_their_steps_are_left_out():
    assert [kind for kind, _ in places(provider="openai")] == [SHARED, ENVIRONMENT]


@pytest.mark.parametrize("off", STEPS)
def test_each_step_can_be_switched_off(off: str):
    allowed = tuple(each for each in STEPS if each != off)

    assert [kind for kind, _ in places(provider="openai", user="7", channel="c", allowed=allowed)] == list(allowed)


def test_an_owners_pool_is_used_where_there_is_one():
    pools = {"sevens": of("user:7"), "generals": of("channel:general"), "openai": {}, "other": {}}

    assert [name for _, name in places(pools, provider="openai", user="7", channel="general")] == [
        "sevens",
        "generals",
        "openai",
        "openai:environment",
    ]


def test_a_pool_that_is_named_stands_for_everyones_and_nothing_comes_after_it():
    assert places({"p": {}}, pool="p", user="7") == [(OWN, "openai:user:7"), (SHARED, "p")]


def test_a_named_pool_of_the_users_own_is_his_own_and_asked_once():
    assert places({"p": of("user:7")}, pool="p", user="7") == [(OWN, "p")]


def test_another_users_pool_is_not_lent():
    with pytest.raises(UsageError, match="the pool p is user:7's, not user:8's"):
        places({"p": of("user:7")}, pool="p", user="8")


def test_a_pool_of_another_provider_is_refused():
    with pytest.raises(UsageError, match="the pool p holds keys of openai, not of anthropic"):
        places({"p": {}}, pool="p", provider="anthropic")


def test_an_unknown_pool_says_how_to_make_it():
    with pytest.raises(PoolNotFound) as caught:
        places(pool="p", provider="openai")
    assert caught.value.hint == "ringlet pools create p --provider openai"


def test_a_request_for_nothing_is_refused():
    with pytest.raises(UsageError, match="no provider and no pool"):
        places()


@pytest.mark.parametrize("feature", ["a:b", "a/b", "a b", "x" * 65])
def test_a_feature_is_a_name(feature: str):
    with pytest.raises(InvalidName):
        places(provider="openai", feature=feature)


def test_an_address_is_looked_for_nowhere_else():
    found = steps(Request(Address("openai", "work"), user="7"), {}, allowed=(OWN,))

    assert [(step.kind, step.only) for step in found] == [(SHARED, "openai/work")]


# what that comes to


@pytest.mark.parametrize("whom", [{"user": "bob"}, {"channel": "general"}, {"user": "bob", "channel": "general"}])
def test_another_users_key_is_not_lent_by_its_address_either(world: World, whom: dict[str, Any]):
    world.add("alice", owner="user:alice")
    asked = Request(Address("openai", "alice"), limited=True, **whom)

    with pytest.raises(UsageError, match="the key openai/alice is user:alice's, not "):
        world.broker.claim(asked)
    with pytest.raises(UsageError, match="the key openai/alice is user:alice's, not "):
        explain(world.lending, asked)
    assert world.outcomes() == [("claim", "openai/alice", "usage")]


@pytest.mark.parametrize("owner", ["everyone", "user:alice", "channel:general"])
def test_a_key_by_its_address_is_lent_to_its_owner_and_everyones_to_all(world: World, owner: str):
    world.add("a", owner=owner)

    assert world.claim("openai", alias="a", user="alice", channel="general").address.alias == "a"
    assert world.claim("openai", alias="a").address.alias == "a"


def test_a_key_that_changed_its_owner_meanwhile_is_lent_by_its_address_at_once(world: World):
    world.add("a", owner="user:alice")
    world.claim("openai", alias="a", user="alice")
    world.add("a", owner="user:bob")

    assert world.claim("openai", alias="a", user="bob").address.alias == "a"
    with pytest.raises(UsageError, match="is user:bob's, not user:alice's"):
        world.claim("openai", alias="a", user="alice")


def test_keys_are_lent_in_the_order_of_owners(world: World):
    world.environ["OPENAI_API_KEY"] = VARIABLE
    world.add("mine", owner="user:7")
    world.add("ours", owner="channel:general")
    world.add("shared")
    lent = []
    for alias in ("mine", "ours", "shared", "environment"):
        lease = world.claim("openai", user="7", channel="general")
        lent.append((lease.address.alias, lease.reason.split(",")[0]))
        if alias != "environment":
            world.keys.ledger.forget(lease.address)

    assert [alias for alias, _ in lent] == ["mine", "ours", "shared", "environment"]
    assert [reason for _, reason in lent][:3] == ["own", "channel", "everyone"]


def test_nobody_gets_another_users_or_channels_key(world: World):
    world.add("a", owner="user:7")
    world.add("b", owner="channel:general")

    with pytest.raises(PoolEmpty):
        world.claim("openai", user="8", channel="random")
    with pytest.raises(PoolEmpty):
        world.claim("openai")


def test_a_user_whose_own_key_is_resting_is_not_lent_another(world: World):
    world.add("mine", owner="user:7")
    world.add("shared")
    world.broker.report(world.claim("openai", user="7"), Outcome(kind=RATE_LIMITED, retry_after=30))

    with pytest.raises(PoolExhausted, match=r"no key of openai \(owner user:7\) is free"):
        world.claim("openai", user="7")


def test_a_user_whose_own_key_is_dead_is_lent_the_next_in_order(world: World):
    world.add("mine", owner="user:7")
    world.add("shared")
    world.broker.report(world.claim("openai", user="7"), Outcome(kind=INVALID))

    assert world.claimed(1, "openai", user="7") == ["shared"]


def test_an_own_key_that_was_added_meanwhile_is_seen_at_once(world: World):
    world.add("shared")
    world.claim("openai", user="7")
    world.add("mine", owner="user:7")

    assert world.claimed(1, "openai", user="7") == ["mine"]


# the environment


def test_the_environments_key_is_the_last_resort_and_recorded(world: World):
    world.environ["OPENAI_API_KEY"] = VARIABLE

    lease = world.claim("openai", user="7")

    assert lease.secret.same_as(Secret(VARIABLE))
    assert (lease.backend, lease.reason) == ("environment", "the variable OPENAI_API_KEY of the environment")
    assert world.outcomes() == [("claim", "openai/environment", "ok")]


def test_the_environments_key_is_not_used_while_a_shared_key_only_rests(world: World):
    world.environ["OPENAI_API_KEY"] = VARIABLE
    world.add("a", max_uses="1/hour")
    world.claim("openai")

    with pytest.raises(PoolExhausted):
        world.claim("openai")


def test_a_quota_cannot_be_got_around_by_way_of_the_environment(world: World):
    world.environ["OPENAI_API_KEY"] = VARIABLE
    world.add("a")
    world.pool("openai", quota=["1"])
    world.claim("openai", user="7")

    with pytest.raises(PoolExhausted, match="has used its share"):
        world.claim("openai", user="7")


def test_a_key_that_stands_beside_an_address_travels_with_it(world: World):
    world.environ.update(OPENAI_API_KEY=VARIABLE, OPENAI_BASE_URL="https://proxy.example/v1")

    assert world.claim("openai").base_url == "https://proxy.example/v1"


def test_a_variable_that_cannot_be_a_key_is_an_error_that_names_it_and_not_its_value(world: World):
    world.environ["OPENAI_API_KEY"] = f"{VARIABLE}\n{VARIABLE}"

    with pytest.raises(InvalidSecret, match="the variable OPENAI_API_KEY: the value holds a line break") as caught:
        world.claim("openai")
    assert VARIABLE not in f"{caught.value}{caught.value.why}{caught.value.hint}"


def test_a_switched_off_environment_is_not_looked_at(world: World):
    world.environ["OPENAI_API_KEY"] = VARIABLE
    world.lending.steps = (OWN, CHANNEL, SHARED)

    with pytest.raises(Exception, match="there is no key of OpenAI"):
        world.claim("openai")


# members


def test_a_pools_limits_and_a_tiers_both_count(world: World):
    world.tiers.put("slow", {"image": "2/hour", "*": "9/hour"})
    world.add("a", tier="slow")
    world.pool(limits=["5/hour"])

    assert world.claim(pool="p", feature="image").remaining == 1
    assert world.claim(pool="p", feature="text").remaining == 4


def test_members_are_the_providers_keys_that_fit_and_nobody_elses(world: World):
    world.add("a", org="acme", label="x")
    world.add("b", org="acme")
    world.add("c", org="acme", label="x", owner="user:7")
    world.add("d", provider="anthropic", org="acme", label="x")
    world.pool(where=["org=acme", "label=x"])

    assert set(world.claimed(4, pool="p")) == {"a"}


def test_a_key_that_leaves_the_pools_condition_leaves_the_pool_at_once(world: World):
    world.add("a", "b", org="acme")
    world.pool(where=["org=acme"])
    world.claimed(2, pool="p")
    entry = world.keys.ledger.entry(Address("openai", "a"))
    assert entry is not None

    world.keys.ledger.put(entry.changed(org="other"))

    assert set(world.claimed(4, pool="p")) == {"b"}
