"""Days, weeks and months as a named time zone has them, from one midnight to the next."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ringlet_py.errors import LimitInvalid
from ringlet_py.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY = 86_400_000
# no window of that kind lasts longer, whatever its zone did to its clocks; a day more than the calendar says
LONGEST = {"day": 2 * DAY, "week": 8 * DAY, "month": 32 * DAY}
_UTC = "UTC"
_SHOWN = 20
# a capital first: `right/…`, `posix/…` and `localtime` are files of some machines, not names of zones
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,3}")


def check_zone(name: str) -> str:
    """The name, if it is a time zone of the IANA database that this machine has; else LimitInvalid."""
    if name == _UTC or (_ZONE.fullmatch(name) and _is_there(name)):
        return name
    known = available_timezones()
    if not known:
        raise LimitInvalid("this machine knows no time zone but UTC", hint="pip install tzdata")
    # a long one may be a key that was pasted in its place
    shown = f" {name!a}" if len(name) < _SHOWN else ""
    near = _near_zone(name[:64], known)
    raise LimitInvalid(
        f"there is no time zone{shown}",
        why=f"did you mean {near!r}?" if near else "zones are named like America/Los_Angeles, or UTC",
    )


def calendar_window(unit: str, zone: str, wall: int) -> tuple[int, int]:
    """The day, week (from Monday) or month of the zone that holds the moment `wall`: its start, and the next one's.

    Wall-clock milliseconds since 1970.  A window starts at its first midnight by the zone's clocks, or where
    midnight is skipped at what comes instead (PEP 495, fold 0), so windows follow each other without a gap.
    """
    clock = _zone(zone)
    first = _first_day(unit, dt.datetime.fromtimestamp(wall // 1000, clock).date())
    # clocks that change at midnight can show a date whose window has not begun, or is already over
    if wall < _midnight(first, clock):
        first = _first_day(unit, first - dt.timedelta(days=1))
    elif wall >= _midnight(_next(unit, first), clock):
        first = _next(unit, first)
    return _midnight(first, clock), _midnight(_next(unit, first), clock)


def _zone(name: str) -> dt.tzinfo:
    """UTC is there also where the machine has no zones."""
    return dt.UTC if name == _UTC else ZoneInfo(name)


def _is_there(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _near_zone(name: str, known: Iterable[str]) -> str:
    """The zone that was probably meant, by its whole name or by its city alone."""
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(known)}
    return nearest(name, known) or cities.get(nearest(name, cities), "")


def _first_day(unit: str, day: dt.date) -> dt.date:
    if unit == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _next(unit: str, first: dt.date) -> dt.date:
    """The first day of the window after the one that begins on that day."""
    if unit == "month":
        return (first + dt.timedelta(days=31)).replace(day=1)
    return first + dt.timedelta(days=7 if unit == "week" else 1)


def _midnight(day: dt.date, clock: dt.tzinfo) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=clock).timestamp()) * 1000
