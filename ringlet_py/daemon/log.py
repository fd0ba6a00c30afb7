"""What the daemon says while it runs: one line for each message, with its moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.entry import utc

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str], None]


def dated(say: Say, clock: Callable[[], float]) -> Say:
    """The same, for messages of several lines too; `clock` is in seconds since 1970."""
    return lambda text: say(f"{utc(clock())} {'; '.join(filter(None, map(str.strip, text.splitlines())))}")
