"""Programs that read what we read, if they are on this machine."""

from __future__ import annotations

import os
from shutil import which
from typing import NoReturn

import pytest


def need(component: str, program: str) -> str:
    """The program's path; skips the test without it, or fails it where RINGLET_REQUIRE names the component."""
    path = which(program)
    if path is None:
        lacking(component, f"{program} is not installed")
    return path


def lacking(component: str, why: str) -> NoReturn:
    """Skips the test, or fails it where RINGLET_REQUIRE names the component."""
    if component in os.environ.get("RINGLET_REQUIRE", "").split():
        pytest.fail(f"{why}, and RINGLET_REQUIRE names {component}")
    pytest.skip(why)
