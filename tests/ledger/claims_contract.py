"""What every ledger engine must count; a test class inherits it and gives five fixtures.

`claims` is the engine, empty, `ledger` the verbs of entries on the same store, `callers` those of tokens on it,
`values` those of sealed values, and `pass_time` a function that lets so many milliseconds pass: at once where the
clock is ours, really where it is a server's, so they are few.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from unittest.mock import ANY

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.entry import Address, Entry
from ringlet_py.ledger.claims import (
    Claim,
    Claims,
    Member,
    Refused,
    Rest,
    Standing,
    Taken,
    Turn,
    Unlisted,
)
from ringlet_py.ledger.documents import Documents, StoredDocument
from ringlet_py.ledger.tokens import Token
from ringlet_py.limits import NEVER, Rate
from ringlet_py.pool import POLICIES, Candidate, Choice
from ringlet_py.scope import Bearer
from tests.ledger.sealed_contract import key as data_key
from tests.ledger.sealed_contract import value as sealed_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ringlet_py.ledger import Ledger
    from ringlet_py.ledger.sealed import SealedValues
    from ringlet_py.ledger.tokens import Callers

    PassTime = Callable[[int], object]

PAST = 1
FUTURE = 2**45
SOON = 150  # milliseconds: the windows that a test waits for
LOADING = sorted(set(POLICIES) - {"first", "round-robin", "least-recently-limited"})


class Engine(Claims, Documents, Protocol):
    """All verbs of counting in one object."""


def rates(*texts: str) -> tuple[Rate, ...]:
    return tuple(map(Rate.parse, texts))


def member(alias: str, *texts: str, **fields: Any) -> Member:
    return Member(address=f"openai/{alias}", rates=rates(*texts), **fields)


def turn(policy: str = "first", **fields: Any) -> Turn:
    return Turn(**{"pool": "p", "provider": "openai", "feature": "image", "policy": policy, **fields})


class Asked:
    """One turn and its members, asked again and again, each time under a new lease."""

    def __init__(self, claims: Engine, members: Sequence[Member], its: Turn | None = None) -> None:
        self.claims = claims
        self.turn = its or turn()
        self.leases = map(
            "{}-lease-{}".format, itertools.repeat(f"{self.turn.name}/{self.turn.feature}"), itertools.count()
        )
        self.lease = ""
        self.enlist(members)

    def enlist(self, members: Sequence[Member]) -> None:
        self.version = self.claims.version()
        self.claims.enlist(self.turn, members, version=self.version)

    def wish(self, **fields: Any) -> Claim:
        self.lease = next(self.leases)
        return Claim(**{"turn": self.turn, "version": self.version, "lease": self.lease, **fields})

    def claim(self, **fields: Any) -> Taken | Refused | Unlisted:
        return self.claims.claim(self.wish(**fields))

    def peek(self, **fields: Any) -> Taken | Refused | Unlisted:
        return self.claims.peek(self.wish(**fields))

    def take(self, **fields: Any) -> str:
        """The alias that was taken; the test fails if none was."""
        answer = self.claim(**fields)
        assert isinstance(answer, Taken)
        return answer.address.removeprefix("openai/")

    def refusal(self, **fields: Any) -> Refused:
        answer = self.claim(**fields)
        assert isinstance(answer, Refused)
        return answer

    def standing(self, alias: str) -> Standing:
        return next(each for each in self.standings() if each.address == f"openai/{alias}")

    def standings(self) -> list[Standing]:
        return self.claims.standings(self.turn)


def token(callers: Callers, name: str = "t", *texts: str, **fields: Any) -> Bearer:
    """Makes a token, and gives it as a claim names it, with these rates."""
    assert callers.add_token(Token(**{"id": name, "name": name, "digest": f"digest of {name}", **fields}))
    return Bearer(id=name, rates=rates(*texts))


def wall_ahead(claims: Engine) -> int:
    """How far the engine's wall clock is ahead of its steady one; for this it uses a key up."""
    asked = Asked(claims, [member("clock", "1/minute")], turn(pool="of the clock"))
    asked.claim()
    refused = asked.refusal()
    return refused.retry_wall - refused.retry_at


