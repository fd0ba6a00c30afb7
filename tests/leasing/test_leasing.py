from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.entry import Address, utc
from ringlet_py.errors import (
    KeychainBroken,
    KeyExpired,
    KeyInactive,
    LeaseEnded,
    LeaseNotFound,
    RingletError,
    StoreCorrupt,
    UsageError,
)
from ringlet_py.lending.reports import INVALID, QUOTA_SPENT, RATE_LIMITED, Outcome
from tests.leasing.world import ADMIN, HOUR, World
from tests.lending.world import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.ledger.tokens import StoredLease

DAY = 24 * HOUR


def ends(world: World, lease: StoredLease) -> float:
    """For how many seconds it still runs."""
    return lease.expires_at / 1000 - world.clock()


class Broken:
    """A store in which the verbs of these names fail."""

    def __init__(self, store: Any, *failing: str) -> None:
        self._store = store
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        return self._fail if name in self._failing else getattr(self._store, name)

    def _fail(self, *_: object) -> None:
        raise KeychainBroken("the disk is full")


class TestRemembering:
    def test_a_lease_says_who_got_which_key_and_until_when(self, world: World) -> None:
        lease = world.lend(pool="p", feature="image", user="7", purpose="a picture")
        assert (lease.address, lease.pool, lease.feature) == ("openai/a", "p", "image")
        assert (lease.caller, lease.token, lease.purpose) == ("user:7", "", "a picture")
        assert ends(world, lease) == HOUR
        assert world.leasing.get(lease.id, ADMIN) == lease

    def test_its_id_is_that_of_the_use(self, world: World) -> None:
        assert world.counted() == set()
        lease = world.lend(pool="p")
        assert world.counted() == {lease.id}

    def test_a_claim_that_counted_nothing_gets_an_id(self, world: World) -> None:
        world.environ["ANTHROPIC_API_KEY"] = "sk-ant-made-up-0123456789"
        request = ADMIN.request(Address("nowhere", "x"))
        world.keys.backend.set(Address("nowhere", "x"), value(Address("nowhere", "x")))
        found = world.broker.claim(request)
        assert found.id == ""
        lease = world.leasing.remember(found, request)
        assert len(lease.id) == 24
        assert world.leasing.release(lease.id, ADMIN).ended == "released"

    def test_what_is_remembered_holds_no_value(self, world: World) -> None:
        world.lend(pool="p")
        assert not any("made-up-openai" in line for line in world.dump())

    def test_it_ends_with_its_key(self, world: World) -> None:
        world.add("soon", expires_at=utc(world.clock() + 60))
        lease = world.lend(provider="openai", pool="", user="", ttl=DAY)
        while lease.address != "openai/soon":
            lease = world.lend(ttl=DAY)
        assert ends(world, lease) == 60

    def test_it_ends_with_its_token_and_with_those_above_it(self, world: World) -> None:
        above = world.token("above", ttl="10m")
        below = world.token("below", above)
        assert ends(world, world.lend(above, pool="p", ttl=DAY)) == 600
        assert ends(world, world.lend(below, pool="p", ttl=DAY)) == 600
        assert ends(world, world.lend(below, pool="p", ttl=10)) == 10

    @pytest.mark.parametrize("ttl", [0, 0.999, -1, 30 * DAY + 1, math.inf, math.nan])
    def test_a_length_that_cannot_be_is_refused_and_the_use_given_back(self, world: World, ttl: float) -> None:
        with pytest.raises(UsageError, match="cannot run"):
            world.lend(pool="p", ttl=ttl)
        assert world.counted() == set()

    @pytest.mark.parametrize("ttl", [1, 30 * DAY])
    def test_from_a_second_to_thirty_days(self, world: World, ttl: float) -> None:
        assert ends(world, world.lend(pool="p", ttl=ttl)) == ttl

    def test_what_cannot_be_noted_is_given_back(self, world: World) -> None:
        leasing = world.elsewhere(Broken(world.store, "add_lease"))  # type: ignore[arg-type]
        request = ADMIN.request(pool="p")
        with pytest.raises(KeychainBroken):
            leasing.remember(world.broker.claim(request), request)
        assert world.counted() == set()
        assert world.leasing.list(ADMIN, ended=True) == []

    def test_a_token_that_was_revoked_meanwhile_gets_no_lease(self, world: World) -> None:
        caller = world.token("gone")
        request = caller.request(pool="p")
        claimed = world.broker.claim(request)
        world.tokens.revoke("gone")
        with pytest.raises(LeaseEnded):
            world.leasing.remember(claimed, request, token=caller.id)
        assert world.counted() == set()


