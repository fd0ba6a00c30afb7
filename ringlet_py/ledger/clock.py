"""The clocks of this machine, in whole milliseconds: the wall clock, and the time since it was started."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """What a ledger in a file needs to know of time."""

    def wall(self) -> int:
        """Milliseconds since 1970, as the machine believes."""
        ...

    def since_boot(self) -> int | None:
        """Milliseconds since the machine was started, suspended time too; None where nobody counts them."""
        ...

    def boot(self) -> str:
        """What names this start of the machine."""
        ...


class SystemClock:
    """The clocks of the system; `seconds` is its wall clock.

    The time since boot is Linux' CLOCK_BOOTTIME (clock_gettime(2)): no setting of the time moves it, and it goes on
    while the machine sleeps.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._boot = _boot_id()

    def wall(self) -> int:
        """Milliseconds since 1970."""
        return int(self._seconds() * 1000)

    def since_boot(self) -> int | None:
        """Milliseconds since boot, or None."""
        if _BOOTTIME is None or not self._boot:
            return None
        return time.clock_gettime_ns(_BOOTTIME) // 1_000_000

    def boot(self) -> str:
        """The kernel's random name of this boot."""
        return self._boot


def _boot_id() -> str:
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
