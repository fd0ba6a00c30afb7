"""Many claims at once are what each of them would be by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.entry import Address
from ringlet_py.errors import KeyNotFound, PoolEmpty, PoolExhausted, RingletError
from ringlet_py.lease import Lease, Request
from ringlet_py.scope import Scope
from tests.lending.world import World, bearer, value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringlet_py.lending.known import Known
    from ringlet_py.lending.turns import Step


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.claims.close()


def many(count: int, provider: str = "openai", **wishes: Any) -> list[Request]:
    return [Request(provider=provider, **wishes) for _ in range(count)]


def named(answers: list[Lease | RingletError]) -> list[str]:
    return [answer.address.alias if isinstance(answer, Lease) else answer.code for answer in answers]


def test_they_take_turns_as_if_one_had_come_after_the_other(world: World) -> None:
    world.add("a", "b", "c")

    answers = world.broker.claim_all(many(5))

    assert named(answers) == ["a", "b", "c", "a", "b"]
    assert world.claimed(1, "openai") == ["c"]
    leases = [answer for answer in answers if isinstance(answer, Lease)]
    assert all(lease.secret.same_as(value(lease.address)) for lease in leases)
    assert len({lease.id for lease in leases}) == 5
    assert [outcome for _, _, outcome in world.outcomes()] == ["ok"] * 6


def test_no_more_are_admitted_than_a_limit_allows(world: World) -> None:
    world.add("a", "b")
    world.pool("openai", limits=["2/hour"])

    answers = world.broker.claim_all(many(6))

    assert named(answers) == ["a", "b", "a", "b", "pool-exhausted", "pool-exhausted"]
    problem = answers[-1]
    assert isinstance(problem, PoolExhausted)
    assert problem.retry_at == pytest.approx(world.clock() + 3600, abs=1)


def test_what_is_shared_by_all_is_counted_within_the_group(world: World) -> None:
    world.add("a", "b", "c", "d")
    world.pool("openai", pool_limits=["3/hour"], quota=["1/hour"])

    one, two = many(1, user="1"), many(1, user="2")

    assert named(world.broker.claim_all([*one, *one, *two, *many(1), *many(1)])) == [
        "a",
        "quota-used-up",
        "b",
        "c",
        "pool-exhausted",
    ]


@pytest.mark.parametrize("policy", ["round-robin", "random", "first"])
def test_one_request_several_times_is_a_claim_each_time(world: World, policy: str) -> None:
    world.add("a", "b", "c")
    world.pool("openai", limits=["2/hour"], policy=policy)
    world.claimed(1, "openai")
    world.clock.advance(3601)

    answers = world.broker.claim_all(many(1) * 7 + many(1))

    assert sorted(named(answers)) == [*"aabbcc", "pool-exhausted", "pool-exhausted"]
    leases = [answer for answer in answers if isinstance(answer, Lease)]
    assert len({lease.id for lease in leases}) == 6
    assert {len(lease.id) for lease in leases} == {len(world.another().claim_of(*asked(world)).lease)}
    world.broker.release(leases[0])
    assert named(world.broker.claim_all(many(1) * 2)) == [leases[0].address.alias, "pool-exhausted"]


def asked(world: World) -> tuple[Step, Request, Known]:
    (request,), known = many(1), world.lending.known()
    return world.lending.steps_of(request, known)[0], request, known


def test_a_policy_that_draws_draws_for_each_claim_of_a_group(world: World) -> None:
    world.add(*"abcdefgh")
    world.pool("openai", policy="random")
    world.claimed(1, "openai")

    assert len(set(named(world.broker.claim_all(many(1) * 16)))) > 2


def test_what_is_wrong_with_a_request_is_found_out_once(world: World) -> None:
    world.add("a")
    world.lending.known()
    claims = Watched(world.claims)
    world.lending.claims = claims

    assert named(world.broker.claim_all(many(1, pool="none") * 4)) == ["pool-not-found"] * 4
    assert claims.asked == ["version"]


def test_one_that_fails_fails_alone(world: World) -> None:
    world.add("a")

    answers = world.broker.claim_all([*many(1), *many(1, "groq"), *many(1, pool="none"), *many(1)])

    assert named(answers) == ["a", "key-not-found", "pool-not-found", "a"]


def test_keys_by_address_and_bound_secrets_go_along(world: World) -> None:
    world.add("a", "b")
    world.keys.backend.set(Address("openai", "b", "hook"), value(Address("openai", "a")))
    asked = [Request(Address("openai", "b"), limited=True), Request(Address("openai", "b", "hook"), limited=True)]

    answers = world.broker.claim_all([*asked, *many(1)])

    assert [str(answer.address) for answer in answers if isinstance(answer, Lease)][:2] == ["openai/b", "openai/b#hook"]
    assert len([answer for answer in answers if isinstance(answer, Lease)]) == 3


def test_a_key_that_is_not_where_its_entry_says_is_passed_over(world: World) -> None:
    world.add("a", "b")
    world.keys.backend.remove(Address("openai", "a"))

    answers = world.broker.claim_all(many(2))

    assert named(answers) == ["b", "b"]


def test_if_the_audit_cannot_be_written_nothing_is_handed_over_and_nothing_counted(world: World) -> None:
    world.add("a")
    world.pool("openai", limits=["3/hour"])
    world.records.full = True

    with pytest.raises(RingletError):
        world.broker.claim_all(many(3))
    world.records.full = False

    assert named(world.broker.claim_all(many(4))) == ["a", "a", "a", "pool-exhausted"]


def test_an_unknown_key_is_not_found(world: World) -> None:
    (problem,) = world.broker.claim_all([Request(Address("openai", "none"), limited=True)])

    assert isinstance(problem, KeyNotFound)


class Watched:
    """Notes what is asked of whom it stands for."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._inner, name)

        def noted(*given: Any, **named: Any) -> Any:
            self.asked.append(name)
            return verb(*given, **named)

        return noted


