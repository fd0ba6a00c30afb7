"""How long somebody waits, as options take it: `30s` and `5m` as everywhere, and plain numbers, which are seconds."""

from __future__ import annotations

from ringlet_py.entry import LONG_NAME
from ringlet_py.errors import UsageError
from ringlet_py.profile.lengths import length_of


def seconds(given: str | float) -> float:
    """The time in seconds; UsageError for what is none."""
    if not isinstance(given, str):  # the option's own default
        return given
    length = length_of(given)
    if length is not None:
        return length
    try:
        return float(given)
    except ValueError:
        shown = f"{given!a}" if len(given) < LONG_NAME else "what was given"  # a longer one may be a key
        raise UsageError(f"{shown} is no time to wait", hint="for example 30, 30s or 5m") from None
