from __future__ import annotations

import datetime as dt
import os
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.limits.calendars import LONGEST, calendar_window

HOUR = 3_600_000
# among them clocks that change at midnight, by half an hour, over a whole day, and a minute after midnight
ZONES = [
    "UTC",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kwajalein",
]
units = st.sampled_from(["day", "week", "month"])
moments = st.integers(0, 4_102_444_800_000)  # 1970 to 2100


def ms(text: str, zone: str = "UTC") -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@given(units, st.sampled_from(ZONES), moments)
def test_windows_hold_their_moment_and_follow_each_other_without_a_gap(unit: str, zone: str, wall: int):
    start, end = calendar_window(unit, zone, wall)

    assert start <= wall < end
    assert end - start < LONGEST[unit]
    assert calendar_window(unit, zone, start) == calendar_window(unit, zone, end - 1) == (start, end)
    assert calendar_window(unit, zone, start - 1)[1] == start
    assert calendar_window(unit, zone, end)[0] == end


def label(unit: str, zone: str, wall: int) -> object:
    """What a calendar on the wall shows at that moment."""
    date = dt.datetime.fromtimestamp(wall / 1000, ZoneInfo(zone)).date()
    return {"day": date, "week": date.isocalendar()[:2], "month": (date.year, date.month)}[unit]


# where no clock goes back over midnight, the window is what the calendar shows
@given(units, st.sampled_from(["UTC", "America/New_York", "America/Santiago", "Europe/Berlin"]), moments)
def test_a_window_is_exactly_the_day_week_or_month_that_the_calendar_shows(unit: str, zone: str, wall: int):
    start, end = calendar_window(unit, zone, wall)

    assert label(unit, zone, start) == label(unit, zone, wall) == label(unit, zone, end - 1)
    assert label(unit, zone, start - 1) != label(unit, zone, wall) != label(unit, zone, end)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-08", "America/New_York", 23),
        ("2026-11-01", "America/New_York", 25),
        ("2026-11-02", "America/New_York", 24),
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-10-04", "Australia/Lord_Howe", 23.5),
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ("2026-09-06", "America/Santiago", 23),
    ],
)
def test_a_day_has_the_hours_that_its_zone_gives_it(day: str, zone: str, hours: float):
    start, end = calendar_window("day", zone, ms(f"{day}T12:00", zone))

    assert end - start == hours * HOUR


def test_a_day_that_begins_after_its_skipped_midnight_begins_where_the_clock_was_put_forward():
    start, _ = calendar_window("day", "America/Santiago", ms("2026-09-06T12:00", "America/Santiago"))

    assert start == ms("2026-09-06T04:00")  # 01:00 there, which followed 23:59


def test_a_day_that_clocks_go_back_to_after_midnight_is_not_begun_again():
    midnight = ms("2009-11-01T02:30")  # and a minute later it was 23:01 of 31 October again in St. John's

    for wall in (midnight, midnight + 60_000, midnight + HOUR, midnight + 2 * HOUR):
        assert calendar_window("day", "America/St_Johns", wall) == (midnight, midnight + 25 * HOUR)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no moment before 1970")
def test_a_day_whose_midnight_was_skipped_before_it_came_begins_later_and_belongs_to_the_day_before_until_then():
    skipped = ms("1919-03-31T04:30")  # 23:30 in Toronto, followed by 00:30
    begun = skipped + HOUR // 2

    assert calendar_window("day", "America/Toronto", skipped)[1] == begun
    assert calendar_window("day", "America/Toronto", begun)[0] == begun


def test_the_day_that_samoa_skipped_is_no_window():
    before = calendar_window("day", "Pacific/Apia", ms("2011-12-29T12:00", "Pacific/Apia"))
    after = calendar_window("day", "Pacific/Apia", ms("2011-12-31T12:00", "Pacific/Apia"))

    assert before[1] == after[0]
    assert before[1] - before[0] == after[1] - after[0] == 24 * HOUR


def test_a_week_begins_on_monday():
    assert calendar_window("week", "UTC", ms("2026-11-22T23:59")) == (ms("2026-11-16T00:00"), ms("2026-11-23T00:00"))


@pytest.mark.parametrize(("month", "days"), [("2028-02", 29), ("2026-02", 28), ("2026-12", 31), ("2026-04", 30)])
def test_a_month_has_its_days(month: str, days: int):
    start, end = calendar_window("month", "UTC", ms(f"{month}-15T00:00"))

    assert (start, end - start) == (ms(f"{month}-01T00:00"), days * 24 * HOUR)
