"""Programs that read what we read, if they are on this machine."""

from __future__ import annotations

import os
from shutil import which

import pytest


def need(component: str, program: str) -> str:
    """The program's path; skips the test without it, or fails it where RINGLET_REQUIRE names the component."""
    path = which(program)
    if path is None and component in os.environ.get("RINGLET_REQUIRE", "").split():
        pytest.fail(f"{program} is not installed, and RINGLET_REQUIRE names {component}")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path
