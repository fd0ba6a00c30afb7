from __future__ import annotations

import hashlib
import re
from collections import Counter
from itertools import pairwise, permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.errors import LimitInvalid, PolicyNotFound
from ringlet_py.limits import NEVER
from ringlet_py.pool import POLICIES, Candidate, Choice, draws, policy_named, soonest_ready

if TYPE_CHECKING:
    from random import Random

WALL = 1000

addresses = st.sampled_from([f"openai/{name}" for name in "abcdefghij"])
moments = st.integers(0, 5)
candidate = st.builds(
    Candidate,
    address=addresses,
    org=st.sampled_from(["", "acme", "umbrella"]),
    expires_at=st.sampled_from([None, 1, WALL - 1, WALL, WALL + 1, WALL + 2]),
    last_limited=moments,
    last_used=moments,
    remaining=st.sampled_from([0.0, 0.5, 1.0]),
    weight=st.sampled_from([0.5, 1.0, 3.0]),
    key_set=st.sampled_from([("shop", "me", "1"), ("shop", "me", "2"), ("", "", "")]),
)
pools = st.lists(candidate, max_size=10, unique_by=lambda each: each.address)
choices = st.builds(
    Choice,
    cursor=st.one_of(st.just(""), addresses),
    seed=st.integers(-5, 2**64),
    session=st.sampled_from(["", "s1", "s2", "ü\udce4\ud800"]),
    wall=st.just(WALL),
)
names = st.sampled_from(sorted(POLICIES))


def named(letters: str, **fields: object) -> list[Candidate]:
    return [Candidate(address=letter, **fields) for letter in letters]  # type: ignore[arg-type]


def order(policy: str, candidates: list[Candidate], choice: Choice | None = None) -> str:
    return "".join(each.address for each in POLICIES[policy](candidates, choice or Choice()))


# every policy


@given(names, pools, choices)
def test_an_order_is_a_permutation_of_the_candidates_that_have_not_expired(
    name: str, pool: list[Candidate], choice: Choice
):
    usable = [each for each in pool if each.expires_at is None or each.expires_at > WALL]
    found = POLICIES[name](pool, choice)

    assert sorted(each.address for each in found) == sorted(each.address for each in usable)
    assert all(each in usable for each in found)


@given(names, pools, choices, st.randoms())
def test_an_order_depends_on_nothing_but_keys_and_choice(
    name: str, pool: list[Candidate], choice: Choice, chance: Random
):
    shuffled = list(pool)
    chance.shuffle(shuffled)

    assert POLICIES[name](shuffled, choice) == POLICIES[name](pool, choice)


@pytest.mark.parametrize("name", POLICIES)
def test_no_candidates_have_no_order(name: str):
    assert POLICIES[name]([], Choice(session="s")) == []


@pytest.mark.parametrize("name", POLICIES)
def test_a_pool_of_one_gives_that_one(name: str):
    assert order(name, named("a"), Choice(cursor="a", seed=7, session="s")) == "a"


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_says_its_sort_key_or_its_shuffle(name: str):
    assert "Sort key: (" in (POLICIES[name].__doc__ or "") or name in {"first", "random"}


def test_a_policy_is_found_by_its_name():
    assert all(policy_named(name) is POLICIES[name] for name in POLICIES)


@pytest.mark.parametrize(
    ("name", "near"), [("round_robin", "round-robin"), ("Random", "random"), ("wieghted", "weighted")]
)
def test_an_unknown_policy_names_the_nearest(name: str, near: str):
    with pytest.raises(PolicyNotFound) as caught:
        policy_named(name)

    assert caught.value.why == f"did you mean {near!r}?"


def test_soonest_ready_is_no_policy_and_says_what_it_is():
    with pytest.raises(PolicyNotFound) as caught:
        policy_named("soonest-ready")

    assert "when no key is free" in caught.value.why


def test_policies_cannot_be_changed():
    with pytest.raises(TypeError):
        POLICIES["mine"] = POLICIES["first"]  # type: ignore[index]


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_is_a_number_above_0(weight: float):
    with pytest.raises(LimitInvalid):
        Candidate(address="a", weight=weight)


# one by one


def test_first_goes_by_address():
    assert order("first", named("cab"), Choice(cursor="a")) == "abc"


def test_round_robin_starts_in_address_order_and_goes_on_after_the_cursor():
    assert order("round-robin", named("cab")) == "abc"
    assert order("round-robin", named("cab"), Choice(cursor="a")) == "bca"
    assert order("round-robin", named("cab"), Choice(cursor="c")) == "abc"


def turns(pool: list[Candidate], count: int, cursor: str = "") -> str:
    taken = ""
    for _ in range(count):
        cursor = order("round-robin", pool, Choice(cursor=cursor))[0]
        taken += cursor
    return taken


@given(st.sets(st.sampled_from("abcdefgh"), min_size=1), st.integers(0, 40))
def test_round_robin_is_fair(letters: set[str], count: int):
    taken = Counter(dict.fromkeys(letters, 0))
    taken.update(turns(named("".join(letters)), count))

    assert max(taken.values()) - min(taken.values()) <= 1


