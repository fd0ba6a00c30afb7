"""Daemons that a test has put into the background: nobody's children, and ended with the test however it ends."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")  # elsewhere than on Linux nothing is found


def end_daemons(home: Path) -> list[int]:
    """Ends every daemon of that home folder, and returns their numbers."""
    if not (home / ".local/state/ringlet/daemon.log").exists():  # which is made before each of them
        return []
    found = [int(each.name) for each in _PROCESSES.glob("[0-9]*") if _is_daemon_of(each, home)]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def _is_daemon_of(process: Path, home: Path) -> bool:
    """Whether it is one, by what it was started with; another's cannot be read."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"ringlet_py" in words and b"daemon" in words and b"HOME=" + os.fsencode(home) in variables
