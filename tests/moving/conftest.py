from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.moving.world import World

if TYPE_CHECKING:
    from tests.end_to_end.program import Home


@pytest.fixture
def world(home: Home) -> World:
    """A home with a keychain in a file."""
    return World(home=home)
