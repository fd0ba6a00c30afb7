from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from redis import exceptions

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import LedgerUnreachable, StoreCorrupt
from ringlet_py.ledger.claims import Refused, Rest, Taken, Unlisted
from ringlet_py.ledger.documents import StoredDocument
from ringlet_py.ledger.redis.callers import RedisCallers
from ringlet_py.ledger.redis.claims import RedisClaims
from ringlet_py.ledger.redis.entries import RedisLedger
from ringlet_py.ledger.redis.server import RedisServer
from ringlet_py.ledger.redis.url import RedisUrl
from ringlet_py.ledger.tokens import Token
from ringlet_py.limits import Rate
from ringlet_py.scope import Bearer
from tests.ledger.redis_stores import CountingOnRedis, key, pool, store, wish
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [needs_redis, pytest.mark.slow]


@pytest.fixture
def claims(server: RedisServer) -> CountingOnRedis:
    return CountingOnRedis(server)


def enlisted(claims: RedisClaims, *members: Any, policy: str = "first", **fields: Any) -> Any:
    """A turn with these members."""
    turn = pool(policy, **fields)
    claims.enlist(turn, members, version=claims.version())
    return turn


def bearer(server: RedisServer, name: str, *texts: str) -> Bearer:
    """A token that is there, as a claim names it."""
    assert RedisCallers(server).add_token(Token(id=name, name=name, digest=f"digest-{name}"))
    return Bearer(id=name, rates=tuple(map(Rate.parse, texts)))


def counted_commands(server: RedisServer) -> list[str]:
    """What goes out from now on: commands, and together those that go out as one."""
    sent: list[str] = []
    real, pipelined = server._command, server._pipelined

    def counting(*command: Any) -> Any:
        sent.append(str(command[0]))
        return real(*command)

    def counting_all(commands: Any) -> Any:
        sent.append(" ".join(str(command[0]) for command in commands))
        return pipelined(commands)

    server._command, server._pipelined = counting, counting_all
    return sent


class TestRoundTrips:
    @pytest.mark.parametrize("size", [1, 10, 1000])
    @pytest.mark.parametrize("policy", ["first", "round-robin", "least-recently-limited", "random", "sticky"])
    def test_a_claim_is_one_however_many_keys_and_limits(
        self, server: RedisServer, claims: CountingOnRedis, size: int, policy: str
    ):
        members = [key(f"k{number}", "9/day@UTC", "5/hour", org=f"o{number % 7}") for number in range(size)]
        turn = enlisted(claims, *members, policy=policy, org_rates=(Rate.parse("90/day"),))
        claims.claim(wish(turn))  # the first one brings the calendar's windows
        sent = counted_commands(server)
        for _ in range(3):
            assert isinstance(claims.claim(wish(turn, caller="user:1", quota=(Rate.parse("9/day@UTC"),))), Taken)

        assert sent == ["EVALSHA"] * 3

    def test_tokens_cost_none(self, server: RedisServer, claims: CountingOnRedis):
        turn, bearers = enlisted(claims, key("a", "9/day")), tuple(bearer(server, name, "9/day@UTC") for name in "tuv")
        claims.claim(wish(turn, bearers=bearers))  # brings the calendar's windows
        sent = counted_commands(server)
        assert isinstance(claims.claim(wish(turn, bearers=bearers)), Taken)
        assert isinstance(claims.claim(wish(turn, bearers=(Bearer(id="nobody"),))), Refused)

        assert sent == ["EVALSHA", "EVALSHA"]

    def test_many_claims_are_one(self, server: RedisServer, claims: CountingOnRedis):
        turns = [enlisted(claims, key("a", "9/day@UTC"), pool=f"pool-{number}") for number in range(5)]
        claims.claim(wish(turns[0]))
        sent = counted_commands(server)
        answers = claims.claim_all([wish(turn) for turn in turns * 2])

        assert [type(each) for each in answers] == [Taken] * 8 + [Refused] * 2
        assert sent == [" ".join(["EVALSHA"] * 10)]

    def test_only_those_that_lack_windows_are_asked_again(self, server: RedisServer, claims: CountingOnRedis):
        plain, dated = enlisted(claims, key("a", "2/day")), enlisted(claims, key("b", "1/day@UTC"), pool="q")
        claims.claim(wish(plain))
        sent = counted_commands(server)
        answers = claims.claim_all([wish(dated), wish(plain), wish(dated), wish(plain)])

        assert sent == [" ".join(["EVALSHA"] * 4), " ".join(["EVALSHA"] * 2)]
        assert [type(each) for each in answers] == [Taken, Taken, Refused, Refused]

    @pytest.mark.slow
    def test_a_refusal_is_one_also_when_thousands_are_used_up(self, server: RedisServer, claims: CountingOnRedis):
        turn = enlisted(claims, *(key(f"k{number}", "1/day") for number in range(2000)), policy="round-robin")
        claims.claim(wish(turn))
        for number in range(2000):
            claims.rest(Rest(provider="openai", address=f"openai/k{number}", milliseconds=60_000))
        sent = counted_commands(server)

        assert isinstance(claims.claim(wish(turn)), Refused)
        assert sent == ["EVALSHA"]


