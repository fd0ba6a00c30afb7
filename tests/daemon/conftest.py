"""A daemon for the tests of all its parts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.daemon.running import RealDaemon
from tests.end_to_end.program import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
