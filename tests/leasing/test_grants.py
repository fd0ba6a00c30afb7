from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.entry import Address, utc
from ringlet_py.errors import KeyExpired, KeyInactive, LeaseEnded, UsageError
from ringlet_py.lending.reports import INVALID, Outcome
from ringlet_py.plan import LaunchPlan
from tests.leasing.test_at_once import at_once
from tests.leasing.world import ADMIN, HOUR

if TYPE_CHECKING:
    from tests.leasing.world import World

A, B, BOUND = Address("openai", "a"), Address("openai", "b"), Address("openai", "a", "webhook")


def plan(*addresses: Address, profile: str = "work", **more: Any) -> LaunchPlan:
    keys = {f"KEY_{place}": address for place, address in enumerate(addresses or (A,))}
    return LaunchPlan(profile=profile, agent="claude", provider="openai", command=("x",), keys=keys, lease="8h", **more)


def refused(world: World, wanted: LaunchPlan) -> LeaseEnded:
    with pytest.raises(LeaseEnded) as problem:
        world.leasing.grants.check(wanted, purpose="to see")
    return problem.value


def test_what_was_never_granted_may_not_start(world: World) -> None:
    problem = refused(world, plan())
    assert str(problem) == "the profile work is not granted openai/a"
    assert (problem.why, problem.hint) == ("it needs a lease, of 8h at a time", "ringlet leases grant work")
    [record] = world.records.kept
    assert (record["action"], record["outcome"], record["address"]) == ("claim", "lease-ended", "openai/a")
    assert (record["profile"], record["agent"], record["purpose"]) == ("work", "claude", "to see")


def test_what_is_granted_may_start_until_it_has_run_out(world: World) -> None:
    [lease] = world.leasing.grants.grant(plan(), 8 * HOUR)
    assert (lease.address, lease.caller) == ("openai/a", "profile:work")
    world.clock.advance(8 * HOUR - 1)
    world.leasing.grants.check(plan())
    world.clock.advance(1)
    assert refused(world, plan()).why == f"expired at {utc(world.clock())}"
    world.leasing.grants.grant(plan(), HOUR)
    world.leasing.grants.check(plan())
    assert world.said("lease-grant") == [("ok", ""), ("ok", "")]


def test_one_that_is_revoked_may_not_start_until_it_is_granted_again(world: World) -> None:
    [lease] = world.leasing.grants.grant(plan(), HOUR)
    world.leasing.revoke(lease.id, ADMIN)
    assert refused(world, plan()).why.startswith("revoked at ")
    world.leasing.grants.grant(plan(), HOUR)
    world.leasing.grants.check(plan())


def test_it_can_be_renewed_and_is_listed(world: World) -> None:
    [lease] = world.leasing.grants.grant(plan(), 60)
    world.leasing.renew(lease.id, HOUR, ADMIN)
    world.clock.advance(61)
    world.leasing.grants.check(plan())
    assert [each.caller for each in world.leasing.list(ADMIN)] == ["profile:work"]


def test_it_is_for_that_profile_and_those_keys_alone(world: World) -> None:
    world.leasing.grants.grant(plan(A), HOUR)
    for other in (plan(B), plan(A, B), plan(A, profile="other"), plan(A, pool="a")):
        refused(world, other)
    world.leasing.grants.grant(plan(A, B), HOUR)
    world.leasing.grants.check(plan(A, B))
    world.leasing.grants.check(plan(BOUND))  # a bound secret goes with its key


def test_a_pool_is_granted_as_one(world: World) -> None:
    wanted = LaunchPlan(profile="work", agent="claude", provider="openai", command=("x",), lease="8h", pool="p")
    assert str(refused(world, wanted)) == "the profile work is not granted the pool p"
    [lease] = world.leasing.grants.grant(wanted, HOUR)
    assert lease.pool == "p"
    world.leasing.grants.check(wanted)
    with pytest.raises(UsageError, match="of no key"):
        world.leasing.report(lease.id, Outcome(kind=INVALID), ADMIN)


def test_it_ends_with_its_key(world: World) -> None:
    world.add("a", expires_at=utc(world.clock() + 60))
    [lease] = world.leasing.grants.grant(plan(), HOUR)
    assert lease.expires_at / 1000 - world.clock() == 60


@pytest.mark.parametrize(("fields", "error"), [({"active": False}, KeyInactive), ({"expires_at": utc(1)}, KeyExpired)])
def test_a_key_that_is_not_to_be_used_is_not_granted(world: World, fields: dict[str, Any], error: type) -> None:
    world.add("b", **fields)
    with pytest.raises(error):
        world.leasing.grants.grant(plan(A, B), HOUR)
    assert world.leasing.list(ADMIN, ended=True) == []


def test_many_may_grant_at_once(world: World) -> None:
    answers = at_once(world, *([lambda leasing: leasing.grants.grant(plan(A, B), HOUR)] * 8))
    assert set(answers) == {"ok"}
    assert len(world.leasing.list(ADMIN)) == 2


def test_a_name_that_is_given_up_loses_all_that_it_was_granted_and_no_other_does(world: World) -> None:
    world.leasing.grants.grant(plan(A, B), HOUR)
    world.leasing.grants.grant(plan(A, profile="other"), HOUR)
    lent = world.lend()

    world.leasing.grants.end("work", "nobody")

    assert refused(world, plan(A, B)).why.startswith("revoked at ")
    world.leasing.grants.check(plan(A, profile="other"))
    assert {each.id for each in world.leasing.list(ADMIN)} >= {lent.id}
    assert world.said("lease-revoke") == [("ok", "")] * 2
    world.leasing.grants.end("work")
    assert len(world.said("lease-revoke")) == 2


def test_what_is_missing_is_told_for_each_key_and_not_recorded(world: World) -> None:
    world.leasing.grants.grant(plan(A), HOUR)

    assert [str(each) for each in world.leasing.grants.missing(plan(A, B))] == [
        "the profile work is not granted openai/b"
    ]
    assert not world.leasing.grants.missing(plan(A))
    assert world.said("claim") == []