def test_keys_that_come_or_go_do_not_disturb_the_turns_of_the_others():
    assert turns(named("abde"), 2) == "ab"
    assert turns(named("ade"), 3, cursor="b") == "dea"
    assert turns(named("abcde"), 4, cursor="b") == "cdea"
    assert turns(named("acde"), 4, cursor="b") == "cdea"


def test_least_recently_limited_goes_by_the_last_429_and_then_the_last_use():
    pool = [
        Candidate(address="a", last_limited=9),
        Candidate(address="b", last_limited=5, last_used=8),
        Candidate(address="c", last_limited=5, last_used=7),
        Candidate(address="d"),
        Candidate(address="e"),
    ]

    assert order("least-recently-limited", pool) == "decba"


def test_least_recently_limited_does_not_hand_out_the_same_key_again_and_again():
    used = dict.fromkeys("abc", 0)
    taken = ""
    for now in range(1, 7):
        pool = [Candidate(address=letter, last_used=at) for letter, at in used.items()]
        taken += order("least-recently-limited", pool)[0]
        used[taken[-1]] = now

    assert taken == "abcabc"


def test_soonest_expiring_puts_undated_keys_last_and_never_an_expired_one():
    pool = [
        Candidate(address="a"),
        Candidate(address="b", expires_at=WALL + 9),
        Candidate(address="c", expires_at=WALL + 1),
        Candidate(address="d", expires_at=WALL),
    ]

    assert order("soonest-expiring", pool, Choice(wall=WALL)) == "cba"


def test_soonest_expiring_uses_up_the_smaller_set_first():
    large, small, worn = ("shop", "me", "1"), ("shop", "me", "2"), ("shop", "you", "1")
    pool = [
        *named("ab", key_set=large, expires_at=5),
        *named("c", key_set=small, expires_at=5),
        *named("d", key_set=worn, expires_at=5),
        *named("efg", key_set=worn, expires_at=1),
    ]

    # of the worn set three keys have expired, so one is left, as in the small one
    assert order("soonest-expiring", pool, Choice(wall=1)) == "cdab"


def test_most_remaining_goes_by_what_is_left_and_then_the_last_use():
    pool = [
        Candidate(address="a", remaining=0.2),
        Candidate(address="b", remaining=0.9, last_used=4),
        Candidate(address="c", remaining=0.9, last_used=3),
        Candidate(address="d", remaining=0.0),
    ]

    assert order("most-remaining", pool) == "cbad"


# those that draw


def test_the_generator_is_the_documented_one():
    state = 1 + int(hashlib.sha1(b"42").hexdigest()[:8], 16) % (2**31 - 2)  # noqa: S324
    numbers = draws(42)

    assert [next(numbers) for _ in range(3)] == [state * 48271**k % (2**31 - 1) for k in (1, 2, 3)]
    assert (2**31 - 2) * 48271 < 2**53


def test_draws_and_orders_are_the_same_for_ever():
    """What an engine in another language must reproduce."""
    numbers = draws(1)
    pool = [Candidate(address=letter, weight=index) for index, letter in enumerate("abcdef", 1)]

    assert [next(numbers) for _ in range(3)] == [1086369347, 731572944, 536488556]
    assert [order("random", pool, Choice(seed=seed)) for seed in (0, 1, -1)] == ["dbfcea", "facdbe", "bdeacf"]
    assert [order("weighted", pool, Choice(seed=seed)) for seed in (0, 1, -1)] == ["faecdb", "fecdba", "fecabd"]
    assert [order("sticky", pool, Choice(session=session)) for session in ("s", "t")] == ["dcfbae", "badcfe"]


def far_from(found: Counter[str], expected: dict[str, float]) -> float:
    """Pearson's chi-squared."""
    return sum((found[each] - count) ** 2 / count for each, count in expected.items())


def test_random_makes_every_order_as_likely():
    found = Counter(order("random", named("abcd"), Choice(seed=seed)) for seed in range(6000))

    # 23 degrees of freedom: above 49.7 once in a thousand
    assert far_from(found, {"".join(each): 250 for each in permutations("abcd")}) < 49.7


@pytest.mark.slow
def test_random_begins_with_every_key_of_a_large_pool_as_often():
    letters = "".join(map(chr, range(64, 114)))
    found = Counter(order("random", named(letters), Choice(seed=seed))[0] for seed in range(5000))

    # 49 degrees of freedom
    assert far_from(found, dict.fromkeys(letters, 100)) < 85.4


def test_weighted_begins_with_each_key_as_often_as_its_weight_says_and_so_on_among_the_rest():
    pool = [Candidate(address=letter, weight=weight) for letter, weight in zip("abc", (1, 2, 5), strict=True)]
    found = Counter(order("weighted", pool, Choice(seed=seed)) for seed in range(6000))
    expected = {
        "".join(each.address for each in row): 6000 * row[0].weight / 8 * row[1].weight / (8 - row[0].weight)
        for row in permutations(pool)
    }

    # 5 degrees of freedom
    assert far_from(found, expected) < 20.5