@pytest.mark.parametrize(
    ("wishes", "code", "asked"),
    [
        ({"pool": "limited"}, "pool-exhausted", ["claim_all", "standings"]),
        ({"pool": "shut"}, "pool-exhausted", ["claim_all"]),
        ({"pool": "shared", "caller": "bot"}, "quota-used-up", ["claim_all"]),
        ({"bearers": True}, "quota-used-up", ["claim_all"]),
        ({"pool": "none"}, "pool-not-found", ["version"] * 4),
        ({"scopes": (Scope.parse("provider=groq"),)}, "out-of-scope", ["version"] * 4),
        ({"provider": "groq"}, "key-not-found", ["version"] * 4),
    ],
)
def test_a_refusal_costs_no_more_than_a_claim(world: World, wishes: dict[str, Any], code: str, asked: list[str]):
    world.add(*(f"k{number:02}" for number in range(20)))
    world.pool("limited", limits=["1/hour"])
    world.pool("shut", pool_limits=["1/hour"])
    world.pool("shared", quota=["1/hour"])
    if wishes.get("bearers"):
        wishes = {"bearers": (bearer(world, rates="1/hour"),)}
    requests = many(4, **{"provider": "openai", **wishes})
    for _ in range(6):
        world.broker.claim_all(requests)
    claims, entries = Watched(world.claims), Watched(world.keys.ledger)
    world.lending.claims, world.lending.ledger = claims, entries

    assert named(world.broker.claim_all(requests)) == [code] * 4
    assert claims.asked == asked
    assert entries.asked == []


def test_an_error_tells_of_the_first_keys_and_how_many_more_there_are(world: World) -> None:
    world.add(*(f"k{number}" for number in range(8)), max_uses="1")
    world.claimed(8, "openai")

    (problem,) = world.broker.claim_all(many(1))

    assert isinstance(problem, PoolEmpty)
    assert problem.why == f"{', '.join(f'openai/k{number}: own' for number in range(5))}, and 3 more"


def test_what_is_wrong_with_the_keys_of_one_is_no_others_fault(world: World) -> None:
    world.add("a")
    world.add("b", provider="groq")
    world.pool("broken", provider="groq", limits=["5/hour"])
    requests = [*many(1), *many(1, "groq", pool="broken"), *many(1)]
    assert named(world.broker.claim_all(requests)) == ["a", "b", "a"]
    with world.keys.ledger.file.opened() as connection:
        connection.execute("UPDATE standings SET rates = 'nonsense' WHERE rates <> ''")

    assert named(world.broker.claim_all(requests)) == ["a", "limit-invalid", "a"]


@pytest.mark.slow
@given(
    st.lists(st.sampled_from(["x", "y", ""]), min_size=1, max_size=12),
    st.sampled_from(["round-robin", "first", "least-recently-limited", "most-remaining", "soonest-expiring"]),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_group_gets_what_single_claims_would_get(
    tmp_path_factory: pytest.TempPathFactory, features: list[str], policy: str
) -> None:
    found = []
    for one_by_one in (True, False):
        world = World(tmp_path_factory.mktemp("group"))
        world.add("a", "b", "c", max_uses="3/1d")
        world.pool("openai", policy=policy, limits=["1/hour"], pool_limits=["5/hour"])
        requests = [Request(provider="openai", feature=feature) for feature in features]
        groups = [[request] for request in requests] if one_by_one else [requests]
        found.append([name for group in groups for name in named(world.broker.claim_all(group))])
        world.claims.close()

    assert found[0] == found[1]
