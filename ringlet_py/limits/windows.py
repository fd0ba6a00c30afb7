"""When the next use is allowed, and how many are left: the arithmetic that every ledger engine is built on.

A subject (a key and feature, an org, a pool, a caller) has one stream of uses, numbered 1 to `total`.
For a rate of amount A only its A-th most recent use matters: while that one counts, the rate is used up.
`now` is the ledger's steady clock, `wall` the clock of the calendar; both whole milliseconds, rounded down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ringlet_py.limits.calendars import LONGEST, calendar_window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.limits.rate import Rate

# later than every moment, and still a whole number to SQLite and to Lua's doubles
NEVER = 2**53 - 1
EVER = -NEVER


class Use(NamedTuple):
    """One counted use: when, by the steady clock and by the wall clock."""

    at: int
    wall: int


class Horizon(NamedTuple):
    """How far back a rate looks: a use counts if it is neither older than `at` nor than `wall`."""

    at: int
    wall: int

    def counts(self, use: Use) -> bool:
        """Whether the use still counts."""
        return use.at >= self.at and use.wall >= self.wall


class Retention(NamedTuple):
    """What of a stream must be kept: a use may go when it is not among the `uses` last, or older than `length` ms."""

    uses: int
    length: int


def horizon(rate: Rate, *, now: int, wall: int) -> Horizon:
    """From where on uses count against the rate.

    A sliding window still counts what is exactly its length old: both moments were rounded down, so that use may
    really be up to a millisecond younger.  A calendar window counts from its start by the wall clock, but nothing
    older by the steady clock than such a window can be: a wall clock that was once wrong blocks no key for years.
    """
    if rate.is_lifetime:
        return Horizon(EVER, EVER)
    if rate.calendar:
        return Horizon(now - LONGEST[rate.calendar], calendar_window(rate.calendar, rate.zone, wall)[0])
    return Horizon(now - rate.window, EVER)


def opens_at(rate: Rate, nth: Use | None, *, total: int, now: int, wall: int) -> int:
    """The steady moment from which the rate allows the next use: 0 if it does now, NEVER if its life is used up.

    `nth` is the rate's amount-th most recent use, None if there were fewer, or if it was forgotten as `retention`
    allows.  What is refused before that moment is allowed at it, unless there are further uses or the wall clock steps.
    """
    if rate.is_lifetime:
        return NEVER if total >= rate.amount else 0
    if nth is None or not horizon(rate, now=now, wall=wall).counts(nth):
        return 0
    if rate.window:
        return nth.at + rate.window + 1
    # a use that seems to lie ahead was written before the wall clock was set back; it counts for its own window
    end = calendar_window(rate.calendar, rate.zone, max(wall, nth.wall))[1]
    return min(now + end - wall, nth.at + LONGEST[rate.calendar] + 1)


def remaining(rate: Rate, recent: Iterable[Use], *, total: int, now: int, wall: int) -> int:
    """How many uses the rate allows at this moment; `recent` are the last ones, the most recent first.

    As many of `recent` are read as the rate's amount.  Never negative, also after the amount was lowered.
    """
    if rate.is_lifetime:
        return max(0, rate.amount - total)
    since = horizon(rate, now=now, wall=wall)
    # numbered, not counted: after the wall clock was set back, a use that counts may lie behind one that does not
    numbered = zip(range(1, rate.amount + 1), recent, strict=False)
    return rate.amount - max((number for number, use in numbered if since.counts(use)), default=0)


def retention(rates: Iterable[Rate]) -> Retention:
    """What must be kept of a stream that these rates look at; lifetimes need only its total."""
    uses = length = 0
    for rate in rates:
        if not rate.is_lifetime:
            uses, length = max(uses, rate.amount), max(length, rate.window or LONGEST[rate.calendar])
    return Retention(uses, length)