class OfTurns:
    def test_a_turn_that_was_never_enlisted_is_unlisted(self, claims: Engine):
        claim = Claim(turn=turn(), version=claims.version(), lease="l")

        assert claims.claim(claim) == Unlisted()
        assert claims.peek(claim) == Unlisted()
        assert claims.standings(turn()) == []

    def test_after_a_change_of_entries_the_turn_is_unlisted_until_it_is_enlisted(self, claims: Engine, ledger: Ledger):
        asked = Asked(claims, [member("a")])
        assert asked.take() == "a"

        for change in (
            lambda: ledger.put(Entry(Address("x", "y"), backend="file")),
            lambda: ledger.forget(Address("x", "y")),
            lambda: claims.put_document("pool", StoredDocument("p", "{}")),
            lambda: claims.forget_document("tier", "gold") or claims.put_document("tier", StoredDocument("t", "{}")),
            lambda: claims.forget_document("tier", "t"),
        ):
            before = claims.version()
            change()
            assert claims.version() != before
            assert asked.claim() == Unlisted()
            assert asked.peek() == Unlisted()
            asked.enlist([member("a")])
            assert asked.take() == "a"

    def test_what_was_enlisted_with_an_old_version_is_unlisted(self, claims: Engine, ledger: Ledger):
        old = claims.version()
        ledger.put(Entry(Address("x", "y"), backend="file"))
        claims.enlist(turn(), [member("a")], version=old)

        for version in (old, claims.version()):
            assert claims.claim(Claim(turn=turn(), version=version, lease="l")) == Unlisted()

    def test_versions_never_come_back(self, claims: Engine):
        seen = [claims.version()]
        for _ in range(3):
            claims.put_document("pool", StoredDocument("p", "{}"))
            seen.append(claims.version())
            claims.forget_document("pool", "p")
            seen.append(claims.version())

        assert len(set(seen)) == len(seen)

    def test_without_members_a_claim_is_refused_for_ever(self, claims: Engine):
        refused = Asked(claims, []).refusal()

        assert (refused.reason, refused.retry_at, refused.retry_wall) == ("none", NEVER, NEVER)
        assert refused.members == 0

    def test_members_come_and_go_and_what_is_known_of_the_others_stays(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day"), member("b", "1/day")])
        assert asked.take() == "a"
        asked.enlist([member("a", "1/day"), member("c", "1/day")])

        assert [asked.take(), asked.refusal().reason] == ["c", "members"]
        assert [(each.address, each.uses) for each in asked.standings()] == [("openai/a", 1), ("openai/c", 1)]

    def test_turns_of_other_pools_and_features_stand_by_themselves(self, claims: Engine):
        several = [
            Asked(claims, [member("a", "1/day")], turn(**fields))
            for fields in ({}, {"feature": "chat"}, {"pool": "q", "feature": "audio"})
        ]

        assert [asked.take() for asked in several] == ["a", "a", "a"]
        assert [asked.refusal().reason for asked in several] == ["members"] * 3

    def test_a_part_of_a_pool_has_members_and_an_order_of_its_own(self, claims: Engine):
        whole = Asked(claims, [member("a"), member("b"), member("c")], turn("round-robin"))
        part = Asked(claims, [member("b"), member("c")], turn("round-robin", within="x y|@%_"))
        other = Asked(claims, [member("a")], turn("round-robin", within="x"))

        assert [whole.take(), whole.take()] == ["a", "b"]
        assert [part.take(), part.take(), part.take()] == ["b", "c", "b"]
        assert [whole.take(), other.take()] == ["c", "a"]
        assert [each.uses for each in part.standings()] == [2, 1]

    def test_what_a_part_of_a_pool_takes_is_counted_on_the_pool(self, claims: Engine):
        fields: dict[str, Any] = {"pool_rates": rates("3/day")}
        whole = Asked(claims, [member("a", "1/day"), member("b")], turn(**fields))
        part = Asked(claims, [member("a", "1/day"), member("b")], turn(within="x", **fields))

        assert [part.take(), whole.take(), part.take()] == ["a", "b", "b"]
        assert [whole.refusal().reason, part.refusal().reason] == ["pool", "pool"]

    def test_many_members_at_once(self, claims: Engine):
        asked = Asked(claims, [member(f"k{number:04}", "1/day") for number in range(1500)])

        assert [asked.take() for _ in range(3)] == ["k0000", "k0001", "k0002"]
        assert len(asked.standings()) == 1500
        first = claims.standings(asked.turn, most=2)
        assert [(each.address, each.why) for each in first] == [("openai/k0000", "rate"), ("openai/k0001", "rate")]


class OfRates:
    @pytest.mark.parametrize("amount", [1, 2, 3, 10])
    def test_the_amount_and_no_more(self, claims: Engine, amount: int):
        asked = Asked(claims, [member("a", f"{amount}/day")])

        assert [asked.take() for _ in range(amount)] == ["a"] * amount
        refused = asked.refusal()
        assert refused.reason == "members"
        assert refused.members == 1
        assert refused.now < refused.retry_at <= refused.now + 86_400_001

    def test_remaining_is_counted_down(self, claims: Engine):
        asked = Asked(claims, [member("a", "3/day", "9/week")])
        answers = [asked.claim() for _ in range(3)]

        assert [answer.remaining for answer in answers if isinstance(answer, Taken)] == [2, 1, 0]
        assert asked.standing("a").remaining == ((Rate.parse("3/day"), 0), (Rate.parse("9/week"), 6))

    def test_remaining_is_the_least_of_all_streams(self, claims: Engine):
        its = turn(org_rates=rates("8/day"), pool_rates=rates("7/day"))
        asked = Asked(claims, [member("a", "9/day", org="o", own=rates("5"))], its)
        first = asked.claim(caller="user:1", quota=rates("6/day"))
        second = asked.claim(caller="user:2", quota=rates("3/day"))

        assert isinstance(first, Taken)
        assert isinstance(second, Taken)
        assert (first.remaining, second.remaining) == (4, 2)

    def test_a_key_without_rates_is_always_free(self, claims: Engine):
        asked = Asked(claims, [member("a")])
        answers = [asked.claim() for _ in range(5)]

        assert {answer.remaining for answer in answers if isinstance(answer, Taken)} == {-1}
        assert len(answers) == 5

    def test_opens_at_the_promised_moment_and_not_before(self, claims: Engine, pass_time: PassTime):
        asked = Asked(claims, [member("a", f"2/0.{SOON}s")])
        asked.take()
        asked.take()
        refused = asked.refusal()
        pass_time(refused.retry_at - refused.now)

        assert asked.take() == "a"

    def test_the_refusal_says_the_moment_by_both_clocks(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/hour")])
        asked.take()
        first, second = asked.refusal(), asked.refusal()

        assert first.retry_at == second.retry_at
        assert abs(second.retry_wall - first.retry_wall) <= 5
        assert 0 < first.retry_at - first.now <= 3_600_001

    def test_a_lifetime_never_comes_back(self, claims: Engine):
        asked = Asked(claims, [member("a", "2")])
        asked.take()
        asked.take()

        assert (asked.refusal().retry_at, asked.refusal().retry_wall) == (NEVER, NEVER)

    def test_calendar_windows_count_too(self, claims: Engine):
        asked = Asked(claims, [member("a", "2/month@UTC")])

        assert [asked.take(), asked.take()] == ["a", "a"]
        refused = asked.refusal()
        assert refused.now < refused.retry_at <= refused.now + 32 * 86_400_000
        assert asked.standing("a").remaining == ((Rate.parse("2/month@UTC"), 0),)

    def test_the_retry_is_that_of_the_key_that_is_free_first(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day"), member("b", "1/minute"), member("c", "1")])
        for _ in range(3):
            asked.take()
        refused = asked.refusal()

        assert refused.retry_at - refused.now <= 60_001
        assert refused.members == 3

    def test_its_own_rates_count_for_all_features_and_pools(self, claims: Engine):
        several = [
            Asked(claims, [member("a", own=rates("3"))], turn(**fields))
            for fields in ({}, {"feature": "chat"}, {"pool": "q"})
        ]

        assert [asked.take() for asked in several] == ["a", "a", "a"]
        assert [asked.refusal().retry_at for asked in several] == [NEVER] * 3
        assert {asked.standing("a").why for asked in several} == {"own"}

    def test_a_key_and_feature_count_alike_in_every_pool(self, claims: Engine):
        several = [Asked(claims, [member("a", "2/day")], turn(pool=pool)) for pool in ("p", "q", "r")]

        assert [several[0].take(), several[1].take()] == ["a", "a"]
        assert several[2].refusal().reason == "members"

    def test_keys_of_one_org_share_its_rates(self, claims: Engine):
        keys = [member(alias, org=org) for alias, org in (("a", "x"), ("b", "x"), ("c", "y"), ("d", ""))]
        asked = Asked(claims, keys, turn("round-robin", org_rates=rates("2/day")))

        assert [asked.take() for _ in range(6)] == ["a", "b", "c", "d", "c", "d"]
        assert asked.take() == "d"  # without an org there is nothing that the rate counts
        assert [each.why for each in asked.standings()] == ["org", "org", "org", ""]

    def test_orgs_of_other_providers_are_other_orgs(self, claims: Engine):
        here = Asked(claims, [member("a", org="x")], turn(org_rates=rates("1/day")))
        there = Asked(
            claims, [Member(address="groq/a", org="x")], turn(pool="q", provider="groq", org_rates=rates("1/day"))
        )
        here.take()

        assert isinstance(there.claim(), Taken)
        assert here.refusal().reason == "members"

    def test_a_pools_limit_counts_all_its_keys_and_features(self, claims: Engine):
        both = [
            Asked(claims, [member("a"), member("b")], turn("round-robin", feature=feature, pool_rates=rates("3/day")))
            for feature in ("image", "chat")
        ]

        assert [both[0].take(), both[1].take(), both[0].take()] == ["a", "a", "b"]
        assert [asked.refusal().reason for asked in both] == ["pool", "pool"]
        refused = both[0].refusal()
        assert 0 < refused.retry_at - refused.now <= 86_400_001

    def test_a_quota_counts_one_caller_for_each_provider_and_feature(self, claims: Engine):
        keys = [member("a")]
        image, chat = Asked(claims, keys), Asked(claims, keys, turn(feature="chat"))
        other_pool = Asked(claims, keys, turn(pool="q"))
        quota = {"caller": "user:42", "quota": rates("2/day")}

        assert [image.take(**quota), other_pool.take(**quota)] == ["a", "a"]
        assert [image.refusal(**quota).reason, other_pool.refusal(**quota).reason] == ["quota", "quota"]
        assert image.take(caller="user:4", quota=rates("2/day")) == "a"
        assert image.take() == "a"  # nobody is counted
        assert chat.take(**quota) == "a"

    def test_a_quota_goes_before_the_pools_limit_and_the_latest_moment_is_told(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/week")], turn(pool_rates=rates("1/hour")))
        quota = {"caller": "user:1", "quota": rates("1/day")}
        asked.take(**quota)

        refused = asked.refusal(**quota)
        assert refused.reason == "quota"
        assert refused.retry_at - refused.now > 6 * 86_400_000
        assert asked.refusal().reason == "pool"

    def test_what_is_refused_takes_no_use_of_any_stream(self, claims: Engine):
        its = turn(org_rates=rates("9/day"), pool_rates=rates("9/day"))
        asked = Asked(claims, [member("a", "1/day", org="o", own=rates("9"))], its)
        asked.take(caller="user:1", quota=rates("9/day"))
        for _ in range(5):
            asked.refusal(caller="user:1", quota=rates("9/day"))
        asked.enlist([member("a", "9/day", org="o", own=rates("9"))])
        answer = asked.claim(caller="user:1", quota=rates("9/day"))

        assert isinstance(answer, Taken)
        assert answer.remaining == 7

    @pytest.mark.parametrize("name", ["a:b", "ü", "x" * 300, "'; --", "{y}", " two  blanks ", "a\nb"])
    def test_any_name_of_an_org_or_a_caller_is_counted_by_itself(self, claims: Engine, name: str):
        keys = [member("a", org=name), member("b", org=name + "!")]
        asked = Asked(claims, keys, turn(org_rates=rates("1/day")))

        assert [asked.take(caller=name, quota=rates("1/day")) for _ in range(1)] == ["a"]
        assert asked.refusal(caller=name, quota=rates("1/day")).reason == "quota"
        assert asked.take(caller=name + "!", quota=rates("1/day")) == "b"


class OfEditing:
    def test_a_raised_amount_counts_at_once_and_keeps_what_was_counted(self, claims: Engine):
        asked = Asked(claims, [member("a", "2/day")])
        assert [asked.take(), asked.take()] == ["a", "a"]
        asked.refusal()
        asked.enlist([member("a", "3/day")])

        assert asked.take() == "a"
        assert asked.refusal().reason == "members"

    def test_a_lowered_amount_counts_at_once(self, claims: Engine):
        asked = Asked(claims, [member("a", "9/day")])
        for _ in range(3):
            asked.take()
        asked.enlist([member("a", "2/day")])

        assert asked.refusal().reason == "members"
        assert asked.standing("a").remaining == ((Rate.parse("2/day"), 0),)

    def test_a_longer_window_counts_what_was_used_before(self, claims: Engine):
        asked = Asked(claims, [member("a", "5/minute")])
        for _ in range(5):
            asked.take()
        asked.enlist([member("a", "6/day")])

        assert asked.take() == "a"
        assert asked.refusal().retry_at > 0

    def test_a_rate_that_is_taken_away_holds_nobody_back(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day")])
        asked.take()
        asked.refusal()
        asked.enlist([member("a")])

        assert asked.take() == "a"

    def test_a_lifetime_counts_all_that_were_counted_under_a_window(self, claims: Engine):
        asked = Asked(claims, [member("a", "200/day")])
        for _ in range(120):
            asked.take()
        asked.enlist([member("a", "121")])

        assert asked.take() == "a"
        assert asked.refusal().retry_at == NEVER


class OfCooldowns:
    def test_a_resting_key_is_passed_over_until_its_cooldown_ends(self, claims: Engine, pass_time: PassTime):
        asked = Asked(claims, [member("a"), member("b")])
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=SOON))

        assert asked.take() == "b"
        assert asked.standing("a").why == "resting"
        pass_time(SOON + 1)
        assert asked.take() == "a"
        assert asked.standing("a").why == ""

    def test_when_all_rest_the_refusal_says_when_the_first_wakes(self, claims: Engine):
        asked = Asked(claims, [member("a"), member("b")])
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=90_000))
        claims.rest(Rest(provider="openai", address="openai/b", milliseconds=60_000))
        refused = asked.refusal()

        assert refused.reason == "members"
        assert 55_000 < refused.retry_at - refused.now <= 60_000
        assert {each.address: each.ready_at for each in asked.standings()}["openai/b"] == refused.retry_at

    @pytest.mark.parametrize("order", [(60_000, 90_000), (90_000, 60_000)])
    def test_of_two_cooldowns_the_later_counts(self, claims: Engine, order: Sequence[int]):
        asked = Asked(claims, [member("a")])
        for length in order:
            claims.rest(Rest(provider="openai", address="openai/a", milliseconds=length, why=f"for {length}"))
        refused = asked.refusal()

        assert 85_000 < refused.retry_at - refused.now <= 90_000
        assert asked.standing("a").why == "for 90000"

    def test_a_cooldown_until_a_date(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day"), member("b")])
        asked.take(only="openai/a")
        wall = asked.refusal(only="openai/a").retry_wall
        claims.rest(Rest(provider="openai", address="openai/b", until=wall))
        refused = asked.refusal(only="openai/b")

        assert abs(refused.retry_wall - wall) <= 5
        assert 80_000_000 < refused.retry_at - refused.now <= 86_400_001

    @pytest.mark.parametrize("end", [{"until": PAST}, {"milliseconds": -5}, {}])
    def test_an_end_in_the_past_is_no_cooldown(self, claims: Engine, end: dict[str, Any]):
        asked = Asked(claims, [member("a")])
        claims.rest(Rest(provider="openai", address="openai/a", **end))

        assert asked.take() == "a"
        assert asked.standing("a").last_limited > 0

    def test_an_invalid_key_rests_until_it_is_woken(self, claims: Engine):
        asked = Asked(claims, [member("a")])
        claims.rest(Rest(provider="openai", address="openai/a", until=NEVER, limited=False, why="invalid"))

        assert asked.refusal().retry_at == NEVER
        assert (asked.standing("a").why, asked.standing("a").resting_until) == ("invalid", NEVER)
        assert asked.standing("a").last_limited == 0
        assert claims.resting() == {"openai/a": NEVER}
        claims.wake("openai/a")
        assert asked.take() == "a"
        assert claims.resting() == {}

    def test_a_cooldown_of_one_feature_leaves_the_others(self, claims: Engine):
        image, chat = Asked(claims, [member("a")]), Asked(claims, [member("a")], turn(feature="chat"))
        claims.rest(Rest(provider="openai", address="openai/a", feature="image", milliseconds=60_000))

        assert image.refusal().reason == "members"
        assert chat.take() == "a"
        assert claims.resting() == {}

    def test_a_cooldown_of_an_org_is_one_of_all_its_keys(self, claims: Engine):
        asked = Asked(
            claims, [member(alias, org=org) for alias, org in (("a", "x"), ("b", "x"), ("c", "y"), ("d", ""))]
        )
        other = Asked(claims, [Member(address="groq/a", org="x")], turn(pool="q", provider="groq"))
        claims.rest(Rest(provider="openai", org="x", milliseconds=60_000))

        assert asked.take() == "c"
        assert [each.why for each in asked.standings()] == ["resting", "resting", "", ""]
        assert sorted(claims.resting()) == ["openai/a", "openai/b"]
        assert isinstance(other.claim(), Taken)

    def test_a_cooldown_is_known_to_turns_that_are_enlisted_later(self, claims: Engine):
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=60_000))
        claims.rest(Rest(provider="openai", org="x", feature="image", milliseconds=60_000))
        asked = Asked(claims, [member("a"), member("b", org="x"), member("c")])

        assert asked.take() == "c"
        assert [each.last_limited > 0 for each in asked.standings()] == [True, True, False]

    def test_enlisting_again_keeps_cooldowns(self, claims: Engine):
        asked = Asked(claims, [member("a"), member("b")])
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=60_000))
        asked.enlist([member("a"), member("b")])

        assert asked.take() == "b"

    def test_waking_ends_the_cooldowns_of_the_key_and_its_org_only(self, claims: Engine):
        asked = Asked(claims, [member("a", org="x"), member("b", org="x"), member("c")])
        rests: list[dict[str, Any]] = [{"org": "x"}, *({"address": f"openai/{alias}"} for alias in "acb")]
        for rest in rests:
            claims.rest(Rest(provider="openai", milliseconds=60_000, **rest))
        claims.wake("openai/a")

        assert [each.why for each in asked.standings()] == ["", "resting", "resting"]
        assert asked.take() == "a"

    def test_waking_for_a_feature_ends_what_was_set_for_it_alone(self, claims: Engine):
        asked = Asked(claims, [member("a"), member("b")])
        for address, feature in (("openai/a", "image"), ("openai/b", "image"), ("openai/b", "")):
            claims.rest(Rest(provider="openai", address=address, feature=feature, milliseconds=60_000))
        claims.wake("openai/a", "chat")
        assert [each.why for each in asked.standings()] == ["resting", "resting"]
        claims.wake("openai/a", "image")
        claims.wake("openai/b", "image")

        assert [each.why for each in asked.standings()] == ["", "resting"]

    def test_waking_keeps_what_the_rates_count(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day")])
        asked.take()
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=60_000))
        claims.wake("openai/a")

        assert asked.refusal().reason == "members"
        assert asked.standing("a").why == "rate"

    def test_waking_or_resting_what_is_not_known_is_no_error(self, claims: Engine):
        claims.wake("openai/nobody")
        claims.rest(Rest(provider="openai", address="openai/nobody", milliseconds=60_000))

        assert list(claims.resting()) == ["openai/nobody"]


