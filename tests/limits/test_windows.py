from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.limits import NEVER, Rate, Use, opens_at, remaining, retention
from ringlet_py.limits.calendars import DAY

WALL = 1_795_383_605_123  # 2026-11-22T21:40:05.123Z
FAR = 20 * 365 * DAY


@dataclass
class Subject:
    """What a ledger does with a rate: clocks in whole milliseconds, a stream of uses, and one verb."""

    rate: Rate
    stream: list[Use] = field(default_factory=list)
    total: int = 0

    @property
    def nth(self) -> Use | None:
        return self.stream[-self.rate.amount] if len(self.stream) >= self.rate.amount else None

    def opens(self, now: int, wall: int) -> int:
        return opens_at(self.rate, self.nth, total=self.total, now=now, wall=wall)

    def left(self, now: int, wall: int) -> int:
        return remaining(self.rate, reversed(self.stream), total=self.total, now=now, wall=wall)

    def take(self, now: int, wall: int) -> None:
        self.stream.append(Use(now, wall))
        self.total += 1

    def forget(self, now: int) -> None:
        kept = retention([self.rate])
        last = self.stream[-kept.uses :] if kept.uses else []
        self.stream = [use for use in last if now - use.at <= kept.length]


def steps(longest: int) -> st.SearchStrategy[list[int]]:
    """Microseconds between arrivals: bursts, near misses of the window, and anything."""
    near = st.integers(-1500, 1500).map(lambda d: max(0, longest + d))
    return st.lists(st.one_of(st.integers(0, 2000), near, st.integers(0, 2 * longest)), max_size=60)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[Rate, list[int]]:
    window = draw(st.one_of(st.integers(1, 5), st.integers(1, 100_000)))
    rate = Rate(amount=draw(st.integers(1, 5)), window=window)
    return rate, list(accumulate(draw(steps(window * 1000))))


def admitted(rate: Rate, times: list[int], *, ahead: int = WALL * 1000) -> list[int]:
    """Which of the true moments (µs) are admitted; the wall clock is so far ahead of the steady one."""
    subject = Subject(rate)
    taken = []
    for time in times:
        now, wall = time // 1000, (time + ahead) // 1000
        if not subject.opens(now, wall):
            subject.take(now, wall)
            taken.append(time)
    return taken


@given(arrivals())
def test_no_true_window_ever_holds_more_than_the_amount(case: tuple[Rate, list[int]]):
    rate, times = case
    taken = admitted(rate, times)

    for start in taken:
        assert sum(start <= time < start + rate.window * 1000 for time in taken) <= rate.amount


