"""Keys that are on another machine: what a process does that shares the ledger, and has not their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py import Ringlet
from ringlet_py.broker import Broker
from ringlet_py.entry import Address
from ringlet_py.errors import KeyNotFound, LedgerUnreachable, PoolExhausted, QuotaUsedUp
from ringlet_py.ledger.redis.allowing import AllowingClaims
from ringlet_py.lending.choosing import SEALED
from ringlet_py.lending.reports import RATE_LIMITED, Outcome
from ringlet_py.pool import POLICIES
from ringlet_py.testing import MemoryBackend
from tests.lending.world import World, value
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.ledger.claims import Rest, Turn


class Other(World):
    """Another machine on the ledger of the first, with the values of some keys."""

    def __init__(self, world: World, *aliases: str) -> None:
        self.clock = world.clock
        self.memory = MemoryBackend()
        for alias in aliases:
            self.memory.set(Address("openai", alias), value(Address("openai", alias)))
        self.lending = world.another()
        self.lending.is_shared = True
        self.broker = Broker(self.memory, world.records, lambda: self.lending)  # type: ignore[arg-type]


@pytest.fixture
def rests(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Rest]:
    """What the ledger was told of cooldowns."""
    told: list[Rest] = []
    monkeypatch.setattr(world.claims, "rest", told.append)
    return told


def test_what_one_machine_lacks_is_lent_on_the_others(world: World, rests: list[Rest]):
    world.add("a", "b", "c")
    other = Other(world, "a", "c")

    assert other.claimed(6, "openai") == ["a", "c", "a", "c", "a", "c"]
    assert world.claimed(3, "openai") == ["a", "b", "c"]
    assert not rests


def test_it_is_looked_for_once_a_minute(world: World):
    world.add("a", "b")
    other = Other(world, "a")

    def tries() -> int:
        other.claimed(5, "openai")
        return world.outcomes().count(("claim", "openai/b", "key-not-found"))

    assert (tries(), tries()) == (1, 1)
    world.clock.advance(61)
    assert tries() == 2


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("session", ["", "s"])
def test_every_policy_finds_those_that_are_there(world: World, policy: str, session: str):
    world.add("a", "b", "c", "d")
    world.pool(policy=policy, limits=["2/hour"])
    other = Other(world, "c")

    assert other.claimed(2, pool="p", session=session) == ["c", "c"]
    with pytest.raises(PoolExhausted):
        other.claim(pool="p", session=session)
    assert sorted(world.claimed(6, pool="p", session=session)) == ["a", "a", "b", "b", "d", "d"]


def test_if_all_are_missing_the_error_says_so_and_when_they_are_looked_for_again(world: World):
    world.add("a", "b")
    other = Other(world)

    with pytest.raises(PoolExhausted) as caught:
        other.claim("openai")
    assert "openai/a: missing, openai/b: missing" in caught.value.why
    assert caught.value.retry_at == pytest.approx(world.clock() + 60)
    assert world.claimed(2, "openai") == ["a", "b"]


def test_it_is_exhausted_until_one_that_is_there_is_free(world: World):
    world.add("a", "b", "c")
    other = Other(world, "a", "b")
    for lease, seconds in ((other.claim("openai", alias="a"), 30), (other.claim("openai", alias="b"), 20)):
        other.broker.report(lease, Outcome(kind=RATE_LIMITED, retry_after=seconds))

    with pytest.raises(PoolExhausted) as caught:
        other.claim("openai")
    assert caught.value.retry_at == pytest.approx(world.clock() + 20)
    assert caught.value.why.endswith("openai/a: resting, openai/b: resting, openai/c: missing")


def test_the_one_that_is_ready_soonest_is_one_that_is_there(world: World):
    world.add("a", "b")
    other = Other(world, "a")
    other.broker.report(other.claim("openai", alias="a"), Outcome(kind=RATE_LIMITED, retry_after=40))
    with pytest.raises(PoolExhausted):
        other.claim("openai")

    lease = other.claim("openai", soonest_ready=True)

    assert lease.address.alias == "a"
    assert lease.ready_at == pytest.approx(world.clock() + 40)


def test_a_quota_counts_as_ever_and_a_missing_key_costs_none_of_it(world: World):
    world.add("a", "b")
    world.pool("openai", quota=["3/day"])
    other = Other(world, "b")

    assert other.claimed(3, "openai", user="7") == ["b", "b", "b"]
    with pytest.raises(QuotaUsedUp):
        other.claim("openai", user="7")


def test_a_key_that_is_asked_for_by_its_address_is_looked_for_each_time(world: World):
    world.add("a", "b")
    other = Other(world, "a")
    other.claimed(2, "openai")
    with pytest.raises(KeyNotFound):
        other.claim("openai", alias="b")
    other.memory.set(Address("openai", "b"), value(Address("openai", "b")))

    assert other.claim("openai", alias="b").address.alias == "b"


def test_a_key_that_is_taken_between_looking_and_claiming_is_not_lent_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.add("a", "b", "c", max_uses="1/hour")
    other = Other(world, "b", "c")
    world.lending.missing.add("openai/a", world.clock() + 60)
    looked = world.claims.standings

    def meanwhile(turn: Turn) -> Any:
        found = looked(turn)
        monkeypatch.undo()
        assert other.claim("openai", alias="b").address.alias == "b"
        return found

    monkeypatch.setattr(world.claims, "standings", meanwhile)
    assert world.claimed(1, "openai") == ["c"]


def test_without_the_server_those_that_are_there_are_lent_if_that_was_chosen(world: World):
    world.add("a", "b")
    other = Other(world, "b")

    class Server:
        """The engine, whose server may be away."""

        is_away = False

        def __getattr__(self, name: str) -> Any:
            def asked(*given: Any, **named: Any) -> Any:
                if self.is_away and name != "version":
                    raise LedgerUnreachable("it is away", hint="start it")
                return getattr(world.claims, name)(*given, **named)

            return asked

    server = Server()
    said: list[str] = []
    other.lending.claims = AllowingClaims(server, say=said.append, wall=lambda: 0)
    other.claimed(2, "openai")
    server.is_away = True

    assert other.claimed(2, "openai") == ["b", "b"]
    assert "openai/b is lent without counting it" in said[0]


def test_a_sealed_value_that_is_not_in_the_shared_ledger_is_missing_for_all(tmp_path: Path):
    class Sealed(MemoryBackend):
        name = SEALED

    world = World(tmp_path, backend=Sealed())
    world.lending.is_shared = True
    world.add("a", "b")
    world.keys.backend.remove(Address("openai", "b"))

    assert world.claimed(4, "openai") == ["a", "a", "a", "a"]
    assert "openai/b" in world.claims.resting()
    world.claims.close()


@needs_redis
def test_two_machines_on_one_server_each_lend_what_they_have(tmp_path: Path):
    keys = {name: "sk-proj-" + (name * 48)[:48] for name in ("a1", "b2")}
    with RedisProcess() as process:
        one, other = (_home(tmp_path / name, process.url) for name in ("one", "other"))
        with one, other:
            one.add("openai", "a1", keys["a1"])
            other.add("openai", "b2", keys["b2"])

            got = [[str(each.claim("openai").address) for _ in range(4)] for each in (one, other, one, other)]

            assert got == [["openai/a1"] * 4, ["openai/b2"] * 4] * 2


def _home(folder: Path, url: str) -> Ringlet:
    config = folder / ".config/ringlet"
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text('[credentials]\nbackend = "file"\n')
    return Ringlet({"RINGLET_LEDGER_URL": url}, home=folder)
