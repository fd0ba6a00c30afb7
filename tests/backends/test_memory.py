from __future__ import annotations

import pytest

from ringlet_py.testing import MemoryBackend
from tests.backends.contract import BackendContract


class TestMemory(BackendContract):
    @pytest.fixture
    def backend(self) -> MemoryBackend:
        return MemoryBackend()
