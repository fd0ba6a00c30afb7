from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.broker import Broker
from ringlet_py.entry import Address
from ringlet_py.errors import (
    AuditUnwritable,
    KeychainBroken,
    KeychainLocked,
    KeyNotFound,
    PoolExhausted,
    RingletError,
    UsageError,
)
from ringlet_py.lease import Request
from ringlet_py.lending.reports import OK, RATE_LIMITED, Outcome
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend
from tests.lending.world import World, value
from tests.records import Records

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from ringlet_py.lease import Lease

WORK = Address("anthropic", "work")


def broker(backend: MemoryBackend, records: Records) -> Broker:
    return Broker(backend, records, lambda: pytest.fail("nothing has to be counted"))  # type: ignore[arg-type]


def filled() -> MemoryBackend:
    backend = MemoryBackend()
    backend.set(WORK, Secret("the-key"))
    return backend


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.claims.close()


# one key, without limits


def test_a_claim_hands_the_key_over_and_is_recorded() -> None:
    records = Records()

    lease = broker(filled(), records).claim(Request(WORK, profile="p", agent="claude", purpose="why"))

    assert lease.secret.same_as(Secret("the-key"))
    (record,) = records.kept
    assert (record["action"], record["outcome"], record["address"]) == ("claim", "ok", "anthropic/work")
    assert (record["profile"], record["agent"], record["purpose"]) == ("p", "claude", "why")
    assert record["backend"] == "memory"


@pytest.mark.parametrize("failure", [KeyNotFound("x"), KeychainLocked("x")])
def test_a_refusal_is_recorded_too(failure: KeyNotFound | KeychainLocked) -> None:
    records = Records()

    with pytest.raises(type(failure)):
        broker(MemoryBackend(failure=failure), records).claim(Request(WORK))
    assert [record["outcome"] for record in records.kept] == [failure.code]


def test_what_cannot_be_recorded_is_not_handed_over() -> None:
    with pytest.raises(AuditUnwritable):
        broker(filled(), Records(full=True)).claim(Request(WORK))


def test_the_lease_does_not_show_its_secret() -> None:
    lease = broker(filled(), Records()).claim(Request(WORK))

    assert "the-key" not in repr(lease)


# what has to be counted


def test_a_claim_is_recorded_before_the_key_is_handed_over(world: World) -> None:
    world.add("a")

    lease = world.claim("openai", purpose="pictures")

    (record,) = world.records.kept
    assert (record["address"], record["outcome"], record["purpose"]) == ("openai/a", "ok", "pictures")
    assert record["secrets"] == (lease.secret,)  # so that it can be redacted wherever it stands


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"pool": "nowhere"}, "pool-not-found"),
        ({"provider": "anthropic"}, "key-not-found"),
        ({"provider": "openai", "feature": "a b"}, "invalid-name"),
        ({"provider": "openai", "wait": -1.0}, "usage"),
    ],
)
def test_every_refusal_is_recorded(world: World, wishes: dict[str, Any], code: str) -> None:
    world.add("a")

    with pytest.raises(RingletError):
        world.claim(**wishes)
    assert [record["outcome"] for record in world.records.kept] == [code]


@pytest.mark.parametrize("failure", [KeychainLocked("x"), KeychainBroken("x")])
def test_a_use_is_given_back_if_the_key_cannot_be_fetched(world: World, failure: RingletError) -> None:
    world.add("a", max_uses="1/hour")
    world.keys.memory.failure = failure
    with pytest.raises(type(failure)):
        world.claim("openai")
    world.keys.memory.failure = None

    assert world.claimed(1, "openai") == ["a"]


def test_a_use_is_given_back_if_the_claim_cannot_be_recorded(world: World) -> None:
    world.add("a", max_uses="1/hour")
    world.records.full = True
    with pytest.raises(AuditUnwritable):
        world.claim("openai")
    world.records.full = False

    assert world.claimed(1, "openai") == ["a"]


def test_a_use_is_given_back_if_the_person_interrupts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("a", max_uses="1/hour")

    def interrupted(_address: Address) -> Secret:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.keys.memory, "get", interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.claim("openai")

    assert world.claimed(1, "openai") == ["a"]