# sticky


def orgs(*names: str) -> list[Candidate]:
    return [Candidate(address=f"{name}{number}", org=name) for name in names for number in (1, 2)]


def home(pool: list[Candidate], session: str) -> str:
    return POLICIES["sticky"](pool, Choice(session=session))[0].org


@given(st.sets(st.sampled_from("ABCDEFGH"), min_size=2), st.lists(st.text(min_size=1, max_size=8), max_size=30))
def test_losing_an_org_moves_its_own_sessions_and_no_other(names: set[str], sessions: list[str]):
    lost, *rest = sorted(names)

    for session in sessions:
        before = home(orgs(*names), session)
        assert before == lost or home(orgs(*rest), session) == before


def test_sessions_are_spread_evenly_over_orgs_and_those_of_a_lost_one_over_the_rest():
    sessions = [f"session-{number}" for number in range(5000)]
    before = {session: home(orgs(*"ABCDE"), session) for session in sessions}
    moved = Counter(home(orgs(*"BCDE"), session) for session in sessions if before[session] == "A")

    assert far_from(Counter(before.values()), dict.fromkeys("ABCDE", 1000)) < 18.5  # 4 degrees of freedom
    assert far_from(moved, dict.fromkeys("BCDE", moved.total() / 4)) < 16.3  # 3


@given(pools, st.text(min_size=1, max_size=8))
def test_a_session_stays_with_its_org_whatever_its_keys_were_through(pool: list[Candidate], session: str):
    found = POLICIES["sticky"](pool, Choice(session=session, wall=WALL))
    score = [
        hashlib.sha1(f"{session}\n{each.org or each.address}".encode("utf-8", "surrogatepass")).hexdigest()  # noqa: S324
        for each in found
    ]

    assert score == sorted(score, reverse=True)
    for one, other in pairwise(found):
        if one.org and one.org == other.org:
            assert (one.last_limited, one.last_used) <= (other.last_limited, other.last_used)


def test_keys_without_an_org_are_orgs_by_themselves():
    sessions = [f"session-{number}" for number in range(200)]
    first = {order("sticky", named("abc"), Choice(session=session))[0] for session in sessions}

    assert first == {"a", "b", "c"}


def test_without_a_session_sticky_is_least_recently_limited():
    pool = [Candidate(address="a", last_limited=5), Candidate(address="b", last_limited=3), Candidate(address="c")]

    assert order("sticky", pool) == "cba"


# when none is free


def test_soonest_ready_is_the_one_that_may_be_used_first():
    a, b, c = named("abc")

    assert soonest_ready([(9, a), (5, c), (5, b)], WALL) == b


def test_soonest_ready_is_no_key_that_has_expired_or_is_used_up():
    expired = Candidate(address="a", expires_at=WALL)
    spent = Candidate(address="b")

    assert soonest_ready([(1, expired), (NEVER, spent)], WALL) is None
    assert soonest_ready([(1, expired), (NEVER, spent), (8, Candidate(address="c"))], WALL) == Candidate(address="c")
    assert soonest_ready([], WALL) is None


# the page


PAGE = Path(__file__).parent.parent / "docs/explanation/policies.md"


def pool_of_the_page() -> list[Candidate]:
    rows = re.findall(r"^\| ([a-f]) \|(.+)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    cells = [(key, [cell.strip() for cell in rest.split("|")]) for key, rest in rows]
    return [
        Candidate(
            address=key,
            org=org,
            expires_at=None if expires == "never" else int(expires),
            last_limited=int(limited),
            last_used=int(used),
            remaining=float(left),
            weight=float(weight),
            key_set=(batch, "", ""),
        )
        for key, (org, expires, limited, used, left, weight, batch) in cells
    ]


def examples_of_the_page() -> list[tuple[str, str, str]]:
    """Each worked example: the policy, what it depends on, the order shown."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [
        (name[1], given, shown.replace(" ", ""))
        for section in sections
        if (name := re.match(r"`([a-z-]+)`\n", section))
        for given, shown in re.findall(r"(?:Example: )?(.*)the order is `([^`]+)`", section)
    ]


def test_every_policy_has_a_worked_example_and_its_tie_break_on_the_page():
    text = PAGE.read_text(encoding="utf-8")

    assert {name for name, _, _ in examples_of_the_page()} == set(POLICIES)
    assert len(re.findall(r"^Tie-break", text, re.MULTILINE)) == len(POLICIES) + 1  # and soonest-ready


@pytest.mark.parametrize(("name", "given", "shown"), examples_of_the_page())
def test_the_worked_examples_on_the_page_are_what_the_policies_do(name: str, given: str, shown: str):
    known = dict(re.findall(r"(after|seed|session) `?([\w-]+)", given))
    choice = Choice(
        cursor=known.get("after", ""), seed=int(known.get("seed", 0)), session=known.get("session", ""), wall=100
    )

    assert order(name, pool_of_the_page(), choice) == shown
