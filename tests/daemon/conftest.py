"""A daemon for the tests of all its parts."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

import pytest

from tests.daemon.keypooler_world import World, world_on
from tests.daemon.running import RealDaemon
from tests.end_to_end.program import Home
from tests.redis_server import RedisProcess, needs_redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

if sys.platform == "win32":
    collect_ignore_glob = ["test_*"]  # these show what POSIX promises: Unix sockets, modes, signals


@pytest.fixture
def made_daemon(home: Home) -> Iterator[Callable[..., RealDaemon]]:
    """Makes daemons in the test's home: `made_daemon("--socket")`; `start()` is the test's."""
    made: list[RealDaemon] = []

    def make(*words: str) -> RealDaemon:
        made.append(RealDaemon.at(home, *words))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def daemon(made_daemon: Callable[..., RealDaemon]) -> RealDaemon:
    """A running daemon with a fresh home of its own, which is `daemon.home`."""
    return made_daemon().start()


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    """One running daemon for all tests of a module that leave it as it is."""
    daemon = RealDaemon.at(Home.at(tmp_path_factory.mktemp("daemon") / "home"))
    try:
        yield daemon.start()
    finally:
        daemon.close()


_STORES = itertools.count()


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisProcess]:
    """One server for all tests of a module, each with a store of its own."""
    with RedisProcess() as process:
        yield process


@pytest.fixture(params=["file", pytest.param("redis", marks=[pytest.mark.slow, needs_redis])])
def on_each_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world whose ledger is a file, and one whose ledger is on a server, which goes by the real time."""
    if request.param == "redis":
        world = world_on(request.getfixturevalue("redis_process"), tmp_path, store=f"store-{next(_STORES)}")
    else:
        world = World(tmp_path)
    yield world
    world.close()