class OfAKeysOwnChanges:
    @pytest.mark.parametrize("why", ["invalid", "missing"])
    @pytest.mark.parametrize("feature", ["", "image"])
    def test_a_new_value_ends_what_was_the_old_ones_fault(self, claims: Engine, why: str, feature: str):
        asked = Asked(claims, [member("a"), member("b")])
        for address in ("openai/a", "openai/b"):
            claims.rest(Rest(provider="openai", address=address, feature=feature, until=NEVER, limited=False, why=why))
        asked.refusal()
        claims.renewed("openai/a")

        assert asked.take() == "a"
        assert [each.why for each in asked.standings()] == ["", why]
        assert "openai/a" not in claims.resting()

    def test_a_new_value_keeps_other_cooldowns_and_what_the_rates_count(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day"), member("b"), member("c", org="x")])
        asked.take(only="openai/a")
        subjects: list[dict[str, Any]] = [{"address": "openai/b"}, {"org": "x"}]
        for subject in subjects:
            claims.rest(Rest(provider="openai", milliseconds=60_000, **subject))
        for alias in "abcd":
            claims.renewed(f"openai/{alias}")

        assert asked.refusal().reason == "members"
        assert [each.why for each in asked.standings()] == ["rate", "resting", "resting"]

    def test_a_renamed_key_keeps_its_cooldowns(self, claims: Engine):
        rests: list[dict[str, Any]] = [{"until": NEVER, "why": "invalid"}, {"feature": "image", "milliseconds": 60_000}]
        for rest in rests:
            claims.rest(Rest(provider="openai", address="openai/a", **rest))
        asked = Asked(claims, [member("a"), member("b")])
        asked.take(only="openai/b")
        claims.renamed("openai/a", "openai/b")

        assert [each.why for each in asked.standings()] == ["", "invalid"]
        assert asked.standing("b").last_limited > 0
        assert claims.resting() == {"openai/b": NEVER}
        assert asked.take() == "a"

    def test_a_renamed_key_keeps_its_uses_and_leaves_none(self, claims: Engine):
        counted = {"own": rates("3"), "org": ""}
        asked = Asked(claims, [member("a", "5/day", **counted), member("ab", "5/day", **counted)])
        for _ in range(2):
            asked.take(only="openai/a")
        asked.take(only="openai/ab")
        claims.renamed("openai/a", "openai/c")
        asked.enlist([member(alias, "5/day", **counted) for alias in ("a", "ab", "c")])

        left = {each.address.removeprefix("openai/"): [n for _, n in each.remaining] for each in asked.standings()}
        assert left == {"a": [5, 3], "ab": [4, 2], "c": [3, 1]}
        assert [asked.take(only="openai/c"), asked.refusal(only="openai/c").retry_at] == ["c", NEVER]

    def test_renaming_to_where_something_was_counted_counts_both_and_twice_is_as_good_as_once(self, claims: Engine):
        asked = Asked(claims, [member(alias, "4/day", own=rates("9")) for alias in "ab"])
        for alias in "abab":
            asked.take(only=f"openai/{alias}")
        for _ in range(2):
            claims.renamed("openai/a", "openai/b")

        assert [left for _, left in asked.standing("b").remaining] == [0, 5]
        assert [left for _, left in asked.standing("a").remaining] == [4, 9]
        refused = asked.refusal(only="openai/b")
        assert 0 < refused.retry_at - refused.now <= 86_400_001
        assert asked.take() == "a"

    def test_renaming_to_the_same_address_changes_nothing(self, claims: Engine):
        asked = Asked(claims, [member("a", "4/day", own=rates("9")), member("b")])
        asked.take()
        claims.rest(Rest(provider="openai", address="openai/a", milliseconds=60_000))
        before = asked.standing("a")
        claims.renamed("openai/a", "openai/a")

        assert asked.standing("a").remaining == before.remaining
        assert asked.take() == "b"

    def test_a_renamed_key_that_was_used_up_frees_its_old_address(self, claims: Engine):
        asked = Asked(claims, [member("a", own=rates("1"))])
        asked.take()
        asked.refusal()
        claims.renamed("openai/a", "openai/b")

        assert asked.take() == "a"

    def test_what_was_taken_before_a_renaming_is_given_back_once_at_most(self, claims: Engine):
        asked = Asked(claims, [member(alias, own=rates("2")) for alias in "ab"])
        asked.take(only="openai/a")
        claims.renamed("openai/a", "openai/b")
        for _ in range(2):
            claims.give_back(asked.lease)

        assert [left for _, left in asked.standing("a").remaining] == [2]
        assert asked.standing("b").remaining[0][1] in (1, 2)

    def test_an_unknown_key_is_no_error(self, claims: Engine):
        claims.renewed("openai/nobody")
        claims.renamed("openai/nobody", "groq/nobody")

        assert claims.resting() == {}


class OfTakingBack:
    def test_a_use_is_given_back_to_every_stream_once(self, claims: Engine):
        its = turn(org_rates=rates("3/day"), pool_rates=rates("3/day"))
        asked = Asked(claims, [member("a", "3/day", org="o", own=rates("3"))], its)
        wish = {"caller": "user:1", "quota": rates("3/day")}
        asked.take(**wish)
        asked.take(**wish)
        lease = asked.lease
        asked.take(**wish)
        assert asked.refusal(**wish).reason == "quota"
        for _ in range(3):
            claims.give_back(lease)

        assert {left for _, left in asked.standing("a").remaining} == {1}
        assert asked.take(**wish) == "a"
        assert asked.refusal(**wish).reason == "quota"
        assert asked.refusal().reason == "pool"

    def test_a_key_that_was_passed_over_is_free_again(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day"), member("b", "1/day")])
        asked.take()
        lease = asked.lease
        asked.take()
        asked.refusal()
        claims.give_back(lease)

        assert asked.take() == "a"
        assert asked.refusal().reason == "members"

    @pytest.mark.parametrize("fields", [{"org_rates": rates("1/day")}, {"pool_rates": rates("1/day")}])
    def test_what_an_org_or_a_pool_counted_is_free_again(self, claims: Engine, fields: dict[str, Any]):
        asked = Asked(claims, [member("a", org="o"), member("b", org="o")], turn(**fields))
        asked.take()
        lease = asked.lease
        asked.refusal()
        claims.give_back(lease)

        assert asked.take() == "a"

    def test_all_uses_of_a_lifetime_can_be_given_back(self, claims: Engine):
        asked = Asked(claims, [member("a", "2")])
        leases = []
        for _ in range(2):
            asked.take()
            leases.append(asked.lease)
        for lease in leases:
            claims.give_back(lease)

        assert [asked.take(), asked.take()] == ["a", "a"]
        assert asked.refusal().retry_at == NEVER

    def test_an_unknown_lease_changes_nothing(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day")])
        asked.take()
        claims.give_back("no such lease")

        assert asked.refusal().reason == "members"

    def test_the_gap_is_closed_where_it_was(self, claims: Engine, pass_time: PassTime):
        window = f"2/0.{SOON}s"
        asked = Asked(claims, [member("a", window)])
        asked.take()
        pass_time(SOON // 3)
        asked.take()
        middle = asked.lease
        claims.give_back(middle)
        asked.take()
        refused = asked.refusal()

        assert refused.retry_at - refused.now <= SOON - SOON // 3 + 1


class OfPeeking:
    @pytest.mark.parametrize("policy", sorted(POLICIES))
    def test_peek_says_what_claim_will_do_and_changes_nothing(self, claims: Engine, policy: str):
        its = turn(policy, pool_rates=rates("5/day"))
        asked = Asked(claims, [member(alias, "2/day", weight=number + 1.0) for number, alias in enumerate("abc")], its)
        for step in range(7):
            before = [(each.uses, each.remaining, each.last_used) for each in asked.standings()]
            seen = [asked.peek(seed=step, session="s") for _ in range(3)]
            assert [(each.uses, each.remaining, each.last_used) for each in asked.standings()] == before
            done = asked.claim(seed=step, session="s")
            assert {type(each) for each in seen} == {type(done)}
            if isinstance(done, Taken):
                told = {(each.address, each.remaining) for each in seen if isinstance(each, Taken)}
                assert told == {(done.address, done.remaining)}
            else:
                assert isinstance(done, Refused)
                assert {(each.reason, each.retry_at) for each in seen if isinstance(each, Refused)} == {
                    (done.reason, done.retry_at)
                }


class OfChoosing:
    def test_only_one_address_can_be_asked_for(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day"), member("b"), member("c", expires_at=PAST)])

        assert asked.take(only="openai/b") == "b"
        assert asked.take(only="openai/a") == "a"
        refused = asked.refusal(only="openai/a")
        assert (refused.reason, refused.members) == ("members", 1)
        assert asked.refusal(only="openai/c").retry_at == NEVER
        assert asked.refusal(only="openai/z").reason == "none"

    @pytest.mark.parametrize("policy", sorted(POLICIES))
    def test_an_expired_key_is_never_taken(self, claims: Engine, policy: str):
        keys = [member("a", expires_at=PAST), member("b", expires_at=FUTURE), member("c", expires_at=PAST)]
        asked = Asked(claims, keys, turn(policy))

        assert {asked.take(seed=seed, session=str(seed)) for seed in range(6)} == {"b"}
        assert [each.why for each in asked.standings()] == ["expired", "", "expired"]

    def test_when_all_are_expired_it_says_never(self, claims: Engine):
        asked = Asked(claims, [member("a", expires_at=PAST), member("b", expires_at=PAST)])
        refused = asked.refusal()

        assert (refused.reason, refused.retry_at, refused.members) == ("members", NEVER, 2)

    def test_round_robin_goes_on_where_it_was_whoever_comes_goes_or_rests(self, claims: Engine):
        keys = [member(alias) for alias in "abcd"]
        asked = Asked(claims, keys, turn("round-robin"))
        assert [asked.take() for _ in range(2)] == ["a", "b"]
        claims.rest(Rest(provider="openai", address="openai/c", milliseconds=60_000))
        assert asked.take() == "d"
        asked.enlist([member(alias) for alias in "bcdef"])

        assert [asked.take() for _ in range(5)] == ["e", "f", "b", "d", "e"]

    def test_each_feature_has_its_own_round(self, claims: Engine):
        keys = [member(alias) for alias in "ab"]
        both = [Asked(claims, keys, turn("round-robin", feature=feature)) for feature in ("image", "chat")]

        assert [asked.take() for _ in range(3) for asked in both] == ["a", "a", "b", "b", "a", "a"]

    def test_least_recently_limited_is_by_the_last_429_and_not_by_the_first_that_is_free(
        self, claims: Engine, pass_time: PassTime
    ):
        asked = Asked(claims, [member(alias) for alias in "abc"], turn("least-recently-limited"))
        for alias in "ba":
            claims.rest(Rest(provider="openai", address=f"openai/{alias}", milliseconds=1))
            pass_time(5)

        assert [asked.take() for _ in range(2)] == ["c", "c"]
        claims.rest(Rest(provider="openai", address="openai/c", milliseconds=1))
        pass_time(5)
        assert [asked.take() for _ in range(2)] == ["b", "b"]

    def test_least_recently_limited_takes_what_was_used_longest_ago(self, claims: Engine, pass_time: PassTime):
        asked = Asked(claims, [member(alias) for alias in "abc"], turn("least-recently-limited"))
        taken = []
        for _ in range(6):
            taken.append(asked.take())
            pass_time(3)

        assert taken == ["a", "b", "c", "a", "b", "c"]

    def test_soonest_ready_takes_the_least_bad_one_without_counting_it(self, claims: Engine):
        asked = Asked(claims, [member("a", "1/day"), member("b", "1/minute"), member("c", expires_at=PAST)])
        assert [asked.take(soonest_ready=True) for _ in range(2)] == ["a", "b"]
        answer = asked.claim(soonest_ready=True)

        assert isinstance(answer, Taken)
        assert answer.address == "openai/b"
        assert 0 < answer.ready_at - answer.now <= 60_001
        assert asked.standing("b").uses == 2
        assert asked.refusal().retry_at == answer.ready_at

    def test_soonest_ready_takes_nothing_that_is_never_ready(self, claims: Engine):
        asked = Asked(claims, [member("a", "1"), member("b", expires_at=PAST)])
        asked.take()

        assert asked.refusal(soonest_ready=True).retry_at == NEVER

    def test_soonest_ready_respects_the_quota_and_the_pools_limit(self, claims: Engine):
        asked = Asked(claims, [member("a")], turn(pool_rates=rates("2/day")))
        quota = {"caller": "user:1", "quota": rates("1/day"), "soonest_ready": True}
        asked.take(**quota)

        assert asked.refusal(**quota).reason == "quota"
        asked.take()
        assert asked.refusal(soonest_ready=True).reason == "pool"


class OfBearers:
    def test_what_is_left_of_each_is_told_and_taken_from_none(self, claims: Engine, callers: Callers):
        asked, above = Asked(claims, [member("a")]), token(callers, "above", "9")
        one, free = token(callers, "t", "3", "2/hour", "5/day@UTC", parent="above"), token(callers, "free")
        nobody = Bearer(id="nobody", rates=rates("7", "4/day@UTC"))
        for _ in range(2):
            asked.take(bearers=(one, above))

        for _ in range(2):
            assert claims.left((one, free, above, nobody)) == [[1, 0, 3], [], [7], [7, 4]]
        assert claims.left(()) == []

    def test_a_limit_that_is_changed_counts_what_was_used_before(self, claims: Engine, callers: Callers):
        asked, one = Asked(claims, [member("a")]), token(callers, "t", "9", "8/day")
        for _ in range(3):
            asked.take(bearers=(one,))

        for amounts, left in ((("5", "4/hour"), [2, 1]), (("2", "2/day"), [0, 0]), (("20",), [17])):
            assert claims.left((Bearer(id="t", rates=rates(*amounts)),)) == [left]
        assert asked.refusal(bearers=(Bearer(id="t", rates=rates("2")),)).reason == "bearer"

    def test_each_use_is_counted_on_the_token(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a")]), (token(callers, "t", "2/hour"),)
        assert [asked.take(bearers=bearers), asked.take(bearers=bearers)] == ["a", "a"]
        refused = asked.refusal(bearers=bearers)

        assert refused.reason == "bearer"
        assert 0 < refused.retry_at - refused.now <= 3_600_001
        assert refused.retry_wall - refused.retry_at == wall_ahead(claims)
        assert refused.members == 1
        assert asked.take() == "a", "who asks without it is not counted on it"

    def test_it_opens_at_the_promised_moment_and_not_before(
        self, claims: Engine, callers: Callers, pass_time: PassTime
    ):
        asked, bearers = Asked(claims, [member("a")]), (token(callers, "t", f"1/0.{SOON}s"),)
        asked.take(bearers=bearers)
        refused = asked.refusal(bearers=bearers)
        pass_time(refused.retry_at - refused.now)

        assert asked.take(bearers=bearers) == "a"

    def test_a_token_without_rates_is_only_looked_for(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a")]), (token(callers),)

        assert [asked.take(bearers=bearers) for _ in range(5)] == ["a"] * 5

    def test_a_token_that_is_not_there_takes_nothing_and_waiting_does_not_help(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a", "1/day")]), (token(callers, "t", "9/day"), Bearer(id="nobody"))
        refused = asked.refusal(bearers=bearers)

        assert (refused.reason, refused.retry_at, refused.retry_wall) == ("token", NEVER, NEVER)
        assert refused.members == 1
        answer = asked.claim(bearers=bearers[:1])
        assert isinstance(answer, Taken)
        assert answer.remaining == 0
        assert asked.refusal(bearers=bearers[1:]).reason == "token"

    def test_the_next_claim_after_it_was_revoked_is_refused(self, claims: Engine, callers: Callers):
        asked, above = Asked(claims, [member("a")]), token(callers, "above")
        bearers = (token(callers, "t", parent="above"), above)
        assert asked.take(bearers=bearers) == "a"
        callers.remove_token("above")

        assert asked.refusal(bearers=bearers).reason == "token"
        assert asked.refusal(bearers=bearers[:1]).reason == "token"

    def test_a_token_that_is_changed_is_there_still(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a")]), (token(callers, "t", "2/day"),)
        asked.take(bearers=bearers)
        old = callers.tokens()[0]
        assert callers.change_token(old, replace(old, digest="rotated", name="other", scope="pool=p"))

        assert asked.take(bearers=bearers) == "a"
        assert asked.refusal(bearers=bearers).reason == "bearer"

    def test_an_expired_token_is_refused_from_that_moment_on(
        self, claims: Engine, callers: Callers, pass_time: PassTime
    ):
        asked = Asked(claims, [member("a")])
        answer = asked.claim()
        assert isinstance(answer, Taken)
        ends = answer.now + wall_ahead(claims) + 10 * SOON
        bearers = (token(callers, "t", expires_at=ends), token(callers, "u"))
        assert asked.take(bearers=bearers) == "a"
        pass_time(10 * SOON)

        refused = asked.refusal(bearers=bearers)
        assert (refused.reason, refused.retry_at) == ("token", NEVER)
        assert asked.take(bearers=bearers[1:]) == "a"

    def test_a_token_that_expired_long_ago_is_refused_and_one_that_never_does_is_not(
        self, claims: Engine, callers: Callers
    ):
        asked = Asked(claims, [member("a")])

        assert asked.take(bearers=(token(callers, "never", expires_at=0),)) == "a"
        assert asked.refusal(bearers=(token(callers, "t", expires_at=1),)).reason == "token"

    def test_all_that_it_was_made_under_are_counted_too(self, claims: Engine, callers: Callers):
        asked, above = Asked(claims, [member("a")]), token(callers, "above", "3/day")
        one, other = (token(callers, name, "2/day", parent="above") for name in ("one", "other"))

        assert [asked.take(bearers=(one, above)) for _ in range(2)] == ["a", "a"]
        assert asked.refusal(bearers=(one, above)).reason == "bearer"
        assert asked.take(bearers=(other, above)) == "a"
        assert asked.refusal(bearers=(other, above)).reason == "bearer"
        assert asked.take(bearers=(other,)) == "a", "the last of its own two was not taken"

    def test_a_token_counts_for_all_pools_features_and_providers(self, claims: Engine, callers: Callers):
        bearers = (token(callers, "t", "3/day"),)
        turns = turn(), turn(feature="chat"), turn(pool="q"), turn(pool="r", provider="groq")
        asked = [Asked(claims, [member("a")], its) for its in turns]

        assert [each.take(bearers=bearers) for each in asked[:3]] == ["a"] * 3
        assert [each.refusal(bearers=bearers).reason for each in asked] == ["bearer"] * 4

    def test_a_lifetime_of_uses_never_comes_back(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a")]), (token(callers, "t", "2", "9/day"),)
        taken = [asked.claim(bearers=bearers) for _ in range(2)]
        refused = asked.refusal(bearers=bearers)

        assert [each.remaining for each in taken if isinstance(each, Taken)] == [1, 0]
        assert (refused.reason, refused.retry_at) == ("bearer", NEVER)

    def test_a_tokens_calendar_windows_count_too(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a")]), (token(callers, "t", "1/month@Europe/Berlin"),)
        asked.take(bearers=bearers)
        refused = asked.refusal(bearers=bearers)

        assert refused.reason == "bearer"
        assert 0 < refused.retry_at - refused.now <= 32 * 86_400_000

    def test_a_raised_amount_counts_at_once(self, claims: Engine, callers: Callers):
        asked, bearer = Asked(claims, [member("a")]), token(callers, "t", "1/day")
        asked.take(bearers=(bearer,))
        asked.refusal(bearers=(bearer,))

        assert asked.take(bearers=(replace(bearer, rates=rates("2/day")),)) == "a"
        assert asked.refusal(bearers=(replace(bearer, rates=rates("2")),)).reason == "bearer"

    def test_remaining_is_the_least_of_these_too(self, claims: Engine, callers: Callers):
        asked = Asked(claims, [member("a", "9/day")])
        bearers = (token(callers, "t", "9/day"), token(callers, "u", "8/day", "5"))
        answer = asked.claim(bearers=bearers)

        assert isinstance(answer, Taken)
        assert answer.remaining == 4

    def test_of_several_reasons_the_first_is_told(self, claims: Engine, callers: Callers):
        its = turn(pool_rates=rates("1/day"))
        asked = Asked(claims, [member("a", "1/day")], its)
        good, bad = token(callers, "t", "1/day"), Bearer(id="nobody")
        quota = {"caller": "user:1", "quota": rates("1/day")}
        asked.take(bearers=(good,), **quota)

        assert asked.refusal(bearers=(good, bad), **quota).reason == "token"
        assert asked.refusal(bearers=(good,), **quota).reason == "bearer"
        assert asked.refusal(bearers=(replace(good, rates=()),), **quota).reason == "quota"
        assert asked.refusal(bearers=(replace(good, rates=()),)).reason == "pool"
        refused = asked.refusal(bearers=(bad,), only="openai/z")
        assert (refused.reason, refused.members) == ("none", 0)
        asked.enlist([])
        assert asked.refusal(bearers=(bad,)).reason == "none"

    def test_the_latest_moment_is_told(self, claims: Engine, callers: Callers):
        asked, hour = Asked(claims, [member("a", "1/week")]), token(callers, "t", "1/hour")
        asked.take(bearers=(hour,))
        refused = asked.refusal(bearers=(hour,))
        assert refused.reason == "bearer"
        assert refused.retry_at - refused.now > 6 * 86_400_000

        week = replace(hour, rates=rates("1/week"))
        other = Asked(claims, [member("b", "1/hour")], turn(pool="q", pool_rates=rates("1/day")))
        other.take()
        refused = other.refusal(bearers=(week,))
        assert refused.reason == "bearer"
        assert refused.retry_at - refused.now > 6 * 86_400_000

    def test_what_is_refused_takes_no_use_of_it(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a", "1/day")]), (token(callers, "t", "3"),)
        asked.take(bearers=bearers)
        for fields in ({}, {"caller": "user:1", "quota": rates("1/day")}, {"only": "openai/z"}):
            asked.refusal(bearers=bearers, **fields)
        asked.refusal(bearers=(*bearers, Bearer(id="nobody")))
        asked.enlist([member("a")])

        assert [asked.take(bearers=bearers), asked.take(bearers=bearers)] == ["a", "a"]
        assert asked.refusal(bearers=bearers).reason == "bearer"

    def test_peek_says_it_too_and_counts_nothing(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a")]), (token(callers, "t", "2"),)
        for expected in (1, 0):
            peeked = asked.peek(bearers=bearers)
            answer = asked.claim(bearers=bearers)
            assert isinstance(peeked, Taken)
            assert isinstance(answer, Taken)
            assert answer.remaining == expected
        for bearer, reason in ((bearers[0], "bearer"), (Bearer(id="nobody"), "token")):
            refused = asked.peek(bearers=(bearer,))
            assert isinstance(refused, Refused)
            assert (refused.reason, refused.retry_at) == (reason, NEVER)

    def test_a_use_that_is_given_back_is_given_back_to_every_token_once(self, claims: Engine, callers: Callers):
        asked = Asked(claims, [member("a")])
        bearers = (token(callers, "t", "2", "2/day"), token(callers, "u", "2/hour"))
        asked.take(bearers=bearers)
        lease = asked.lease
        asked.take(bearers=bearers)
        assert asked.refusal(bearers=bearers).reason == "bearer"
        for _ in range(3):
            claims.give_back(lease)

        assert asked.take(bearers=bearers) == "a"
        assert [asked.refusal(bearers=(each,)).reason for each in bearers] == ["bearer", "bearer"]

    def test_a_use_of_a_token_that_is_gone_may_be_given_back(self, claims: Engine, callers: Callers):
        asked, bearers = Asked(claims, [member("a", "1")]), (token(callers, "t", "2"),)
        asked.take(bearers=bearers)
        callers.remove_token("t")
        claims.give_back(asked.lease)

        assert asked.take() == "a"

    def test_with_a_token_goes_what_was_counted_on_it_and_on_those_under_it(self, claims: Engine, callers: Callers):
        asked = Asked(claims, [member("a")])
        above = token(callers, "above", "1")
        under = token(callers, "under", "1/day", parent="above")
        asked.take(bearers=(under, above))
        callers.remove_token("above")
        token(callers, "above")
        token(callers, "under")

        assert asked.take(bearers=(under, above)) == "a"
        assert [asked.refusal(bearers=(each,)).reason for each in (under, above)] == ["bearer", "bearer"]

    def test_soonest_ready_respects_tokens_and_counts_nothing_on_them_while_it_waits(
        self, claims: Engine, callers: Callers
    ):
        asked, bearers = Asked(claims, [member("a", "1/day")]), (token(callers, "t", "2"),)
        asked.take(bearers=bearers)
        for _ in range(3):
            assert asked.take(bearers=bearers, soonest_ready=True) == "a"
        used_up = (replace(bearers[0], rates=rates("1")),)

        assert asked.refusal(bearers=used_up, soonest_ready=True).reason == "bearer"
        assert asked.refusal(bearers=(Bearer(id="nobody"),), soonest_ready=True).reason == "token"

    @pytest.mark.parametrize("name", ["a:b", "ü", "x" * 300, "'; --", "{y}", " two  blanks ", "a\nb", "a|b%41"])
    def test_any_id_is_counted_by_itself(self, claims: Engine, callers: Callers, name: str):
        asked = Asked(claims, [member("a")])
        one, other = (token(callers, id, "1") for id in (name, name + "!"))  # noqa: A001 - it is called so everywhere

        assert asked.take(bearers=(one,)) == "a"
        assert asked.refusal(bearers=(one,)).reason == "bearer"
        assert asked.take(bearers=(other,)) == "a"


class OfClaimingAll:
    def test_nobody_asks_for_nothing(self, claims: Engine):
        assert claims.claim_all([]) == []

    # the other policies look at moments or at the addresses themselves
    @pytest.mark.parametrize("policy", ["first", "random", "round-robin", "soonest-expiring", "weighted"])
    def test_each_gets_what_it_would_get_one_after_the_other(self, claims: Engine, policy: str):
        both = []
        for pool in ("one", "all"):
            members = [member(f"{pool}{number}", "2/day", "1/day@UTC" if number % 2 else "3") for number in range(3)]
            asked = Asked(claims, members, turn(policy, pool=pool, pool_rates=rates("6/week@UTC")))
            callers = [f"{pool}:{number % 3}" for number in range(9)]
            wishes = [asked.wish(seed=seed, caller=each, quota=rates("2/day")) for seed, each in enumerate(callers)]
            answers = list(map(claims.claim, wishes)) if pool == "one" else claims.claim_all(wishes)
            both.append([_without_times(answer, pool) for answer in answers])

        assert both[0] == both[1]
        assert {each[0] for each in both[0]} == {"taken", "refused"}

    @pytest.mark.parametrize("seed", range(8))
    def test_a_turn_goes_on_as_if_each_had_come_alone(self, claims: Engine, seed: int):
        both = []
        for pool in ("one", "all"):
            luck = random.Random(seed)  # noqa: S311 - chance, no secret
            members = [
                member(f"{pool}{number}", f"{luck.randint(1, 3)}/day", org=f"{pool}:{luck.randint(0, 2)}")
                for number in range(6)
            ]
            asked = Asked(claims, members, turn("round-robin", pool=pool, org_rates=rates("5/day")))
            groups = [[_any_wish(asked, luck, pool) for _ in range(luck.randint(1, 7))] for _ in range(6)]
            take = claims.claim_all if pool == "all" else lambda wishes: list(map(claims.claim, wishes))
            answers = [_without_times(answer, pool) for wishes in groups for answer in take(wishes)]
            both.append((answers, [(each.uses, each.remaining) for each in asked.standings()]))

        assert both[0] == both[1]
        assert {each[0] for each in both[0][0]} == {"taken", "refused"}

    def test_whom_a_refused_one_would_have_got_the_next_one_gets(self, claims: Engine):
        asked = Asked(claims, [member(alias, "9/day") for alias in "abcdefgh"], turn("round-robin"))
        callers = ["bot", "bot", "bot", "other", "bot", "other"]
        answers = claims.claim_all([asked.wish(caller=each, quota=rates("1/day")) for each in callers])

        assert [each.address for each in answers if isinstance(each, Taken)] == ["openai/a", "openai/b"]
        assert [each.uses for each in asked.standings()] == [1, 1, *[0] * 6]

    def test_each_use_is_noted_with_its_key(self, claims: Engine):
        asked = Asked(claims, [member(alias, "9/day") for alias in "abc"], turn("round-robin"))
        for _ in range(2):
            claims.claim_all([asked.wish() for _ in range(2)])

        assert [each.uses for each in asked.standings()] == [2, 1, 1]
        assert all(each.last_used for each in asked.standings())

    def test_each_use_is_noted_though_the_keys_wait_for_their_org_by_now(self, claims: Engine):
        members = [*(member(alias, org="o") for alias in "abc"), member("d", "9/day")]
        asked = Asked(claims, members, turn("round-robin", org_rates=rates("2/day")))
        answers = claims.claim_all([asked.wish() for _ in range(4)])

        taken = [each.address.removeprefix("openai/") for each in answers if isinstance(each, Taken)]
        assert taken == ["a", "b", "d", "d"]
        assert [each.uses for each in asked.standings()] == [1, 1, 0, 2]

    def test_the_turn_goes_on_after_a_key_that_was_asked_for(self, claims: Engine):
        asked = Asked(claims, [member(alias, "9/day") for alias in "abcd"], turn("round-robin"))
        only = ["", "openai/c", "", "", ""]
        answers = claims.claim_all([asked.wish(only=each) for each in only])

        taken = [each.address.removeprefix("openai/") for each in answers if isinstance(each, Taken)]
        assert taken == ["a", "c", "d", "a", "b"]
        assert [each.uses for each in asked.standings()] == [2, 1, 1, 1]

    def test_who_is_passed_by_for_a_key_that_was_asked_for_counts_as_unused(self, claims: Engine):
        asked = Asked(claims, [member(alias, "9/day") for alias in "abcdef"], turn("round-robin"))
        answers = claims.claim_all([asked.wish(only=each) for each in ("", "openai/c", "")])

        taken = [each.address.removeprefix("openai/") for each in answers if isinstance(each, Taken)]
        assert taken == ["a", "c", "d"]
        assert [each.uses for each in asked.standings()] == [1, 0, 1, 1, 0, 0]

    def test_together_they_take_no_more_than_there_is(self, claims: Engine):
        asked = Asked(claims, [member("a", "2/day"), member("b", "1/day")], turn("round-robin"))
        answers = claims.claim_all([asked.wish() for _ in range(5)])

        taken = [each.address for each in answers if isinstance(each, Taken)]
        assert taken == ["openai/a", "openai/b", "openai/a"]
        assert [each.reason for each in answers if isinstance(each, Refused)] == ["members"] * 2
        assert isinstance(answers[4], Refused)

    def test_they_may_be_of_several_turns_of_which_some_are_unlisted(self, claims: Engine, ledger: Ledger):
        old = Asked(claims, [member("a")], turn(pool="old"))
        ledger.put(Entry(Address("x", "y"), backend="file"))
        new, chat = Asked(claims, [member("a")]), Asked(claims, [member("b")], turn(feature="chat"))
        answers = claims.claim_all([new.wish(), old.wish(), chat.wish(), new.wish(only="openai/z")])

        assert [type(each) for each in answers] == [Taken, Unlisted, Taken, Refused]
        assert [each.address for each in answers if isinstance(each, Taken)] == ["openai/a", "openai/b"]

    def test_tokens_are_looked_for_and_counted(self, claims: Engine, callers: Callers):
        asked, bearer = Asked(claims, [member("a")]), token(callers, "t", "2/day")
        wishes = [asked.wish(bearers=(bearer,)) for _ in range(3)]
        answers = claims.claim_all([*wishes, asked.wish(bearers=(Bearer(id="nobody"),)), asked.wish()])

        assert [each.reason if isinstance(each, Refused) else "" for each in answers] == ["", "", "bearer", "token", ""]

    def test_each_is_given_back_by_itself(self, claims: Engine):
        asked = Asked(claims, [member("a", "3/day")])
        wishes = [asked.wish() for _ in range(3)]
        claims.claim_all(wishes)
        claims.give_back(wishes[1].lease)

        assert asked.standing("a").remaining[0][1] == 1
        assert asked.take() == "a"
        assert asked.refusal().reason == "members"

    def test_many_at_once(self, claims: Engine):
        asked = Asked(claims, [member(str(number), "5/day") for number in range(50)], turn("round-robin"))
        answers = claims.claim_all([asked.wish() for _ in range(300)])

        assert [isinstance(each, Taken) for each in answers] == [True] * 250 + [False] * 50


def _any_wish(asked: Asked, luck: random.Random, pool: str) -> Claim:
    kind = luck.choice(["plain", "plain", "only", "caller"])
    if kind == "only":
        return asked.wish(only=f"openai/{pool}{luck.randint(0, 7)}")
    if kind == "caller":
        return asked.wish(caller=f"{pool}:{luck.randint(0, 1)}", quota=rates("2/day"))
    return asked.wish()


def _without_times(answer: Taken | Refused | Unlisted, pool: str) -> tuple[object, ...]:
    if isinstance(answer, Taken):
        return "taken", answer.address.removeprefix(f"openai/{pool}"), answer.remaining
    assert isinstance(answer, Refused)
    return "refused", answer.reason, answer.members


class OfDocuments:
    def test_there_are_none_at_first(self, claims: Engine):
        assert claims.documents("pool") == []
        assert not claims.forget_document("pool", "p")

    def test_gives_back_what_was_put_sorted_by_name(self, claims: Engine):
        stored = [StoredDocument(name, f'{{"x": "{name} ü"}}') for name in ("b", "a", "B")]
        for document in stored:
            assert claims.put_document("pool", document)
        claims.put_document("tier", StoredDocument("a", "other"))

        assert claims.documents("pool") == sorted(stored, key=lambda each: each.name)
        assert claims.documents("tier") == [StoredDocument("a", "other")]

    def test_a_new_one_replaces_none(self, claims: Engine):
        assert claims.put_document("pool", StoredDocument("a", "1"), new=True)
        before = claims.version()

        assert not claims.put_document("pool", StoredDocument("a", "2"), new=True)
        assert (claims.documents("pool"), claims.version()) == ([StoredDocument("a", "1")], before)
        assert claims.put_document("pool", StoredDocument("a", "3"))
        assert claims.documents("pool") == [StoredDocument("a", "3")]

    def test_one_that_changed_meanwhile_is_not_changed(self, claims: Engine):
        def found() -> list[tuple[str, str]]:
            return [(each.name, each.text) for each in claims.documents("note")]

        assert claims.change_document("note", "a", "", "1")
        before = claims.version()
        assert not claims.change_document("note", "a", "", "2")
        assert not claims.change_document("note", "a", "2", "3")
        assert not claims.change_document("note", "a", "2", "")
        assert not claims.change_document("note", "b", "1", "2")
        assert (found(), claims.version()) == ([("a", "1")], before)
        assert claims.change_document("note", "a", "1", "2")
        assert (found(), claims.version() == before) == ([("a", "2")], False)
        assert claims.change_document("note", "a", "2", "")
        assert found() == []

    def test_forgetting_a_pool_forgets_its_parts_too(self, claims: Engine):
        claims.put_document("pool", StoredDocument("p", "{}"))
        parts = [Asked(claims, [member("a")], turn(within=within)) for within in ("", "x")]
        other = Asked(claims, [member("a")], turn(pool="pp", within="x"))
        for each in (*parts, other):
            each.take()
        claims.forget_document("pool", "p")

        assert [each.standings() for each in parts] == [[], []]
        assert other.standings()[0].uses == 1

    def test_forgetting_a_pool_forgets_its_standings_and_counts_but_not_those_of_keys(self, claims: Engine):
        claims.put_document("pool", StoredDocument("p", "{}"))
        keys = [member("a", "2/day"), member("b")]
        asked = Asked(claims, keys, turn("round-robin", pool_rates=rates("2/day")))
        assert [asked.take(), asked.take()] == ["a", "b"]
        assert claims.forget_document("pool", "p")
        assert asked.standings() == []
        asked.enlist(keys)

        assert [asked.take(), asked.take()] == ["a", "b"]
        assert asked.standing("a").remaining == ((Rate.parse("2/day"), 0),)
        assert claims.documents("pool") == []


ALIASES = "abcdef"
KEYS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        alias=st.sampled_from(ALIASES),
        org=st.sampled_from(["", "x", "y"]),
        expires_at=st.sampled_from([PAST, FUTURE, FUTURE + 1, NEVER, NEVER]),
        weight=st.sampled_from([0.5, 1.0, 3.0]),
        key_set=st.sampled_from([("s", "", ""), ("t", "l", ""), ("t", "l", "b")]),
        rates=st.sampled_from([(), rates("1/day"), rates("2/hour"), rates("3/day", "2/hour"), rates("4")]),
        own=st.sampled_from([(), (), rates("3"), rates("2/week")]),
    ),
    unique_by=lambda key: key["alias"],
    max_size=len(ALIASES),
)
STEPS = st.lists(
    st.one_of(
        st.builds(lambda seed: ("claim", seed), st.integers(0, 99)),
        st.builds(lambda seed: ("claim", seed), st.integers(0, 99)),
        st.builds(
            lambda alias, feature: ("rest", alias, feature), st.sampled_from(ALIASES), st.sampled_from(["", "image"])
        ),
        st.builds(lambda org: ("rest org", org), st.sampled_from("xy")),
        st.builds(lambda alias: ("wake", alias), st.sampled_from(ALIASES)),
        st.builds(lambda back: ("back", back), st.integers(0, 5)),
        st.just(("enlist",)),
    ),
    min_size=5,
    max_size=25,
)
POOLS = itertools.count()


def candidates(members: Sequence[Member], standings: Sequence[Standing]) -> list[Candidate]:
    by_address = {each.address: each for each in standings}
    return [
        Candidate(
            address=each.address,
            org=each.org,
            expires_at=None if each.expires_at == NEVER else each.expires_at,
            last_limited=by_address[each.address].last_limited,
            last_used=by_address[each.address].last_used,
            remaining=min((left / rate.amount for rate, left in by_address[each.address].remaining), default=1.0),
            weight=each.weight,
            key_set=each.key_set,
        )
        for each in members
    ]


class OfOrder:
    @pytest.mark.parametrize("policy", sorted(POLICIES))
    @given(keys=KEYS, steps=STEPS, org_rates=st.sampled_from([(), rates("4/day")]))
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @pytest.mark.slow
    def test_what_is_taken_is_the_first_in_the_policys_order_that_is_free(
        self, claims: Engine, policy: str, keys: list[dict[str, Any]], steps: list[tuple[Any, ...]], org_rates: Any
    ):
        provider = f"p{next(POOLS)}"  # the engine is the same for all examples
        members = [
            Member(**{"address": f"{provider}/{key['alias']}", **{k: v for k, v in key.items() if k != "alias"}})
            for key in keys
        ]
        asked = Asked(claims, members, turn(policy, pool=provider, provider=provider, org_rates=org_rates))
        cursor, leases = "", []
        for what, *given_ in steps:
            if what == "claim":
                standings = asked.standings()
                free = {each.address for each in standings if not each.why}
                choice = Choice(cursor=cursor, seed=given_[0], session=str(given_[0]), wall=PAST)
                order = POLICIES[policy](candidates(members, standings), choice)
                answer = asked.claim(seed=given_[0], session=str(given_[0]))
                leases.append(asked.lease)
                expected = next((each.address for each in order if each.address in free), None)
                assert (answer.address if isinstance(answer, Taken) else None) == expected
                cursor = expected or cursor
                if isinstance(answer, Refused):
                    ready = min((each.ready_at for each in standings), default=NEVER)
                    assert (answer.reason, answer.retry_at) == ("members" if members else "none", ready)
            elif what == "rest":
                address, feature = f"{provider}/{given_[0]}", given_[1]
                claims.rest(Rest(provider=provider, address=address, feature=feature, milliseconds=60_000))
            elif what == "rest org":
                claims.rest(Rest(provider=provider, org=given_[0], milliseconds=50_000))
            elif what == "wake":
                claims.wake(f"{provider}/{given_[0]}")
            elif what == "back" and leases:
                claims.give_back(leases[given_[0] % len(leases)])
            elif what == "enlist":
                asked.enlist(members)


class OfSealedValues:
    """A claim that asks for it brings the key's sealed value, and takes the same use as one that does not."""

    @pytest.fixture
    def sealed(self, values: SealedValues) -> SealedValues:
        assert values.add_key(data_key(), after=None)
        assert values.put(sealed_value("openai/a"))
        return values

    def test_the_value_comes_with_the_key(self, claims: Engine, sealed: SealedValues):
        asked = Asked(claims, [member("a", "2/day")])

        taken = asked.claim(with_value=True)
        assert isinstance(taken, Taken)
        assert taken.value == sealed.value("openai/a") == sealed_value("openai/a")
        assert taken.remaining == 1
        assert asked.claim() == taken._replace(value=None, remaining=0, now=ANY, ready_at=ANY)

    def test_the_value_is_as_it_is_now(self, claims: Engine, sealed: SealedValues):
        asked = Asked(claims, [member("a")])
        assert asked.claim(with_value=True)
        assert sealed.put(sealed_value("openai/a", ciphertext=b"replaced"))

        taken = asked.claim(with_value=True)
        assert isinstance(taken, Taken)
        assert taken.value
        assert taken.value.ciphertext == b"replaced"

    def test_each_of_a_group_gets_its_own(self, claims: Engine, sealed: SealedValues):
        assert sealed.put(sealed_value("openai/b", ciphertext=b"other"))
        asked = Asked(claims, [member("a"), member("b"), member("c")], turn("round-robin"))

        taken = claims.claim_all([asked.wish(with_value=True), asked.wish(), asked.wish(with_value=True)])
        assert [each.value and each.value.address for each in taken if isinstance(each, Taken)] == [
            "openai/a",
            None,
            None,
        ]
        (fourth,) = claims.claim_all([asked.wish(with_value=True)])
        assert isinstance(fourth, Taken)
        assert fourth.value == sealed.value("openai/a")

    def test_a_key_without_one_is_taken_all_the_same(self, claims: Engine, sealed: SealedValues):
        sealed.remove("openai/a")
        taken = Asked(claims, [member("a")]).claim(with_value=True)

        assert isinstance(taken, Taken)
        assert taken.value is None


class ClaimsContract(
    OfSealedValues,
    OfTurns,
    OfRates,
    OfEditing,
    OfCooldowns,
    OfAKeysOwnChanges,
    OfTakingBack,
    OfPeeking,
    OfChoosing,
    OfBearers,
    OfClaimingAll,
    OfDocuments,
    OfOrder,
):
    """All of it."""