def test_what_kept_the_key_is_said_even_if_the_use_cannot_be_given_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("a")
    world.keys.memory.failure = KeychainLocked("it is locked")

    def broken(_lease: str) -> None:
        raise KeychainBroken("the ledger is gone")

    monkeypatch.setattr(world.claims, "give_back", broken)
    with pytest.raises(KeychainLocked, match="it is locked"):
        world.claim("openai")


def test_release_gives_back_once_however_often_it_is_asked(world: World) -> None:
    world.add("a", max_uses="2/hour")
    first, _ = world.claim("openai"), world.claim("openai")
    for _ in range(3):
        world.broker.release(first)

    assert world.claimed(1, "openai") == ["a"]
    with pytest.raises(PoolExhausted):
        world.claim("openai")
    assert [action for action, _, _ in world.outcomes()].count("release") == 3


def test_reports_are_recorded_those_that_are_refused_too(world: World) -> None:
    world.add("a")
    lease = world.claim("openai")
    world.broker.report(lease, Outcome(kind=OK))
    with pytest.raises(UsageError):
        world.broker.report(lease, Outcome(kind=RATE_LIMITED, until=5))

    reported = [record for record in world.records.kept if record["action"] == "report"]
    assert [(record["purpose"], record["outcome"]) for record in reported] == [("ok", "ok"), ("rate-limited", "usage")]


def test_a_report_that_cannot_be_kept_is_recorded_as_that(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("a")
    lease = world.claim("openai")

    def broken(_rest: object) -> None:
        raise KeychainBroken("the ledger is gone")

    monkeypatch.setattr(world.claims, "rest", broken)
    with pytest.raises(KeychainBroken):
        world.broker.report(lease, Outcome(kind=RATE_LIMITED))
    assert world.outcomes()[-1] == ("report", "openai/a", "keychain-broken")


def test_a_claim_in_steps_pauses_where_the_other_sleeps(world: World) -> None:
    world.add("a", max_uses="1/10s")
    world.claim("openai")
    claiming = world.broker.claiming(Request(provider="openai", wait=30))
    pauses: list[float] = []

    with pytest.raises(StopIteration) as done:
        _drive(claiming, pauses, world)
    lease = done.value.value

    assert lease.secret.same_as(value(Address("openai", "a")))
    assert sum(pauses) == pytest.approx(10.001, abs=0.002)
    assert world.slept == []


def _drive(claiming: Generator[float, None, Lease], pauses: list[float], world: World) -> None:
    while True:
        pauses.append(next(claiming))
        world.clock.advance(pauses[-1])


def test_a_claim_that_is_left_while_it_waits_has_taken_nothing(world: World) -> None:
    world.add("a", max_uses="1/10s")
    world.claim("openai")
    claiming = world.broker.claiming(Request(provider="openai", wait=30))
    next(claiming)
    claiming.close()
    world.clock.advance(11)

    assert world.claimed(1, "openai") == ["a"]


def test_no_error_ever_holds_a_key(world: World) -> None:
    world.add("a", "b", max_uses="1/hour")
    world.claimed(2, "openai")
    errors = []
    for wishes in ({}, {"alias": "a"}, {"pool": "p"}, {"alias": "c"}, {"feature": "?"}):
        with pytest.raises(RingletError) as caught:
            world.claim("openai", **wishes)
        errors.append(repr(caught.value.__dict__) + str(caught.value))

    assert "made-up" not in "".join(errors)


@pytest.mark.parametrize(
    ("wishes", "caller"),
    [
        ({}, ""),
        ({"user": "7"}, "user:7"),
        ({"channel": "ops"}, "channel:ops"),
        ({"user": "7", "channel": "ops"}, "user:7 in channel:ops"),
        ({"user": "7", "caller": "bot"}, "bot"),
    ],
)
def test_the_record_says_on_whose_behalf_and_what_for(wishes: dict[str, Any], caller: str) -> None:
    records = Records()

    broker(filled(), records).claim(Request(WORK, feature="image", pool="images", **wishes))

    (record,) = records.kept
    assert (record["caller"], record["feature"], record["pool"]) == (caller, "image", "images")
