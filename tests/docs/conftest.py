from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import Home
from tests.left_running import end_daemons

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield Home(tmp_path)
    end_daemons(tmp_path)
