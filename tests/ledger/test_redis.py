from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.ledger.redis import wishes
from ringlet_py.ledger.redis.callers import RedisCallers
from ringlet_py.ledger.redis.entries import RedisLedger
from ringlet_py.ledger.redis.sealed import RedisSealedValues
from tests.ledger.claims_contract import ClaimsContract, OfChoosing, OfCooldowns, OfOrder, OfRates, OfTakingBack
from tests.ledger.contract import LedgerContract
from tests.ledger.redis_stores import CountingOnRedis
from tests.ledger.sealed_contract import SealedValuesContract
from tests.redis_server import needs_redis

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.ledger.redis.server import RedisServer
    from ringlet_py.ledger.sealed import SealedValues

pytestmark = [needs_redis, pytest.mark.slow]


class TestEntries(LedgerContract):
    @pytest.fixture
    def ledger(self, server: RedisServer) -> RedisLedger:
        return RedisLedger(server)


class TestSealedValues(SealedValuesContract):
    @pytest.fixture
    def values(self, server: RedisServer) -> RedisSealedValues:
        return RedisSealedValues(server)

    @pytest.fixture(autouse=True)
    def _server(self, server: RedisServer) -> None:
        self.server = server

    def lose_keys(self, values: SealedValues) -> None:
        self.server.call("DEL", self.server.key("sealed-keys"))


class _OnRedis:
    @pytest.fixture
    def claims(self, server: RedisServer) -> CountingOnRedis:
        return CountingOnRedis(server)

    @pytest.fixture
    def ledger(self, server: RedisServer) -> RedisLedger:
        return RedisLedger(server)

    @pytest.fixture
    def callers(self, server: RedisServer) -> RedisCallers:
        return RedisCallers(server)

    @pytest.fixture
    def values(self, server: RedisServer) -> RedisSealedValues:
        return RedisSealedValues(server)

    @pytest.fixture
    def pass_time(self) -> Callable[[int], object]:
        return lambda milliseconds: time.sleep((milliseconds + 1) / 1000)


@pytest.mark.slow
class TestClaims(_OnRedis, ClaimsContract):
    pass


@pytest.mark.slow
class TestOrgsAsGroups(_OnRedis, OfOrder, OfRates, OfCooldowns, OfTakingBack, OfChoosing):
    """The same, where every org counts as large and is held back as a whole."""

    @pytest.fixture(autouse=True)
    def _all_are_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wishes, "LARGE_ORG", 0)
