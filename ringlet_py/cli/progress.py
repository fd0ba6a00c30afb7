"""A progress bar for what takes over a second, on a terminal's standard error and nowhere else."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATIENCE = 1.0  # seconds before a bar is worth looking at
_ERASE = "\r\x1b[K"


class Progress:
    """How far something is: called with every further amount; `hide()` before a line is shown beside it."""

    def __init__(self, bar: Callable[[], Any], clock: Callable[[], float]) -> None:
        self._make = bar
        self._clock = clock
        self._from = clock() + _PATIENCE
        self._waiting = 0  # done before the bar was shown
        self._bar: Any = None
        self._lock = Lock()

    def __call__(self, amount: int) -> None:
        with self._lock:
            self._waiting += amount
            if self._clock() < self._from and self._bar is None:
                return
            self._bar = self._bar or self._make()
            self._bar.update(self._waiting)
            self._waiting = 0

    def show(self) -> None:
        """Shows the bar now, however little is done; from another thread, too."""
        with self._lock, suppress(OSError, ValueError):  # the terminal may be gone
            self._bar = self._bar or self._make()

    def hide(self) -> None:
        """Clears the bar's line until it moves again."""
        if self._bar is not None:
            self._bar.file.write(_ERASE)
            self._bar.file.flush()


class Silence(Progress):
    """What nobody sees: standard error is not a terminal."""

    def __init__(self) -> None:
        """Keeps nothing."""

    def __call__(self, amount: int) -> None:
        """Nobody looks."""

    def hide(self) -> None:
        """There is none."""


@contextmanager
def progress(
    label: str,
    *,
    total: int,
    long_steps: bool = False,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """The bar of something of that total amount (bytes, keys), for a `with`; it moves by what it is called with.

    Where one of the steps may take seconds by itself, and shows nothing meanwhile, the bar does not wait for its end.
    """
    shown = stream or sys.stderr
    if shown is None or not getattr(shown, "shows_bars", shown.isatty()):
        yield Silence()
        return
    with ExitStack() as open_bar:
        made: Any = typer.progressbar(length=total, label=label, file=shown)
        bar = Progress(lambda: open_bar.enter_context(made), clock)
        with _shown_in_time(bar) if long_steps else nullcontext():
            yield bar


@contextmanager
def _shown_in_time(bar: Progress) -> Iterator[None]:
    timer = Timer(_PATIENCE, bar.show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # the terminal is the next one's
