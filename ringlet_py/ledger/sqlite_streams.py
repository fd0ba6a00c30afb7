"""Streams of uses in the embedded ledger: what `limits` computes with, one point lookup a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.limits import NEVER, Retention, Use, horizon, opens_at, retention

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ringlet_py.ledger.sqlite_moment import Moment
    from ringlet_py.limits import Rate

# Kept of a stream beyond what its rates need: a limit that is raised later finds at least these uses.
LEAST_USES = 32
LEAST_LENGTH = 86_400_000
# streams are tidied at each such use, a few more at a time than came since
_EACH = 8
_AT_ONCE = 16

# the last use has the total as its number; `streams.total` is for a stream of which no use is kept
_FIND = """
    SELECT id, coalesce((SELECT max(number) FROM uses WHERE stream = id), total), kept_uses, kept_length
    FROM streams WHERE name = ?
"""
_MAKE = "INSERT INTO streams (name, total, kept_uses, kept_length) VALUES (?, 0, ?, ?)"
_NTH = "SELECT at, wall FROM uses WHERE stream = ? AND number = ?"
# in the order of the key: the first that still counts is the oldest
_OLDEST = """
    SELECT number FROM uses WHERE stream = ? AND number > ? AND at >= ? AND wall >= ? ORDER BY stream, number LIMIT 1
"""
_TAKE = "INSERT INTO uses (stream, number, at, wall, lease) VALUES (?, ?, ?, ?, ?)"
_KEEP = "UPDATE streams SET kept_uses = ?, kept_length = ? WHERE id = ?"
_PRUNE = """
    DELETE FROM uses WHERE stream = ?1 AND (number <= ?2 OR at < ?3)
    AND number < (SELECT min(number) FROM uses WHERE stream = ?1) + ?4
"""
# an index of leases would cost each claim a page; so the whole table is read if the streams are not known
_OF_LEASE = "SELECT stream, number, name FROM uses JOIN streams ON streams.id = stream WHERE lease = ?"
_OF_LEASE_IN = f"{_OF_LEASE} AND stream = (SELECT id FROM streams WHERE name = ?)"  # noqa: S608 - the words are ours
# by way of negative numbers: while numbers change, no two are the same
_CLOSE = (
    "DELETE FROM uses WHERE stream = ?1 AND number = ?2",
    "UPDATE uses SET number = 1 - number WHERE stream = ?1 AND number > ?2",
    "UPDATE uses SET number = -number WHERE stream = ?1 AND number <= -?2",
    "UPDATE streams SET total = ?2 - 1 WHERE id = ?1",
)


# a stream that is not there yet: its number, total, and what is kept of it
_NONE = (0, 0, 0, 0)


class Streams:
    """The streams as one transaction sees them, at one moment; what was taken is written by `keep`, all at one go."""

    def __init__(self, connection: sqlite3.Connection, moment: Moment) -> None:
        self._connection = connection
        self._moment = moment
        self._found: dict[str, tuple[int, int, int, int] | None] = {}
        self._taken: list[tuple[int, int, int, int, str]] = []
        self._waiting: dict[int, int] = {}  # how many of each stream's uses are not written yet
        self._untidy: list[tuple[int, int, int, int]] = []

    def opens(self, name: str, rates: Iterable[Rate]) -> int:
        """The steady moment from which all the rates allow another use: 0 for now, NEVER for never again."""
        stream, total, _, _ = self._stream(name) or _NONE
        latest = 0
        for rate in rates:
            if total >= rate.amount:
                latest = max(latest, self._opens(stream, total, rate))
        return latest

    def left(self, name: str, rates: Iterable[Rate]) -> list[int]:
        """How many uses each of the rates still allows."""
        stream, total, _, _ = self._stream(name) or _NONE
        return [self._left(stream, total, rate) for rate in rates]

    def take(self, name: str, rates: tuple[Rate, ...], lease: str) -> None:
        """Counts one use."""
        needed = retention(rates)
        stream, total, uses, length = self._stream(name) or self._make(name, needed)
        total += 1
        now, wall, _ = self._moment
        self._taken.append((stream, total, now, wall, lease))
        self._waiting[stream] = self._waiting.get(stream, 0) + 1
        if needed.uses > uses or needed.length > length:
            # several turns may count on it, so the longest sight rules
            uses, length = max(uses, needed.uses), max(length, needed.length)
            self._connection.execute(_KEEP, (uses, length, stream))
        self._found[name] = (stream, total, uses, length)
        if total % _EACH == 0:
            self._untidy.append((stream, total - uses, now - length, _AT_ONCE))

    def keep(self) -> None:
        """Writes what was taken."""
        self._connection.executemany(_TAKE, self._taken)
        if self._untidy:
            self._connection.executemany(_PRUNE, self._untidy)
        self._taken, self._untidy = [], []
        self._waiting.clear()

    def _opens(self, stream: int, total: int, rate: Rate) -> int:
        if rate.is_lifetime:
            return NEVER
        now, wall, _ = self._moment
        number = total - rate.amount + 1
        nth: tuple[int, int] | None = (now, wall)
        if number <= total - self._waiting.get(stream, 0):
            nth = self._connection.execute(_NTH, (stream, number)).fetchone()
        return opens_at(rate, Use(*nth) if nth else None, total=total, now=now, wall=wall)

    def _left(self, stream: int, total: int, rate: Rate) -> int:
        waiting = self._waiting.get(stream, 0)
        if rate.is_lifetime or total == waiting:  # all of them are of this very moment, if there are any
            return max(0, rate.amount - total)
        since = horizon(rate, now=self._moment.now, wall=self._moment.wall)
        oldest = self._connection.execute(_OLDEST, (stream, total - rate.amount, *since)).fetchone()
        return rate.amount - (total - oldest[0] + 1 if oldest else waiting)

    def _stream(self, name: str) -> tuple[int, int, int, int] | None:
        if name not in self._found:
            self._found[name] = self._connection.execute(_FIND, (name,)).fetchone()
        return self._found[name]

    def _make(self, name: str, needed: Retention) -> tuple[int, int, int, int]:
        kept = max(LEAST_USES, needed.uses), max(LEAST_LENGTH, needed.length)
        made = self._connection.execute(_MAKE, (name, *kept))
        assert made.lastrowid is not None  # noqa: S101 - an INSERT has one
        return made.lastrowid, 0, *kept


def give_back(connection: sqlite3.Connection, lease: str, names: Iterable[str] | None) -> list[str]:
    """Takes the lease's uses out of their streams, found faster if their names are known; these names."""
    if names is None:
        found = connection.execute(_OF_LEASE, (lease,)).fetchall()
    else:
        found = [row for name in names for row in connection.execute(_OF_LEASE_IN, (lease, name)).fetchall()]
    for stream, number, _ in found:
        for statement in _CLOSE:
            connection.execute(statement, (stream, number))
    return [name for _, _, name in found]


def forget(connection: sqlite3.Connection, name: str) -> None:
    """Takes the stream away with all that was counted."""
    connection.execute("DELETE FROM uses WHERE stream = (SELECT id FROM streams WHERE name = ?)", (name,))
    connection.execute("DELETE FROM streams WHERE name = ?", (name,))
