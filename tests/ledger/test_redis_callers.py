from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from redis import exceptions

from ringlet_py.errors import LedgerUnreachable, StoreCorrupt
from ringlet_py.ledger.redis.callers import RedisCallers
from ringlet_py.ledger.redis.claims import RedisClaims
from tests.ledger.redis_stores import store
from tests.ledger.tokens_contract import CallersContract, full_token, lease, token
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.ledger.redis.server import RedisServer

pytestmark = [needs_redis, pytest.mark.slow]


@pytest.fixture
def callers(server: RedisServer) -> RedisCallers:
    return RedisCallers(server)


@pytest.fixture
def claims(server: RedisServer) -> RedisClaims:
    return RedisClaims(server)


@pytest.fixture
def others(process: RedisProcess, server: RedisServer) -> Callable[[], RedisCallers]:
    name = server.prefix.partition("{")[2].partition("}")[0]
    return lambda: RedisCallers(store(process, name=name))


class TestRedisCallers(CallersContract):
    pass


class TestTheServer:
    def test_each_verb_is_one_round_trip(self, server: RedisServer, callers: RedisCallers):
        family = [token("a"), token("b", "id-a"), token("c", "id-b")]
        for each in family:
            callers.add_token(each)
        sent: list[str] = []
        real = server._command

        def counting(*command: Any) -> Any:
            sent.append(command[0])
            return real(*command)

        server._command = counting
        assert len(callers.chain("digest-c")) == 3
        callers.change_token(family[2], family[2])
        callers.remove_token("id-a")
        callers.add_lease(lease("l"))
        callers.lease("l")

        assert sent == ["EVALSHA"] * 4 + ["HGET"]

    def test_nothing_is_left_of_removed_tokens_and_forgotten_leases(self, server: RedisServer, callers: RedisCallers):
        before = server.call("KEYS", server.key("*"))
        callers.add_token(token("a"))
        callers.add_token(token("b", "id-a"))
        callers.add_lease(lease("l", expires_at=1))
        assert len(server.call("KEYS", server.key("*"))) > len(before)
        callers.remove_token("id-a")
        callers.forget_leases(2)

        assert server.call("KEYS", server.key("*")) == [server.key("schema").encode()]

    def test_after_a_power_cut_everything_is_there(self):
        with RedisProcess() as process:
            callers = RedisCallers(store(process))
            callers.add_token(full_token())
            callers.add_lease(lease("l"))
            process.kill()
            process.start()

            assert callers.tokens() == [full_token()]
            assert callers.lease("l") == lease("l")

    def test_while_it_is_down_nobody_is_let_in(self):
        with RedisProcess() as process:
            callers = RedisCallers(store(process))
            callers.add_token(token("a"))
            process.kill()

            for verb in (callers.tokens, callers.leases, lambda: callers.chain("digest-a")):
                with pytest.raises(LedgerUnreachable):
                    verb()

    @pytest.mark.parametrize("written", ["", "[]", "7", '"text"', "{}", '{"id": "a"}', "\xff"])
    def test_what_cannot_be_a_token_or_a_lease_is_refused(
        self, server: RedisServer, callers: RedisCallers, written: str
    ):
        callers.add_token(token("a"))
        server.call("HSET", server.key("tokens"), "id-a", written.encode("latin-1"))
        server.call("HSET", server.key("leases"), "l", written.encode("latin-1"))

        for verb in (callers.tokens, callers.leases, lambda: callers.lease("l")):
            with pytest.raises(StoreCorrupt, match="not as ringlet writes it"):
                verb()

    def test_an_answer_that_is_lost_is_asked_again_only_where_it_is_the_same(
        self, server: RedisServer, callers: RedisCallers, monkeypatch: pytest.MonkeyPatch
    ):
        callers.add_token(token("a"))
        real = server._command
        lost: list[str] = []

        def losing(*command: Any) -> Any:
            answer = real(*command)
            if command[4] not in lost:
                lost.append(command[4])
                raise exceptions.ConnectionError("gone")
            return answer

        monkeypatch.setattr(server, "_command", losing)
        callers.add_lease(lease("l", expires_at=1))
        assert callers.chain("digest-a") == [token("a")]
        for verb in (
            lambda: callers.add_token(token("b")),
            lambda: callers.change_token(token("a"), token("a", scope="pool=p")),
            lambda: callers.change_lease(lease("l", expires_at=1), lease("l", expires_at=2)),
            lambda: callers.remove_token("id-a"),
        ):
            with pytest.raises(LedgerUnreachable):
                verb()
        monkeypatch.undo()

        assert callers.tokens() == [token("b")]
        assert callers.leases() == [lease("l", expires_at=2)]