class TestVersions:
    def test_an_empty_version_is_the_present_one(self, server: RedisServer, claims: CountingOnRedis):
        turn = enlisted(claims, key("a"))
        assert isinstance(claims.claim(wish(turn)), Taken)
        RedisLedger(server).put(Entry(Address("x", "y"), backend="file"))

        assert claims.claim(wish(turn)) == Unlisted()

    def test_forgetting_what_is_not_there_changes_no_version(self, server: RedisServer, claims: CountingOnRedis):
        before = claims.version()
        RedisLedger(server).forget(Address("x", "y"))

        assert claims.version() == before


class TestLostAnswers:
    def losing(self, server: RedisServer, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        """The server does what it is asked for, and its answer is lost."""
        real = server._command
        left = [times]

        def losing(*command: Any) -> Any:
            answer = real(*command)
            if command[0] == "EVALSHA" and left[0]:
                left[0] -= 1
                raise exceptions.ConnectionError("gone")
            return answer

        monkeypatch.setattr(server, "_command", losing)

    def test_a_claim_whose_answer_was_lost_is_asked_again_and_counted_once(
        self, server: RedisServer, claims: CountingOnRedis, monkeypatch: pytest.MonkeyPatch
    ):
        turn = enlisted(claims, key("a", "9/day"), key("b", "9/day"), policy="round-robin")
        claims.claim(wish(turn))
        self.losing(server, monkeypatch, 1)
        taken = claims.claim(wish(turn))

        assert isinstance(taken, Taken)
        assert (taken.address, taken.remaining) == ("openai/b", 8)
        assert [each.uses for each in claims.standings(turn)] == [1, 1]

    def test_many_claims_whose_answers_were_lost_are_asked_again_and_counted_once(
        self, server: RedisServer, claims: CountingOnRedis, monkeypatch: pytest.MonkeyPatch
    ):
        turn, bearers = enlisted(claims, key("a", "9/day")), (bearer(server, "t", "9"),)
        claims.claim(wish(turn))
        real = server._pipelined
        lost: list[Any] = []

        def losing(commands: Any) -> Any:
            answers = real(commands)
            if not lost:
                lost.append(answers)
                raise exceptions.ConnectionError("gone")
            return answers

        monkeypatch.setattr(server, "_pipelined", losing)
        answers = claims.claim_all([wish(turn, bearers=bearers) for _ in range(3)])

        assert [each.remaining for each in answers if isinstance(each, Taken)] == [7, 6, 5]
        assert claims.standings(turn)[0].uses == 4
        lost.clear()
        with pytest.raises(LedgerUnreachable):
            claims.claim_all([wish(turn), wish(turn, lease="")])

    def test_a_lease_id_gets_the_same_answer_again(self, claims: CountingOnRedis):
        turn = enlisted(claims, key("a", "9/day"), key("b", "9/day"), policy="round-robin")
        once = wish(turn)
        first = claims.claim(once)
        claims.claim(wish(turn))

        assert claims.claim(once) == first
        assert [each.uses for each in claims.standings(turn)] == [1, 1]

    def test_without_a_lease_id_nothing_is_asked_twice(
        self, server: RedisServer, claims: CountingOnRedis, monkeypatch: pytest.MonkeyPatch
    ):
        turn = enlisted(claims, key("a", "9/day"))
        claims.claim(wish(turn, lease=""))
        self.losing(server, monkeypatch, 1)

        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn, lease=""))
        assert [each.uses for each in claims.standings(turn)] == [2]

    def test_a_new_document_is_not_said_to_be_there_already(
        self, server: RedisServer, claims: CountingOnRedis, monkeypatch: pytest.MonkeyPatch
    ):
        claims.put_document("pool", StoredDocument("q", "{}"))
        self.losing(server, monkeypatch, 1)

        with pytest.raises(LedgerUnreachable):
            claims.put_document("pool", StoredDocument("p", "{}"), new=True)


