"""Asks clean shells of the person's own, a login shell and another, whether variables are set; never what they are."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIMIT = 15.0  # seconds; some people's shells are slow to start
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEPT = ("HOME", "PATH", "USER", "LOGNAME", "TERM", "SHELL", "LANG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
_POSIX = 'for n in {names}; do eval "[ -n \\"\\${{$n+x}}\\" ] && echo $n"; done >&{fd}; echo . >&{fd}'
_FISH = "for n in {names}; set -q $n; and echo $n >&{fd}; end; echo . >&{fd}"
_SCRIPTS = {"bash": _POSIX, "zsh": _POSIX, "fish": _FISH}
_FD = 9  # shells take one digit alone


def still_set(names: Sequence[str], environ: Mapping[str, str], *, limit: float = LIMIT) -> list[str] | None:
    """Which of the variables a new shell has, one of a login or another; None where that could not be told.

    Bash reads `.bashrc` only in the other, and `.profile` only in that of a login.
    Nothing that the shell prints is shown or kept: the answer comes on a pipe of its own.
    """
    shell = environ.get("SHELL", "")
    script = _SCRIPTS.get(os.path.basename(shell), "")
    asked = [name for name in names if _NAME.fullmatch(name)]
    if os.name != "posix" or not script or not os.path.isabs(shell):
        return None
    if not asked:
        return []
    said = script.format(names=" ".join(asked), fd=_FD)
    answers = [_run([shell, *options, "-i", "-c", said], environ, limit).split() for options in (["-l"], [])]
    found = [name for name in asked if any(name in lines for lines in answers)]
    return found if found or all("." in lines for lines in answers) else None


def _run(words: list[str], environ: Mapping[str, str], limit: float) -> str:
    """What the script writes to its pipe, "" if it does not end in time."""
    clean = _clean(environ)
    # what start-up files print must not be taken for the answer, so that has a number of its own
    start = ["/bin/sh", "-c", f'exec {_FD}>&1 >/dev/null; exec "$0" "$@"', *words]
    reading, writing = os.pipe()
    try:
        return _answer(start, clean, (reading, writing), limit)
    except OSError:
        return ""
    finally:
        os.close(reading)


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """What a login begins with; where zsh's files are is of that, unless a file of zsh says so itself."""
    told = os.path.exists(os.path.join(environ.get("HOME", ""), ".zshenv"))
    return {name: environ[name] for name in (*_KEPT, *(() if told else ("ZDOTDIR",))) if name in environ}


def _answer(start: list[str], clean: Mapping[str, str], pipe: tuple[int, int], limit: float) -> str:
    reading, writing = pipe
    nothing, home = subprocess.DEVNULL, clean.get("HOME") or None  # where a login begins
    try:
        child = subprocess.Popen(
            start, stdin=nothing, stdout=writing, stderr=nothing, env=clean, cwd=home, start_new_session=True
        )
    finally:
        os.close(writing)
    try:
        child.wait(limit)
        os.set_blocking(reading, False)
        return os.read(reading, 65536).decode("utf-8", "replace")
    except (subprocess.TimeoutExpired, BlockingIOError):
        return ""
    finally:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
