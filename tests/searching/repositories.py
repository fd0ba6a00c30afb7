"""Real git repositories to search in."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.program import Home

PERSON = ("-c", "user.name=A Person", "-c", "user.email=a@person.example", "-c", "init.defaultBranch=main")


def needs_git() -> None:
    """Skips the test without git, or fails it where it must be there."""
    if shutil.which("git") is None:
        assert "git" not in os.environ.get("RINGLET_REQUIRE", "").split(), "git is not installed"
        pytest.skip("git is not installed")


def git(home: Home, *args: str, at: Path | None = None, ok: bool = True) -> str:
    """Runs git in the home's folder `work`, as its person."""
    done = subprocess.run(
        ["git", *PERSON, *args],
        cwd=at or home.path / "work",
        env=home.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not ok, done.stderr
    return done.stdout + done.stderr