@given(arrivals())
def test_nothing_is_refused_that_could_not_have_been_too_much(case: tuple[Rate, list[int]]):
    rate, times = case
    taken = admitted(rate, times)

    for time in sorted(set(times) - set(taken)):
        # clocks tell whole milliseconds: each use may be nearly one later, and now nearly one earlier, than it was
        since = time // 1000 - rate.window
        assert sum(since <= use // 1000 and use <= time for use in taken) >= rate.amount


@given(arrivals())
def test_a_refusal_names_the_exact_moment(case: tuple[Rate, list[int]]):
    rate, times = case
    subject = Subject(rate)
    for time in times:
        now, wall = time // 1000, time // 1000 + WALL
        opens = subject.opens(now, wall)
        if not opens:
            subject.take(now, wall)
            continue

        assert opens > now
        assert subject.opens(opens - 1, opens - 1 + WALL) == opens
        assert subject.opens(opens, opens + WALL) == 0


ZONES = ["UTC", "America/New_York", "America/Santiago", "Europe/Berlin"]
# the nights of 2026 in which one of them changes its clocks, and some more
starts = st.sampled_from(["2026-03-07", "2026-03-28", "2026-04-04", "2026-09-05", "2026-10-24", "2026-10-31"]).map(
    lambda day: int(dt.datetime.fromisoformat(f"{day}T00:00+00:00").timestamp()) * 1_000_000
)
calendars = st.builds(
    Rate,
    amount=st.integers(1, 4),
    calendar=st.sampled_from(["day", "week", "month"]),
    zone=st.sampled_from(ZONES),
)
gaps = st.lists(st.one_of(st.integers(0, 2000), st.integers(0, 12 * 3600 * 10**6)), max_size=40)


def shown(rate: Rate, time: int) -> object:
    """The day, week or month on a calendar that hangs there, at that true moment (µs since 1970)."""
    date = dt.datetime.fromtimestamp(time // 10**6, ZoneInfo(rate.zone)).date()
    return {"day": date, "week": date.isocalendar()[:2], "month": (date.year, date.month)}[rate.calendar]


@given(calendars, starts, gaps)
def test_a_calendar_window_admits_the_amount_and_never_more(rate: Rate, start: int, gaps: list[int]):
    times = list(accumulate(gaps, initial=start))
    taken = admitted(rate, times, ahead=0)

    for time in times:
        wished = sum(shown(rate, other) == shown(rate, time) for other in times)
        given_out = sum(shown(rate, other) == shown(rate, time) for other in taken)
        assert given_out == min(rate.amount, wished)


@given(calendars, starts, gaps)
def test_a_refusal_names_the_exact_start_of_the_next_calendar_window(rate: Rate, start: int, gaps: list[int]):
    subject = Subject(rate)
    ahead = start // 1000  # the steady clock begins at 0
    for time in accumulate(gaps):
        now = time // 1000
        opens = subject.opens(now, now + ahead)
        if not opens:
            subject.take(now, now + ahead)
            continue

        assert subject.opens(opens - 1, opens - 1 + ahead) == opens
        assert subject.opens(opens, opens + ahead) == 0


rates = st.one_of(
    st.builds(Rate, amount=st.integers(1, 4), window=st.integers(1, 3 * DAY)),
    calendars,
    st.builds(Rate, amount=st.integers(1, 4)),
)
# a stream in order of the steady clock, its wall clock stepping as it likes
streams = st.lists(st.tuples(st.integers(0, DAY), st.integers(-3 * DAY, 3 * DAY)), max_size=12)


def made(rate: Rate, steps: list[tuple[int, int]]) -> Subject:
    subject = Subject(rate)
    now = 0
    for step, off in steps:
        now += step
        subject.take(now, now + WALL + off)
    return subject


@given(rates, streams, st.integers(0, 9 * DAY), st.integers(-3 * DAY, 3 * DAY))
def test_what_remains_can_be_taken_now_and_no_more(rate: Rate, steps: list[tuple[int, int]], later: int, off: int):
    subject = made(rate, steps)
    now = sum(step for step, _ in steps) + later
    wall = now + WALL + off
    left = subject.left(now, wall)

    for number in range(left, 0, -1):
        assert subject.opens(now, wall) == 0
        assert subject.left(now, wall) == number
        subject.take(now, wall)
    assert subject.opens(now, wall) > now
    assert subject.left(now, wall) == 0


@given(rates, streams, st.integers(0, 40 * DAY), st.integers(-3 * DAY, 3 * DAY))
def test_what_need_not_be_kept_changes_nothing(rate: Rate, steps: list[tuple[int, int]], later: int, off: int):
    subject = made(rate, steps)
    now = sum(step for step, _ in steps) + later
    wall = now + WALL + off
    before = subject.opens(now, wall), subject.left(now, wall)

    subject.forget(now)

    assert (subject.opens(now, wall), subject.left(now, wall)) == before


def test_what_must_be_kept_is_the_largest_amount_and_the_longest_window():
    kept = retention(map(Rate.parse, ["100/minute", "5/day", "1000000"]))

    assert (kept.uses, kept.length) == (100, DAY)
    assert tuple(retention([Rate.parse("1000000")])) == (0, 0)
    assert retention([Rate.parse("5/day@UTC")]).length > DAY


def test_a_lifetime_is_used_up_for_ever():
    rate = Rate.parse("3")
    opens = [opens_at(rate, None, total=total, now=FAR, wall=WALL + FAR) for total in range(5)]

    assert opens == [0, 0, 0, NEVER, NEVER]


def test_an_amount_that_was_lowered_leaves_nothing_and_not_less():
    stream = [Use(at, WALL + at) for at in range(10)]

    assert remaining(Rate.parse("3/minute"), reversed(stream), total=10, now=10, wall=WALL) == 0
    assert remaining(Rate.parse("3"), [], total=10, now=10, wall=WALL) == 0


def test_a_use_at_the_very_start_of_a_day_is_of_that_day():
    rate = Rate.parse("1/day@UTC")
    midnight = WALL - WALL % DAY

    assert opens_at(rate, Use(0, midnight), total=1, now=5, wall=midnight + 5) == DAY
    assert opens_at(rate, Use(0, midnight - 1), total=1, now=5, wall=midnight + 4) == 0


def test_what_remains_after_the_wall_clock_was_set_back_over_midnight_is_what_will_be_allowed():
    rate = Rate.parse("3/day@UTC")
    midnight = WALL - WALL % DAY
    subject = Subject(rate, [Use(0, midnight + 5), Use(1, midnight - 5)], total=2)

    assert subject.left(20, midnight + 6) == 1
    subject.take(20, midnight + 6)
    assert subject.opens(20, midnight + 6) > 20


def test_a_window_is_open_only_when_more_than_its_length_has_passed():
    rate = Rate.parse("1/second")

    # used at 0.999 ms, asked at 1000.0 ms: by whole milliseconds a second has passed, in truth it has not
    assert opens_at(rate, Use(0, WALL), total=1, now=1000, wall=WALL) == 1001
    assert opens_at(rate, Use(0, WALL), total=1, now=1001, wall=WALL) == 0


def test_a_wall_clock_that_steps_does_not_touch_a_sliding_window():
    rate = Rate.parse("1/hour")
    answers = {opens_at(rate, Use(0, WALL), total=1, now=5, wall=WALL + step) for step in (-FAR, 0, FAR)}

    assert answers == {3_600_001}


@pytest.mark.parametrize("back", [1, 1000, 3_600_000, DAY])
def test_a_wall_clock_set_back_gives_no_second_helping_of_a_day(back: int):
    rate = Rate.parse("1/day@UTC")

    assert opens_at(rate, Use(0, WALL), total=1, now=5, wall=WALL - back) > 5


def test_a_wall_clock_that_was_years_ahead_blocks_no_key_for_years():
    rate = Rate.parse("1/day@UTC")
    used_in_2046 = Use(0, WALL + FAR)
    opens = opens_at(rate, used_in_2046, total=1, now=5, wall=WALL)

    assert DAY < opens <= 2 * DAY + 1
    assert opens_at(rate, used_in_2046, total=1, now=opens - 1, wall=WALL + opens - 1) == opens
    assert opens_at(rate, used_in_2046, total=1, now=opens, wall=WALL + opens) == 0