class TestForgetting:
    def test_leases_that_ended_a_month_ago_are_forgotten_once_a_day(self, world: World) -> None:
        old = world.lend(pool="p", ttl=1)
        revoked = world.lend(pool="p", ttl=30 * DAY)
        world.leasing.revoke(revoked.id, ADMIN)
        world.clock.advance(29 * DAY)
        world.lend(pool="p", ttl=10 * DAY)
        assert {old.id, revoked.id} < {each.id for each in world.leasing.list(ADMIN, ended=True)}
        world.clock.advance(2 * DAY)
        latest = world.lend(pool="p")
        assert {old.id, revoked.id}.isdisjoint(each.id for each in world.leasing.list(ADMIN, ended=True))
        assert latest in world.leasing.list(ADMIN)

    def test_that_it_failed_harms_nobody(self, world: World) -> None:
        leasing = world.elsewhere(Broken(world.store, "forget_leases"))  # type: ignore[arg-type]
        request = ADMIN.request(pool="p")
        assert leasing.remember(world.broker.claim(request), request).id


class TestWhoSees:
    def test_a_caller_sees_its_own_and_those_of_tokens_below(self, world: World) -> None:
        above = world.token("above")
        below = world.token("below", above)
        lowest = world.token("lowest", below)
        other = world.token("other")
        callers = (ADMIN, above, below, lowest, other)
        leases = {caller.name: world.lend(caller, provider="openai") for caller in callers}
        seen = {caller.name: {each.caller for each in world.leasing.list(caller)} for caller in callers}
        assert seen == {
            "admin": {"", "token:above", "token:above/below", "token:above/below/lowest", "token:other"},
            "above": {"token:above", "token:above/below", "token:above/below/lowest"},
            "above/below": {"token:above/below", "token:above/below/lowest"},
            "above/below/lowest": {"token:above/below/lowest"},
            "other": {"token:other"},
        }
        for caller in callers:
            for lease in leases.values():
                if lease.caller in seen[caller.name]:
                    assert world.leasing.get(lease.id, caller) == lease
                else:
                    with pytest.raises(LeaseNotFound):
                        world.leasing.get(lease.id, caller)

    @pytest.mark.parametrize("verb", ["get", "renew", "release", "report", "revoke"])
    def test_anothers_lease_is_as_one_that_is_not_there(self, world: World, verb: str) -> None:
        lease = world.lend(world.token("one"), pool="p")
        other = world.token("other")
        calls: dict[str, Callable[[str], object]] = {
            "get": lambda each: world.leasing.get(each, other),
            "renew": lambda each: world.leasing.renew(each, 60, other),
            "release": lambda each: world.leasing.release(each, other),
            "report": lambda each: world.leasing.report(each, Outcome(kind=INVALID), other),
            "revoke": lambda each: world.leasing.revoke(each, other),
        }
        said = []
        for each in (lease.id, "0" * 24):
            with pytest.raises(LeaseNotFound) as problem:
                calls[verb](each)
            said.append((str(problem.value).replace(each, "ID"), problem.value.why, problem.value.hint))
        assert said[0] == said[1]
        assert world.leasing.get(lease.id, ADMIN) == lease
        assert world.claimed(1, pool="p")

    def test_a_long_word_is_not_repeated(self, world: World) -> None:
        with pytest.raises(LeaseNotFound) as problem:
            world.leasing.get("sk-ant-api03-" + "x" * 30, ADMIN)
        assert "sk-ant" not in str(problem.value)


