from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import InvalidName, LimitInvalid, PolicyNotFound, StoreCorrupt, UsageError
from ringlet_py.pool import POLICIES
from ringlet_py.pools.values import changed, make_pool, read_pool

FULL: dict[str, Any] = {
    "provider": "openai",
    "policy": "weighted",
    "limits": ["4/minute"],
    "pool_limits": ["100/day@UTC", "9/s"],
    "org_limits": ["50/minute"],
    "quota": ["20/day"],
    "where": ["org=acme", "owner=channel:general"],
    "bypass": ["user:7"],
}


def entry(alias: str, provider: str = "openai", **fields: Any) -> Entry:
    return Entry(Address(provider, alias), backend="file", **fields)


def test_a_pool_is_the_same_after_it_was_kept():
    pool = make_pool("p", FULL)

    assert read_pool("p", pool.table()) == pool


@given(
    policy=st.sampled_from(sorted(POLICIES)),
    rates=st.lists(st.tuples(st.integers(1, 10**6), st.sampled_from(["s", "90m", "d", "day@UTC"])), max_size=4),
)
def test_any_pool_is_the_same_after_it_was_kept(policy: str, rates: list[tuple[int, str]]):
    given = {"provider": "openai", "policy": policy, "quota": [f"{amount}/{window}" for amount, window in rates]}
    pool = make_pool("p", given)

    assert read_pool("p", pool.table()) == pool


def test_what_is_left_at_its_default_is_not_kept():
    assert make_pool("p", {"provider": "openai"}).table() == {"provider": "openai", "policy": "round-robin"}


@pytest.mark.parametrize("text", ["0/minute", "10/0s", "-1/day", "ten/day", "10/fortnight", "1/month", "nan/day", ""])
@pytest.mark.parametrize("field", ["limits", "pool_limits", "org_limits", "quota"])
def test_a_rate_that_cannot_be_is_refused(field: str, text: str):
    with pytest.raises(LimitInvalid):
        make_pool("p", {"provider": "openai", field: [text]})


def test_an_unknown_policy_names_the_nearest():
    with pytest.raises(PolicyNotFound) as caught:
        make_pool("p", {"provider": "openai", "policy": "round_robin"})
    assert "round-robin" in caught.value.why


@pytest.mark.parametrize("name", ["", "a b", "-x", "a:b", "a/b", "x" * 65])
def test_a_name_is_a_name(name: str):
    with pytest.raises(InvalidName):
        make_pool(name, {"provider": "openai"})


@pytest.mark.parametrize("where", ["provider=anthropic", "active=yes", "expired=no"])
def test_a_pool_is_not_chosen_by_what_is_its_own_or_changes_by_itself(where: str):
    with pytest.raises(UsageError, match="a pool is not chosen by"):
        make_pool("p", {"provider": "openai", "where": [where]})


def test_an_unknown_field_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        make_pool("p", {"provider": "openai", "where": ["lable=x"]})
    assert caught.value.why == "did you mean 'label'?"


def test_two_owners_are_refused():
    with pytest.raises(UsageError, match="one owner"):
        make_pool("p", {"provider": "openai", "where": ["owner=user:7", "owner=user:8"]})


def test_members_are_everyones_unless_an_owner_is_named():
    keys = [entry("a"), entry("b", owner="user:7"), entry("c", "anthropic"), entry("d", org="acme")]

    assert [each.address.alias for each in make_pool("p", {"provider": "openai"}).members(keys, now=0)] == ["a", "d"]
    his = make_pool("p", {"provider": "openai", "where": ["owner=user:7"]})
    assert [each.address.alias for each in his.members(keys, now=0)] == ["b"]
    acme = make_pool("p", {"provider": "openai", "where": ["org=acme"]})
    assert [each.address.alias for each in acme.members(keys, now=0)] == ["d"]


def test_none_changes_nothing_and_an_empty_list_takes_all_away():
    pool = make_pool("p", FULL)

    assert changed(pool, dict.fromkeys(FULL)) == pool
    after = changed(pool, {"quota": [], "where": []})
    assert (after.quota, after.where, after.limits) == ((), (), pool.limits)


def test_the_same_rate_twice_counts_once():
    pool = make_pool("p", {"provider": "openai", "limits": ["60/minute", "60/60s", "60/minute"]})

    assert len(pool.limits) == len(set(pool.limits))


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"provider": "openai", "colour": "red"},
        {"provider": 7},
        {"provider": "openai", "limits": "4/minute"},
        {"provider": "openai", "limits": [4]},
        {"provider": "openai", "limits": ["0/minute"]},
        {"provider": "openai", "policy": "burn"},
        {"provider": "openai", "policy": ["first"]},
        {"provider": "openai", "bypass": "user:7"},
        {"provider": "openai", "where": "org=acme"},
        {"provider": "openai", "name": "other"},
    ],
)
def test_a_document_that_cannot_be_a_pool_is_an_error_and_not_a_pool_with_fewer_limits(table: dict[str, Any]):
    with pytest.raises(StoreCorrupt, match="the pool p in the ledger cannot be read") as caught:
        read_pool("p", table)
    assert caught.value.hint == "ringlet pools delete p"
