from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.leasing.world import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two keys of a pool that may be used three times an hour each."""
    world = World(tmp_path)
    world.add("a", "b")
    world.pool(limits=["3/hour"])
    return world
