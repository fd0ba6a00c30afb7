"""What the daemon says while it runs: each line with its moment, in UTC as RFC 3339 writes it."""

from __future__ import annotations

import re
import sys
import traceback
from typing import TYPE_CHECKING, Any, cast

from ringlet_py.entry import utc

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    Say = Callable[[str], None]

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_STAMPED = re.compile(f"{STAMP} ")


def dated(say: Say, clock: Callable[[], float]) -> Say:
    """The same, for messages of several lines too; `clock` is in seconds since 1970."""
    return lambda text: say(f"{utc(clock())} {'; '.join(filter(None, map(str.strip, text.splitlines())))}")


def stamped(line: str, now: float) -> str:
    """The line with that moment before it, unless it has one."""
    return line if _STAMPED.match(line) or not line.strip() else f"{utc(now)} {line}"


class Stamped:
    """A stream whose every line gets its moment, whoever writes it; whatever else it does as the stream itself."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._is_at_start = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As of any stream."""
        for line in text.splitlines(keepends=True):
            self._stream.write(stamped(line, self._clock()) if self._is_at_start else line)
            self._is_at_start = line.endswith("\n")
        return len(text)


def stamp_errors(clock: Callable[[], float]) -> None:
    """Gives each line of standard error its moment from now on, also those of the error that ends the process."""
    if sys.stderr is None:
        return
    log = cast("TextIO", Stamped(sys.stderr, clock))
    sys.stderr = log
    # by then standard error is what it was before
    sys.excepthook = lambda *problem: traceback.print_exception(*problem, file=log)
