"""`Rate`: an amount per window, parsed from what people write and written back the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringlet_py.errors import LimitInvalid
from ringlet_py.limits.calendars import DAY, LONGEST, check_zone
from ringlet_py.suggest import nearest

MOST = 1_000_000_000
LONGEST_WINDOW = 3650 * DAY
_UNITS = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": DAY, "week": 7 * DAY}
_WORDS = {word: unit for unit in _UNITS for word in (unit, f"{unit}s", unit[0])}
_CALENDAR = {word: unit for unit in LONGEST for word in (unit, f"{unit}s")} | {"d": "day", "w": "week"}
_WINDOW = re.compile(r"(?:([0-9]+)(?:\.([0-9]+))?)?([^0-9.].*)?", re.DOTALL)
_SHOWN = 20


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Rate:
    """So many uses in a window; ordered by window (none first), then by amount.

    `window` is the length of a sliding window in milliseconds.  Where it is 0, `calendar` (day, week or month)
    and `zone` name a calendar window; without these the amount is for the whole life of what it limits.
    Raises LimitInvalid for an amount or a window out of range.
    """

    window: int = 0
    calendar: str = ""
    zone: str = ""
    amount: int

    def __post_init__(self) -> None:
        if not 0 < self.amount <= MOST:
            raise LimitInvalid(f"the amount {_shown(str(self.amount))} is not between 1 and {MOST}")
        if not 0 <= self.window <= LONGEST_WINDOW:
            raise LimitInvalid("the window is longer than 10 years", hint="leave the window out for a lifetime")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """The rate written as AMOUNT/WINDOW, AMOUNT/UNIT@ZONE or AMOUNT alone; LimitInvalid for all else.

        A window is a unit (second, minute, hour, day, week; s, m, h, d, w), or a number of them: 30d, 1.5s.
        With a zone it is the calendar's day, week or month there.
        """
        amount, slash, window = text.partition("/")
        unit, at, zone = window.partition("@")
        whole = _amount(amount)
        if at:
            return cls(amount=whole, calendar=_calendar(unit), zone=check_zone(zone))
        return cls(amount=whole, window=_milliseconds(unit) if slash else 0)

    @property
    def is_lifetime(self) -> bool:
        """Whether what is used up never comes back."""
        return not self.window and not self.calendar

    def __str__(self) -> str:
        if self.calendar:
            return f"{self.amount}/{self.calendar}@{self.zone}"
        return f"{self.amount}/{_written(self.window)}" if self.window else str(self.amount)


def _amount(text: str) -> int:
    if not text:
        raise LimitInvalid("the rate has no amount")
    if re.fullmatch(r"[0-9]+([_,'][0-9]+)+", text):
        raise LimitInvalid(f"the amount {_shown(text)} is not digits alone", hint="write 1000, not 1_000 or 1,000")
    if not re.fullmatch(r"[0-9]+", text):
        raise LimitInvalid(f"the amount {_shown(text)} is not a whole number above 0")
    if len(text) > len(str(MOST)):
        raise LimitInvalid(f"the amount {_shown(text)} is not between 1 and {MOST}")
    return int(text)


def _milliseconds(text: str) -> int:
    """The length of a sliding window, exactly: no float is ever between what is written and what is counted."""
    whole, fraction, word = _parts(text)
    unit = _WORDS.get(word)
    if unit is None:
        raise _no_unit(word, _WORDS)
    one = int("1" + "0" * len(fraction))
    milliseconds, rest = divmod(int(whole + fraction) * _UNITS[unit], one)
    if rest:
        raise LimitInvalid(f"the window {_shown(text)} is finer than a millisecond")
    if not milliseconds:
        raise LimitInvalid(f"the window {_shown(text)} has no length")
    return milliseconds


def _parts(text: str) -> tuple[str, str, str]:
    """Digits before and after the point, and the unit; a unit alone is one of it."""
    found = _WINDOW.fullmatch(text)
    if not text or not found:
        raise LimitInvalid(f"the window {_shown(text)} is not a unit, nor a number and a unit")
    whole, fraction, word = found[1] or "1", found[2] or "", found[3] or ""
    if len(whole) + len(fraction) > _SHOWN:
        raise LimitInvalid("the window has too many digits")
    if not word:
        raise LimitInvalid(f"the window {_shown(text)} has no unit")
    return whole, fraction, word


def _calendar(text: str) -> str:
    unit = _CALENDAR.get(text)
    if unit:
        return unit
    why = "in a time zone a window is one day, one week or one month"
    raise LimitInvalid(f"the window {_shown(text)} is none of the calendar's", why=why)


def _no_unit(word: str, known: dict[str, str]) -> LimitInvalid:
    if word in {"month", "months", "mo"}:
        why = "months differ in length"
        return LimitInvalid("a month needs a time zone", why=why, hint="write 30d, or a calendar's month: month@UTC")
    near = nearest(word, known) or next((unit for unit in _UNITS if unit.startswith(word)), "")
    why = f"did you mean {near!r}?" if near else f"there are: {', '.join(_UNITS)}, and s, m, h, d, w"
    return LimitInvalid(f"there is no unit {_shown(word)}", why=why)


def _written(window: int) -> str:
    for unit, length in _UNITS.items():
        if window == length:
            return unit
    for unit in ("day", "hour", "minute", "second"):
        if window % _UNITS[unit] == 0:
            return f"{window // _UNITS[unit]}{unit[0]}"
    return f"{window // 1000}.{window % 1000:03d}".rstrip("0") + "s"


def _shown(text: str) -> str:
    """A short part of what was written, for a message; a long one may be a key that was pasted in its place."""
    return ascii(text) if len(text) < _SHOWN else "given"
