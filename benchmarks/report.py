"""Tables and bars for a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 40


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows under their headers; every column but the first and the last is set to the right."""
    widths = [max(len(row[column]) for row in (headers, *rows)) for column in range(len(headers))]
    last = len(headers) - 1

    def line(row: Sequence[str]) -> str:
        cells = [
            text.ljust(width) if column in (0, last) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join(
        ["  ".join(width * "-" for width in widths) if row is None else line(row) for row in (headers, None, *rows)]
    )


def plot(values: Mapping[str, float], unit: str) -> str:
    """One bar for each value; made of # where the terminal has no blocks."""
    block = "█" if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" else "#"
    left = max(map(len, values))
    longest = max(values.values())
    return "\n".join(
        f"{name.ljust(left)}  {block * max(1, round(value / longest * WIDTH))} {value:.1f} {unit}"
        for name, value in values.items()
    )


def verdict(value: float, most: float) -> str:
    """Whether a bar is met."""
    return "met" if value <= most else "MISSED"