class TestRenewing:
    def test_runs_for_so_long_from_now(self, world: World) -> None:
        lease = world.lend(pool="p")
        world.clock.advance(HOUR - 1)
        renewed = world.leasing.renew(lease.id, HOUR, ADMIN)
        assert ends(world, renewed) == HOUR
        assert world.leasing.get(lease.id, ADMIN) == renewed
        assert world.said("lease-renew") == [("ok", "")]

    def test_not_beyond_the_token(self, world: World) -> None:
        caller = world.token("short", ttl="90m")
        lease = world.lend(caller, pool="p")
        for who in (caller, ADMIN):
            assert ends(world, world.leasing.renew(lease.id, DAY, who)) == 90 * 60
        assert world.said("lease-renew") == [("ok", "token:short"), ("ok", "")]

    def test_not_beyond_the_token_as_it_is_now(self, world: World) -> None:
        caller = world.token("ci", ttl="30d")
        lease = world.lend(world.token("sub", under=caller))
        world.tokens.change("ci", ttl="2h")
        renewed = world.leasing.renew(lease.id, 24 * HOUR, caller)
        assert renewed.expires_at == pytest.approx((world.clock() + 2 * HOUR) * 1000, abs=1)

    def test_not_beyond_the_key_as_it_is_now(self, world: World) -> None:
        lease = world.lend(pool="p")
        world.add("a", expires_at=utc(world.clock() + 600))
        assert ends(world, world.leasing.renew(lease.id, DAY, ADMIN)) == 600

    @pytest.mark.parametrize(
        ("fields", "error"), [({"active": False}, KeyInactive), ({"expires_at": utc(1)}, KeyExpired)]
    )
    def test_not_with_a_key_that_is_not_to_be_used(
        self, world: World, fields: dict[str, Any], error: type[RingletError]
    ) -> None:
        lease = world.lend(pool="p")
        world.add("a", **fields)
        with pytest.raises(error):
            world.leasing.renew(lease.id, DAY, ADMIN)
        assert world.leasing.get(lease.id, ADMIN) == lease
        assert world.said("lease-renew") == [(error.code, "")]

    def test_an_unlikely_length_changes_nothing(self, world: World) -> None:
        lease = world.lend(pool="p")
        with pytest.raises(UsageError):
            world.leasing.renew(lease.id, 0, ADMIN)
        assert world.leasing.get(lease.id, ADMIN) == lease


