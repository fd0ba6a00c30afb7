"""What looks after settings and records while the daemon runs, whatever goes wrong with them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon.door import door
from ringlet_py.daemon.guard import Bounds
from ringlet_py.daemon.server import Doors, Events, _Server, config_of
from ringlet_py.daemon.straight import Straight
from ringlet_py.daemon.strangers import Strangers
from tests.daemon.keypooler_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUE = "made-up-value-of-a-setting"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def test_what_nobody_foresaw_is_said_by_its_kind_and_the_next_look_is_as_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    doors = Doors(sockets=[])
    events = Events(ready=lambda: None, reloaded=lambda *_: None, say=said.append)

    def broken(*_: object) -> None:
        raise ValueError(VALUE)

    async def looked() -> tuple[str, str]:
        way = Straight(world.daemon, Strangers(world.asgi, port=0, say=said.append))
        config = config_of(world.asgi, door(Bounds(), way), grace=10)
        server = _Server(config, world.daemon, doors, events, way=way)
        with monkeypatch.context() as patched:
            patched.setattr(world.daemon, "reload", broken)
            patched.setattr(world.daemon.failures, "flush", broken)
            await server._record_failures()
            first = await server._reload()
        return first, await server._reload()

    assert asyncio.run(looked()) == ("ValueError", "")
    assert said == [
        "ringlet: error: ValueError",
        "ringlet: error: the settings were not read again: ValueError",
        "ringlet: the settings were read again",
    ]
