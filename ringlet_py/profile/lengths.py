"""Lengths of time as people write them, `8h`, `1h30m`, `30d`, and how long a lease may be."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 1.0, 30 * 24 * 3600.0  # seconds of a lease
IN_WORDS = "a lease runs for 1s to 30d"
EXAMPLE = "for example 30m, 8h or 7d"
_LENGTH = re.compile(r"(?:[0-9]{1,9}[smhdw])+")
_PART = re.compile(r"([0-9]+)([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
_MOST = 100  # characters; sums of so many parts stay exact


def lease_length(given: float | str) -> float | None:
    """The length of a lease in seconds, None for what cannot be one; a number is of seconds."""
    length = length_of(given) if isinstance(given, str) else given
    return float(length) if length is not None and SHORTEST <= length <= LONGEST else None  # NaN is no length either


def length_of(text: str) -> int | None:
    """The seconds in `8h` or `1h30m`, None for what is no length of time."""
    if len(text) > _MOST or not _LENGTH.fullmatch(text):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
