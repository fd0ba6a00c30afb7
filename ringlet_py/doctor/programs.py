"""Asks other programs for their version: side by side, with little environment, little time and little to say."""

from __future__ import annotations

import io
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from ringlet_py.files.checks import POSIX
from ringlet_py.launcher import ESSENTIAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE = 3.0  # seconds for each
_AT_ONCE = 4
_MOST = 4096  # bytes that are read of what a program says


def answers(
    commands: Sequence[Sequence[str]], *, environ: Mapping[str, str], folder: str, patience: float = PATIENCE
) -> list[str]:
    """What each command printed first, "" where it could not be started or was too slow; run in that folder.

    No key reaches them: they get only the variables that a program needs to find its way about.
    """
    env = {name: value for name, value in environ.items() if name in ESSENTIAL or name.startswith("LC_")}
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return list(pool.map(lambda command: _answer(command, env, folder, patience), commands))


def _answer(command: Sequence[str], env: dict[str, str], folder: str, patience: float) -> str:
    own: dict[str, Any] = {"start_new_session": True} if POSIX else {"creationflags": 0x00000200}  # a group of its own
    own |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        child = subprocess.Popen(list(command), env=env, cwd=folder if os.path.isdir(folder) else None, **own)
    except (OSError, ValueError):
        return ""
    try:
        return _said(child, patience)
    finally:
        _end(child)


def _said(child: subprocess.Popen[bytes], patience: float) -> str:
    """What it says within that time; read beside, as no pipe can be read with a limit on every system."""
    said: list[bytes] = []
    reader = Thread(target=_read, args=(child, said), daemon=True)
    reader.start()
    reader.join(patience)
    return b"".join(said)[:_MOST].decode(errors="replace")


def _read(child: subprocess.Popen[bytes], said: list[bytes]) -> None:
    """All that it says up to a limit, as it comes: what it has started may keep the pipe open."""
    assert isinstance(child.stdout, io.BufferedReader)  # noqa: S101 - a pipe was asked for
    with child.stdout as stream:
        while sum(map(len, said)) < _MOST and (part := stream.read1(_MOST)):
            said.append(part)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ends it with all that it has started."""
    with suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL) if POSIX else child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(1.0)
