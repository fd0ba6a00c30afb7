"""Other people on this machine, for the tests that run as root."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NOBODY = 65534

as_root = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0, reason="needs root, to have files of another user"
)


def run_as_nobody(code: str, *arguments: str, user: int = NOBODY) -> subprocess.CompletedProcess[str]:
    """Runs Python code as another user; what stands before a line `---` (imports) still runs as root."""
    steps = f"import os\nos.setgroups([])\nos.setgid({user})\nos.setuid({user})\n"
    prelude, _, rest = code.partition("\n---\n")
    return subprocess.run(
        [sys.executable, "-c", f"{prelude}\n{steps}\n{rest}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
        env={"PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"},
    )