class TestRestarts:
    @pytest.fixture
    def process(self) -> Iterator[RedisProcess]:
        with RedisProcess() as process:
            yield process

    def test_after_a_power_cut_everything_is_there_and_scripts_are_loaded_again(
        self, process: RedisProcess, server: RedisServer, claims: CountingOnRedis
    ):
        RedisLedger(server).put(Entry(Address("openai", "a"), backend="file"))
        turn = enlisted(claims, key("a", "2/day"), key("b", "1/day"), policy="round-robin")
        claims.claim(wish(turn))
        claims.rest(Rest(provider="openai", address="openai/b", milliseconds=60_000))
        before = claims.standings(turn)
        process.kill()
        process.start()

        after = claims.standings(turn)
        assert [(each.why, each.uses, each.remaining) for each in after] == [
            (each.why, each.uses, each.remaining) for each in before
        ]
        assert after[0].now >= before[0].now
        taken = claims.claim(wish(turn))
        assert isinstance(taken, Taken)
        assert (taken.address, taken.remaining) == ("openai/a", 0)
        assert isinstance(claims.claim(wish(turn)), Refused)
        assert len(RedisLedger(server).entries()) == 1

    def test_scripts_that_were_flushed_are_loaded_again(self, server: RedisServer, claims: CountingOnRedis):
        turn = enlisted(claims, key("a"))
        server.call("SCRIPT", "FLUSH")

        assert isinstance(claims.claim(wish(turn)), Taken)

    @pytest.mark.parametrize("known", [False, True])
    def test_scripts_are_loaded_again_for_many_claims_too(
        self, server: RedisServer, claims: CountingOnRedis, *, known: bool
    ):
        turn = enlisted(claims, key("a", "5/day"))
        if known:
            claims.claim(wish(turn))
        server.call("SCRIPT", "FLUSH")
        sent = counted_commands(server)
        answers = claims.claim_all([wish(turn) for _ in range(7)])

        assert [isinstance(each, Taken) for each in answers] == [True] * (5 - known) + [False] * (2 + known)
        assert [each.remaining for each in answers if isinstance(each, Taken)] == list(range(4 - known, -1, -1))
        assert sent == [" ".join(["EVALSHA"] * 7), "EVALSHA", "EVAL", " ".join(["EVALSHA"] * 6)]

    def test_one_claim_that_fails_is_raised_and_the_others_can_be_asked_again(
        self, server: RedisServer, claims: CountingOnRedis
    ):
        good, bad = enlisted(claims, key("a", "9/day")), enlisted(claims, key("b", "9/day"), pool="q")
        server.call("SET", server.key("use", "key:openai/b|image"), "theirs")
        wishes = [wish(good), wish(bad), wish(good)]
        with pytest.raises(StoreCorrupt):
            claims.claim_all(wishes)

        again = [claims.claim(each) for each in (wishes[0], wishes[2])]
        assert [each.remaining for each in again if isinstance(each, Taken)] == [8, 7]
        assert claims.standings(good)[0].uses == 2

    def test_while_it_is_down_nothing_is_handed_out(self, process: RedisProcess, claims: CountingOnRedis):
        turn = enlisted(claims, key("a"))
        process.kill()

        with pytest.raises(LedgerUnreachable):
            claims.claim(wish(turn))
        with pytest.raises(LedgerUnreachable):
            claims.claim_all([wish(turn), wish(turn)])


class TestClocks:
    def test_a_wall_clock_that_was_set_back_stops_nothing(self, server: RedisServer, claims: CountingOnRedis):
        turn = enlisted(claims, key("a", "1/0.2s"))
        claims.claim(wish(turn))
        ahead = int(server.call("HGET", server.key("clock"), "wall")) + 3_600_000
        server.call("HSET", server.key("clock"), "wall", ahead)  # as if it had been an hour later until now

        refused = claims.claim(wish(turn))
        assert isinstance(refused, Refused)
        assert 0 < refused.retry_at - refused.now <= 201
        time.sleep((refused.retry_at - refused.now + 1) / 1000)
        assert isinstance(claims.claim(wish(turn)), Taken)

    def test_the_steady_clock_never_goes_back(self, server: RedisServer, claims: CountingOnRedis):
        turn = enlisted(claims, key("a"))
        moments = []
        for step in (0, 3_600_000, -3_600_000, 86_400_000, 0):
            wall = int(server.call("HGET", server.key("clock"), "wall")) + step
            server.call("HSET", server.key("clock"), "wall", wall)
            taken = claims.claim(wish(turn))
            assert isinstance(taken, Taken)
            moments.append(taken.now)

        assert moments == sorted(moments)