class TestEnding:
    def test_a_release_gives_the_use_back(self, world: World) -> None:
        lease, other = world.lend(pool="p"), world.lend(pool="p")
        released = world.leasing.release(lease.id, ADMIN)
        assert (released.ended, released.ended_at) == ("released", round(world.clock() * 1000))
        assert world.counted() == {other.id}
        assert world.said("release") == [("ok", "")]

    def test_a_revoked_lease_stays_counted(self, world: World) -> None:
        lease = world.lend(pool="p")
        assert world.leasing.revoke(lease.id, ADMIN).ended == "revoked"
        assert world.counted() == {lease.id}
        assert world.said("lease-revoke") == [("ok", "")]

    def test_only_leases_that_run_are_listed_unless_asked_for(self, world: World) -> None:
        runs, ends_soon, revoked = world.lend(pool="p"), world.lend(pool="p", ttl=5), world.lend(pool="p")
        world.leasing.revoke(revoked.id, ADMIN)
        world.clock.advance(5)
        assert world.leasing.list(ADMIN) == [runs]
        everything = {each.id for each in world.leasing.list(ADMIN, ended=True)}
        assert everything == {runs.id, ends_soon.id, revoked.id}

    @pytest.mark.parametrize("how", ["expired", "released", "revoked", "orphaned"])
    @pytest.mark.parametrize("verb", ["renew", "release", "report", "revoke"])
    def test_whatever_has_ended_does_nothing_more(self, world: World, how: str, verb: str) -> None:
        lease = world.lend(world.token("one"), pool="p")
        before: dict[str, Callable[[], object]] = {
            "expired": lambda: world.clock.advance(HOUR),
            "released": lambda: world.leasing.release(lease.id, ADMIN),
            "revoked": lambda: world.leasing.revoke(lease.id, ADMIN),
            "orphaned": lambda: world.tokens.revoke("one"),
        }
        before[how]()
        counted, stored, at = world.counted(), world.store.lease(lease.id), len(world.records.kept)
        calls: dict[str, Callable[[], object]] = {
            "renew": lambda: world.leasing.renew(lease.id, 60, ADMIN),
            "release": lambda: world.leasing.release(lease.id, ADMIN),
            "report": lambda: world.leasing.report(lease.id, Outcome(kind=INVALID), ADMIN),
            "revoke": lambda: world.leasing.revoke(lease.id, ADMIN),
        }
        with pytest.raises(LeaseEnded) as problem:
            calls[verb]()
        assert ("revoked" if how == "orphaned" else how) in problem.value.why
        assert (world.counted(), world.store.lease(lease.id)) == (counted, stored)
        assert "openai/a" not in world.claims.resting()
        [record] = world.records.kept[at:]
        assert (record["outcome"], record["purpose"]) == ("lease-ended", f"lease {lease.id}")

    def test_a_report_is_heard_by_all(self, world: World) -> None:
        lease = world.lend(pool="p", feature="image")
        world.leasing.report(lease.id, Outcome(kind=INVALID), ADMIN)
        assert set(world.claimed(3, pool="p", feature="image")) == {"b"}
        assert world.said("report") == [("ok", "")]

    def test_what_a_caller_says_is_invalid_rests_for_an_hour_and_it_is_recorded_who_said_so(self, world: World) -> None:
        bot = world.token("bot")
        lease = world.lend(bot, pool="p", feature="image")
        touched: list[str] = []
        world.lending.touch = lambda: touched.append("launches")

        world.leasing.report(lease.id, Outcome(kind=INVALID, retry_after=1), bot)

        assert world.said("report") == [("ok", "token:bot")]
        assert set(world.claimed(3, pool="p", feature="text")) == {"b"}
        assert world.claims.resting() == {"openai/a": pytest.approx((world.clock() + HOUR) * 1000, abs=2)}
        assert not touched
        world.clock.advance(HOUR + 1)
        assert set(world.claimed(4, pool="p", feature="text")) == {"a", "b"}

    def test_what_a_caller_says_is_invalid_can_be_undone(self, world: World) -> None:
        bot = world.token("bot")
        world.leasing.report(world.lend(bot, pool="p").id, Outcome(kind=INVALID), bot)
        world.claims.wake("openai/a")

        assert set(world.claimed(4, pool="p")) == {"a", "b"}

    def test_a_caller_shortens_nothing_that_the_owner_said(self, world: World) -> None:
        bot = world.token("bot")
        lease = world.lend(bot, pool="p")
        world.leasing.report(lease.id, Outcome(kind=INVALID), ADMIN)
        world.leasing.report(lease.id, Outcome(kind=INVALID), bot)
        world.clock.advance(300 * DAY)

        assert set(world.claimed(3, pool="p")) == {"b"}

    def test_with_an_old_lease_a_caller_keeps_no_key_out(self, world: World) -> None:
        bot = world.token("bot")
        lease = world.lend(bot, pool="p", ttl=DAY)
        world.leasing.report(lease.id, Outcome(kind=INVALID), bot)
        world.clock.advance(HOUR + 1)
        world.leasing.renew(lease.id, DAY, bot)

        with pytest.raises(UsageError, match="too old"):
            world.leasing.report(lease.id, Outcome(kind=INVALID), bot)
        assert not world.claims.resting()
        assert world.said("report") == [("ok", "token:bot"), ("usage", "token:bot")]
        world.leasing.report(lease.id, Outcome(kind=INVALID), ADMIN)
        assert list(world.claims.resting()) == ["openai/a"]

    @pytest.mark.parametrize("kind", [RATE_LIMITED, QUOTA_SPENT])
    def test_no_key_rests_longer_than_a_day_because_a_caller_says_so(self, world: World, kind: str) -> None:
        bot = world.token("bot")
        lease = world.lend(bot, pool="p")
        year = Outcome(kind=kind, retry_after=365 * DAY)
        world.leasing.report(lease.id, year, bot)
        assert set(world.claimed(3, pool="p")) == {"b"}
        world.clock.advance(DAY + 1)
        assert set(world.claimed(4, pool="p")) == {"a", "b"}

        world.leasing.report(world.lend(bot, pool="p").id, year, ADMIN)
        world.clock.advance(DAY + 1)
        assert len(set(world.claimed(3, pool="p"))) == 1

    @pytest.mark.parametrize("is_admin", [False, True])
    def test_who_has_the_old_value_says_nothing_of_the_new_one(self, world: World, *, is_admin: bool) -> None:
        bot = world.token("bot")
        lease = world.lend(bot, pool="p")
        world.clock.advance(1)
        entry = world.keys.ledger.entry(Address("openai", "a"))
        assert entry is not None
        world.keys.ledger.put(entry.changed(replaced_at=utc(world.clock())))

        with pytest.raises(LeaseEnded, match="a value that openai/a has no more"):
            world.leasing.report(lease.id, Outcome(kind=INVALID), ADMIN if is_admin else bot)

        assert not world.claims.resting()
        world.leasing.report(lease.id, Outcome(kind=RATE_LIMITED), bot)

    def test_a_release_that_could_give_nothing_back_can_be_tried_again(self, world: World) -> None:
        lease = world.lend(pool="p")
        whole = world.lending.claims
        world.lending.claims = Broken(whole, "give_back")
        with pytest.raises(KeychainBroken):
            world.leasing.release(lease.id, ADMIN)
        assert world.leasing.get(lease.id, ADMIN) == lease
        world.lending.claims = whole
        world.leasing.release(lease.id, ADMIN)
        assert world.counted() == set()

    def test_a_lease_that_always_changes_is_given_up_on(self, world: World) -> None:
        lease = world.lend(pool="p")
        world.store.change_lease = lambda old, new: False  # type: ignore[method-assign]
        with pytest.raises(StoreCorrupt, match="faster"):
            world.leasing.renew(lease.id, 60, ADMIN)
