"""Whether work grows with what there is to do, and not with its square; on a busy machine too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = 8
LOOKS = 4  # one look may fall into a bad moment; work that grows with the square takes too long in each


def grows_with_its_length(work: Callable[[int], object], short: int) -> bool:
    """Whether the work of eight times the length takes no more than about eight times as long."""
    return any(_looked(work, short) for _ in range(LOOKS))


def _looked(work: Callable[[int], object], short: int) -> bool:
    least = max(min(_seconds(work, short) for _ in range(3)), 0.001)
    return _seconds(work, short * TIMES) < least * TIMES * 3


def _seconds(work: Callable[[int], object], length: int) -> float:
    began = time.process_time()
    work(length)
    return time.process_time() - began