class TestStreams:
    def test_a_pool_that_looks_back_less_forgets_nothing_for_one_that_looks_back_further(
        self, server: RedisServer, claims: CountingOnRedis
    ):
        long = enlisted(claims, key("a", "6/day"))
        short = enlisted(claims, key("a", "2/0.05s"), pool="q")
        taken = Counter[str]()
        for _ in range(4):
            taken["long"] += isinstance(claims.claim(wish(long)), Taken)
            taken["short"] += isinstance(claims.claim(wish(short)), Taken)
            time.sleep(0.06)

        assert taken == {"long": 3, "short": 4}  # 4 + 3, of which the last of `short` came after six
        assert claims.standings(long)[0].remaining[0][1] == 0
        assert server.call("LLEN", server.key("use", "key:openai/a|image")) == 6

    def test_uses_that_no_rate_can_look_at_are_dropped_by_themselves(
        self, server: RedisServer, claims: CountingOnRedis
    ):
        turn = enlisted(claims, key("a", "3/minute"))
        for _ in range(3):
            claims.claim(wish(turn, caller="user:1", quota=(Rate.parse("9/hour"),)))

        for kept in server.call("KEYS", server.key("use", "*")):
            assert 0 < server.call("PTTL", kept) <= 3_660_000
        assert server.call("LLEN", server.key("use", "key:openai/a|image")) == 3

    def test_a_lease_is_forgotten_when_it_can_change_nothing(self, server: RedisServer, claims: CountingOnRedis):
        turn = enlisted(claims, key("a", "3/minute"))
        claims.claim(wish(turn, lease="short"))
        claims.claim(wish(turn, lease="long", caller="user:1", quota=(Rate.parse("9/30d"),)))

        assert 0 < server.call("PTTL", server.key("lease", "short")) <= 60_000
        assert 0 < server.call("PTTL", server.key("lease", "long")) <= 86_400_000


class TestTwoStores:
    def test_two_installations_never_meet(self, process: RedisProcess):
        one, other = (CountingOnRedis(store(process)) for _ in range(2))
        turn = enlisted(one, key("a", "1/day"))
        enlisted(other, key("a", "1/day"))
        one.rest(Rest(provider="openai", address="openai/b", milliseconds=60_000))

        assert isinstance(one.claim(wish(turn)), Taken)
        assert isinstance(other.claim(wish(turn)), Taken)
        assert other.resting() == {}

    def test_every_key_has_the_stores_name_in_braces_and_so_one_slot(self, process: RedisProcess):
        server = store(process, name="ours")
        claims = CountingOnRedis(server)
        claims.put_document("pool", StoredDocument("p", "{}"))
        enlisted(claims, key("a", "1/day"))
        names = [name.decode() for name in server.call("KEYS", "*ours*")]

        assert names
        assert all(name.startswith("ringlet:{ours}:") for name in names)

    def test_what_another_program_keeps_under_our_names_is_left_alone(self, server: RedisServer):
        server.call("SET", server.key("entries"), "theirs")
        ledger = RedisLedger(server)
        for verb in (ledger.entries, lambda: ledger.put(Entry(Address("a"), backend="file"))):
            with pytest.raises(StoreCorrupt, match="not as ringlet writes it"):
                verb()

        assert server.call("GET", server.key("entries")) == b"theirs"


def _claiming(url: str, name: str, path: str) -> None:
    """Claims for ever, and writes down what it was given."""
    claims = RedisClaims(RedisServer(RedisUrl(url), store=name, say=print))
    turn = pool("round-robin")
    with open(path, "w", encoding="ascii") as answers:
        for number in itertools.count():
            taken = claims.claim(wish(turn, lease=f"{os.getpid()}-{number}"))
            if isinstance(taken, Taken):
                print(taken.address, taken.now, file=answers, flush=True)


class TestManyAtOnce:
    def test_threads_take_what_there_is_and_no_more(self, claims: CountingOnRedis):
        turn = enlisted(claims, *(key(alias, "10/day") for alias in "abcd"), policy="round-robin")
        taken: list[str] = []

        def take() -> None:
            for _ in range(20):
                answer = claims.claim(wish(turn))
                if isinstance(answer, Taken):
                    taken.append(answer.address)

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert Counter(taken) == {f"openai/{alias}": 10 for alias in "abcd"}

    @pytest.mark.slow
    def test_no_true_window_sees_more_than_the_amount_though_clients_are_killed(self, tmp_path: Path):
        with RedisProcess() as process:
            enlisted(CountingOnRedis(store(process, name="shared")), key("a", "20/0.2s"), key("b", "5/0.1s"))
            context = multiprocessing.get_context("spawn")
            workers = [
                context.Process(target=_claiming, args=(process.unix_url, "shared", str(tmp_path / str(number))))
                for number in range(4)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                time.sleep(1)
                worker.kill()
                worker.join()
        lines = [line.split() for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
        for address, amount, window in (("openai/a", 20, 200), ("openai/b", 5, 100)):
            moments = sorted(int(words[1]) for words in lines if words[0] == address and len(words) == 2)
            assert len(moments) > amount * 4
            # by the clock's whole milliseconds: a use at 0.9 ms and one at 200.0 ms are less than 200 ms apart
            assert all(later - earlier > window for earlier, later in zip(moments, moments[amount:], strict=False))
