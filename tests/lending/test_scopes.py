"""What a caller's scopes leave of the keys, wherever a key is lent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.entry import Address
from ringlet_py.errors import (
    KeyNotFound,
    OutOfScope,
    PoolExhausted,
    PoolNotFound,
    QuotaUsedUp,
    TokenRefused,
    UsageError,
)
from ringlet_py.lease import Request
from ringlet_py.ledger.claims import Turn
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.lending.explaining import explain
from ringlet_py.scope import Scope
from tests.lending.world import World, bearer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.claims.close()


def scoped(*texts: str) -> tuple[Scope, ...]:
    return tuple(map(Scope.parse, texts))


@pytest.mark.parametrize(
    ("scope", "wishes"),
    [
        ("provider=anthropic", {}),
        ("feature=image-*", {"feature": "text"}),
        ("feature=image-*", {}),
        ("agent=claude", {}),
        ("agent=claude", {"agent": "codex"}),
        ("pool=other", {"pool": "p"}),
        ("pool=p", {}),
    ],
)
def test_what_the_request_says_has_to_fit(world: World, scope: str, wishes: dict[str, str]) -> None:
    world.add("a")
    world.pool("p")

    with pytest.raises(OutOfScope):
        world.claim("openai", scopes=scoped(scope), **wishes)

    assert world.outcomes()[-1][2] == "out-of-scope"


@pytest.mark.parametrize(
    ("scope", "wishes"),
    [
        ("provider=open*", {}),
        ("feature=image-*", {"feature": "image-large"}),
        ("agent=claude,codex", {"agent": "codex"}),
        ("pool=p", {"pool": "p"}),
        ("", {}),
    ],
)
def test_what_fits_is_lent(world: World, scope: str, wishes: dict[str, str]) -> None:
    world.add("a")
    world.pool("p")

    assert world.claim("openai", scopes=scoped(scope), **wishes).address.alias == "a"


def test_of_a_pools_keys_those_are_lent_that_the_scope_admits(world: World) -> None:
    world.add("red-1", "blue-1", "red-2")

    assert world.claimed(4, "openai", scopes=scoped("alias=red-*")) == ["red-1", "red-2", "red-1", "red-2"]
    assert world.claimed(3, "openai") == ["blue-1", "red-1", "red-2"]


def test_tiers_and_hosts_of_keys_have_to_fit_too(world: World) -> None:
    world.tiers.put("pro", {"image": "10/minute"})
    world.add("paid", tier="pro")
    world.add("own-host", base_url="https://git.example/v1")
    world.add("plain")

    assert world.claimed(2, "openai", scopes=scoped("tier=pro")) == ["paid", "paid"]
    assert world.claimed(2, "openai", scopes=scoped("host=git.example")) == ["own-host", "own-host"]
    assert world.claimed(2, "openai", scopes=scoped("host=api.openai.com")) == ["paid", "plain"]


def test_every_scope_holds(world: World) -> None:
    world.add("red-1", "red-2")

    assert world.claimed(2, "openai", scopes=scoped("alias=red-*", "alias=*-2")) == ["red-2", "red-2"]


def test_a_key_that_is_asked_for_by_its_address_has_to_fit(world: World) -> None:
    world.add("red")

    assert world.claim("openai", alias="red", scopes=scoped("alias=red")).address.alias == "red"
    with pytest.raises(OutOfScope):
        world.claim("openai", alias="red", scopes=scoped("alias=blue"))
    with pytest.raises(OutOfScope):
        world.claim("openai", alias="red", scopes=scoped("tier=pro"))


def test_a_key_of_which_the_ledger_knows_nothing_is_not_lent_to_a_token(world: World) -> None:
    world.keys.backend.set(Address("openai", "unlisted"), world.keys.backend.get(_added(world)))

    with pytest.raises(KeyNotFound):
        world.claim("openai", alias="unlisted", bearers=(bearer(world),))


def _added(world: World) -> Address:
    world.add("a")
    return Address("openai", "a")


def test_a_changed_tier_counts_from_the_next_claim_on(world: World) -> None:
    world.add("a", tier="free")
    world.tiers.put("free", {"*": "100/minute"})
    world.tiers.put("pro", {"*": "100/minute"})
    with pytest.raises(OutOfScope):
        world.claim("openai", alias="a", scopes=scoped("tier=pro"))

    world.keys.ledger.put(world.keys.ledger.entries()[0].changed(tier="pro"))

    assert world.claim("openai", alias="a", scopes=scoped("tier=pro")).address.alias == "a"


def test_limits_are_the_same_whoever_may_claim_which_part(world: World) -> None:
    world.add("red", "blue")
    world.pool("openai", pool_limits=["3/hour"], limits=["2/hour"])

    world.claimed(2, "openai", scopes=scoped("alias=red"))
    with pytest.raises(PoolExhausted):
        world.claim("openai", scopes=scoped("alias=red"))
    world.claim("openai", scopes=scoped("alias=blue"))
    with pytest.raises(PoolExhausted, match="openai"):
        world.claim("openai")


def test_a_deleted_pool_takes_the_turns_of_its_parts_along(world: World) -> None:
    world.add("red")
    world.pool("a_b", limits=["1/hour"])
    world.pool("axb", limits=["1/hour"])
    for name in ("a_b", "axb"):
        world.claim("openai", pool=name, feature="x", scopes=scoped("alias=red")) if name == "a_b" else None

    before = sum("@a_b" in line for line in world.dump())
    world.pools.delete("axb")
    between = sum("@a_b" in line for line in world.dump())
    world.pools.delete("a_b")

    assert before == between == 1
    assert not [line for line in world.dump() if "@a_b" in line]


def test_nobody_gets_anothers_key_by_a_name_that_looks_like_a_part(world: World) -> None:
    world.tiers.put("pro", {"image": "100/hour"})
    world.add("of-carol", owner="user:carol", tier="pro")
    world.add("of-mallory", owner="user:carol@feature", tier="pro")

    for _ in range(2):
        assert world.claim(feature="image", user="carol").address.alias == "of-carol"
        assert world.claim("openai", feature="image", user="carol@feature").address.alias == "of-mallory"
        world.add("another")  # whoever comes first after a change tells the ledger who belongs together


@given(
    st.tuples(st.sampled_from(["openai", "openai:user:a", "key:openai/a"]), st.sampled_from(["", "@feature", "@0a"])),
    st.sampled_from(["", "feature", "0a"]),
    st.tuples(st.sampled_from(["openai", "openai:user:a", "key:openai/a"]), st.sampled_from(["", "@feature", "@0a"])),
    st.sampled_from(["", "feature", "0a"]),
)
def test_no_two_parts_have_one_name(one: tuple[str, str], of_one: str, two: tuple[str, str], of_two: str) -> None:
    pools = ["".join(parts) if ":" in parts[0] else parts[0] for parts in (one, two)]
    first, second = (
        Turn(pool=pool, provider="openai", feature="", policy="first", within=within)
        for pool, within in zip(pools, (of_one, of_two), strict=True)
    )

    assert (first.name == second.name) == ((first.pool, first.within) == (second.pool, second.within))


# on whose behalf


def test_a_caller_speaks_for_nobody_that_its_scope_does_not_name(world: World) -> None:
    world.add("shared")
    world.add("of-alice", owner="user:alice")

    for wishes in ({"user": "alice"}, {"channel": "c"}):
        with pytest.raises(OutOfScope):
            world.claim("openai", scopes=scoped("provider=openai"), **wishes)

    assert world.claim("openai", scopes=scoped("provider=openai user=al*"), user="alice").address.alias == "of-alice"
    assert world.claim("openai", scopes=scoped("provider=openai user=al*")).address.alias == "shared"


@pytest.mark.parametrize("scope", ["provider=openai", "alias=of-alice", "provider=openai user=bob"])
def test_a_persons_key_is_not_lent_to_a_caller_that_does_not_speak_for_her(world: World, scope: str) -> None:
    world.add("of-alice", owner="user:alice")
    world.pool("hers", where=["owner=user:alice"])

    for wishes in ({"alias": "of-alice"}, {"pool": "hers"}):
        with pytest.raises((OutOfScope, UsageError, PoolNotFound)):
            world.claim("openai", scopes=scoped(scope), **wishes)
        with pytest.raises((OutOfScope, UsageError, PoolNotFound)):
            world.claim("openai", scopes=scoped(scope), **wishes, user="bob")


# a feature decides


def test_without_a_provider_the_feature_decides(world: World) -> None:
    world.tiers.put("pro", {"image": "1/hour"})
    world.add("one", tier="pro")
    world.add("two", provider="groq", tier="pro")
    world.add("else", provider="anthropic")

    found = {str(world.claim(feature="image").address) for _ in range(2)}

    assert found == {"openai/one", "groq/two"}
    with pytest.raises(PoolExhausted) as problem:
        world.claim(feature="image")
    assert problem.value.retry_at == pytest.approx(world.clock() + 3600, abs=1)


def test_a_feature_that_no_tier_names_needs_a_provider(world: World) -> None:
    world.add("one")

    with pytest.raises(UsageError, match="feature"):
        world.claim(feature="image")


def test_a_tier_that_is_made_later_decides_too(world: World) -> None:
    world.add("one", tier="pro")
    world.tiers.put("pro", {"text": "1/hour"})
    with pytest.raises(UsageError):
        world.claim(feature="image")

    world.tiers.put("pro", {"image": "1/hour"})

    assert world.claim(feature="image").address.alias == "one"


def test_the_explanation_shows_the_part_that_the_scope_admits(world: World) -> None:
    world.add("red", "blue")

    shown = explain(world.lending, Request(provider="openai", scopes=scoped("alias=red")))

    assert [key.address for key in shown[0].keys] == ["openai/red"]


# tokens


def test_a_use_counts_on_each_token(world: World) -> None:
    world.add("a")
    tight, wide = bearer(world, name="sub", rates="2/hour"), bearer(world, name="bot", rates="3/hour")

    world.claimed(2, "openai", bearers=(tight, wide))
    with pytest.raises(QuotaUsedUp) as problem:
        world.claim("openai", bearers=(tight, wide))
    world.claim("openai", bearers=(wide,))
    with pytest.raises(QuotaUsedUp):
        world.claim("openai", bearers=(wide,))

    assert problem.value.retry_at == pytest.approx(world.clock() + 3600, abs=1)


def test_a_token_that_was_revoked_or_has_expired_claims_nothing(world: World) -> None:
    world.add("a")
    dying = bearer(world, name="dying", expires_at=round((world.clock() + 60) * 1000))
    gone = bearer(world, name="gone")
    world.claim("openai", bearers=(dying, gone))

    SqliteCallers(world.claims.session).remove_token(gone.id)
    with pytest.raises(TokenRefused):
        world.claim("openai", bearers=(dying, gone))
    world.claim("openai", bearers=(dying,))
    world.clock.advance(61)
    with pytest.raises(TokenRefused):
        world.claim("openai", bearers=(dying,))


def test_a_token_gets_no_key_that_is_not_free_since_it_would_not_count(world: World) -> None:
    world.add("a")
    world.pool("openai", limits=["1/hour"])
    once = bearer(world, rates="5/hour")
    world.claim("openai", bearers=(once,))

    with pytest.raises(PoolExhausted):
        world.claim("openai", bearers=(once,), soonest_ready=True)

    assert world.claim("openai", soonest_ready=True).ready_at > world.clock()


def test_what_is_given_back_counts_on_no_token(world: World) -> None:
    world.add("a")
    once = bearer(world, rates="1/hour")
    lease = world.claim("openai", bearers=(once,))

    world.broker.release(lease)

    assert world.claim("openai", bearers=(once,)).address.alias == "a"


def test_keys_of_which_the_scope_admits_none_are_out_of_scope(world: World) -> None:
    world.add("blue")

    with pytest.raises(OutOfScope, match="openai"):
        world.claim("openai", scopes=scoped("alias=red"))


@pytest.mark.slow
@given(
    aliases=st.lists(st.sampled_from(["a", "ab", "b", "ba"]), unique=True, min_size=1),
    scopes=st.lists(st.sampled_from(["alias=a*", "alias=*b", "alias=b", "provider=openai", ""]), max_size=3),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_key_is_lent_that_a_scope_forbids(
    tmp_path_factory: pytest.TempPathFactory, aliases: list[str], scopes: list[str]
) -> None:
    world = World(tmp_path_factory.mktemp("scopes"))
    world.add(*aliases)
    wanted = scoped(*scopes)
    admitted = {each for each in aliases if not any(one.forbids({"alias": each}) for one in wanted)}
    try:
        found = set(world.claimed(2 * len(aliases), "openai", scopes=wanted))
    except (OutOfScope, KeyNotFound):
        found = set()
    world.claims.close()

    assert found == admitted
