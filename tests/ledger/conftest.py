"""A real server for each module that tests the ledger on Redis, and a store of its own on it for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.redis_server import RedisProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.ledger.redis.server import RedisServer


@pytest.fixture(scope="module")
def process() -> Iterator[RedisProcess]:
    """The server."""
    with RedisProcess() as process:
        yield process


@pytest.fixture
def server(process: RedisProcess) -> RedisServer:
    """A store on it."""
    from tests.ledger.redis_stores import store

    return store(process)
