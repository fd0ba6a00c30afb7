"""Streams of uses in the embedded ledger: what `limits` computes with, one point lookup a rate."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from ringlet_py.limits import NEVER, Use, horizon, opens_at, retention

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from ringlet_py.ledger.sqlite_moment import Moment
    from ringlet_py.limits import Horizon, Rate

    # what is read of a stream, its COLUMNS; nothing but None if it is not there
    Found = tuple[int, int, int, int]
    # the stream, and what the number, `at` and `wall` of a use must be for it to count
    _Oldest = tuple[int, int, int, int]
    _Look = tuple[int, Horizon | None]  # how many uses a rate allows from when on; None is from ever

_NONE = (0, 0, 0, 0)
# Kept of a stream beyond what its rates need: a limit that is raised later finds at least these uses.
LEAST_USES = 32
LEAST_LENGTH = 86_400_000
# streams are tidied at each such use, a few more at a time than came since
_EACH = 8
_AT_ONCE = 16

# the last use has the total as its number; `streams.total` is for a stream of which no use is kept
COLUMNS = (
    "streams.id, coalesce((SELECT max(number) FROM uses WHERE stream = streams.id), total), kept_uses, kept_length"
)
_FIND = f"SELECT {COLUMNS} FROM streams WHERE name = ?"  # noqa: S608 - the columns are ours
_MAKE = "INSERT INTO streams (name, total, kept_uses, kept_length) VALUES (?, 0, ?, ?)"
_NTH = "SELECT at, wall FROM uses WHERE stream = ? AND number = ?"
# in the order of the key: the first that still counts is the oldest; for each row of (stream, number, at, wall), which
# SQLite reads one after the other
_OLDEST_OF = """
    SELECT (
        SELECT number FROM uses WHERE stream = column1 AND number > column2 AND at >= column3 AND wall >= column4
        ORDER BY stream, number LIMIT 1
    ) FROM (VALUES {})
"""
# of a few lengths, since what is prepared for each is kept
_TOGETHER = {many: _OLDEST_OF.format(", ".join(["(?, ?, ?, ?)"] * many)) for many in (16, 4, 1)}
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


class Stream:
    """A stream at this moment, `id` 0 if it is not there yet; all but `written` of its uses wait for `Streams.keep`."""

    __slots__ = ("id", "kept_length", "kept_uses", "name", "total", "written")

    def __init__(self, name: str, found: Found | None) -> None:
        self.name = name
        self.id, self.total, self.kept_uses, self.kept_length = found if found and found[0] else _NONE
        self.written = self.total


class Streams:
    """The streams as one transaction sees them, at one moment; what was taken is written by `keep`, all at one go."""

    def __init__(self, connection: sqlite3.Connection, moment: Moment) -> None:
        self._connection = connection
        self._now, self._wall, _ = moment
        self._found: dict[str, Stream] = {}
        self._sights: dict[int, _Sight] = {}
        self._taken: list[tuple[int, int, int, int, str]] = []
        self._untidy: list[tuple[int, int, int, int]] = []
        self._asked: list[tuple[list[int], int, _Oldest]] = []  # with what is left if there is no such use

    def named(self, name: str, found: Found | None = None) -> Stream:
        """The stream of that name, be it there or not; as it was found, if it was looked for in this transaction."""
        stream = self._found.get(name)
        if stream is None:
            found = found or self._connection.execute(_FIND, (name,)).fetchone()
            stream = self._found[name] = Stream(name, found)
        return stream

    def opens(self, stream: Stream, rates: Iterable[Rate]) -> int:
        """The steady moment from which all the rates allow another use: 0 for now, NEVER for never again."""
        latest = 0
        for rate in rates:
            if stream.total >= rate.amount:
                latest = max(latest, self._opens(stream, rate))
        return latest

    def left(self, stream: Stream, rates: tuple[Rate, ...]) -> list[int]:
        """How many uses each of the rates still allows."""
        told: list[list[int]] = [[] for _ in rates]
        for look, its in zip(self._sight(rates).looks, told, strict=True):
            self._ask(stream, look, its)
        self.tell()
        return [left for its in told for left in its]

    def ask(self, stream: Stream, rates: tuple[Rate, ...], told: list[int]) -> None:
        """Adds to `told`, at the latest in `tell`, how many uses each of the rates still allows by now."""
        for look in self._sight(rates).looks:
            self._ask(stream, look, told)

    def tell(self) -> None:
        """Answers what was asked; before `keep`, since what is written by then would be found too."""
        found = _oldest(self._connection, [looked for _, _, looked in self._asked])
        for (told, otherwise, (_, before, _, _)), (oldest,) in zip(self._asked, found, strict=True):
            told.append(otherwise if oldest is None else oldest - before - 1)
        self._asked = []

    def take(self, stream: Stream, rates: tuple[Rate, ...], lease: str) -> None:
        """Counts one use."""
        sight = self._sight(rates)
        if not stream.id:
            self._make(stream, sight)
        stream.total += 1
        self._taken.append((stream.id, stream.total, self._now, self._wall, lease))
        if sight.uses > stream.kept_uses or sight.length > stream.kept_length:
            self._keep_more(stream, sight)
        if stream.total % _EACH == 0:
            self._untidy.append((stream.id, stream.total - stream.kept_uses, self._now - stream.kept_length, _AT_ONCE))

    def keep(self) -> None:
        """Writes what was taken."""
        self._connection.executemany(_TAKE, self._taken)
        if self._untidy:
            self._connection.executemany(_PRUNE, self._untidy)
        self._taken, self._untidy = [], []
        for stream in self._found.values():
            stream.written = stream.total

    def _ask(self, stream: Stream, look: _Look, told: list[int]) -> None:
        amount, since = look
        total, written = stream.total, stream.written
        if since is None or not written:  # all of them are of this very moment, if there are any
            told.append(max(0, amount - total))
        else:
            least = max(0, amount - total + written)
            self._asked.append((told, least, (stream.id, total - amount, since.at, since.wall)))

    def _opens(self, stream: Stream, rate: Rate) -> int:
        if rate.is_lifetime:
            return NEVER
        total, now, wall = stream.total, self._now, self._wall
        number = total - rate.amount + 1
        nth: tuple[int, int] | None = (now, wall)
        if number <= stream.written:
            nth = self._connection.execute(_NTH, (stream.id, number)).fetchone()
        return opens_at(rate, Use(*nth) if nth else None, total=total, now=now, wall=wall)

    def _sight(self, rates: tuple[Rate, ...]) -> _Sight:
        sight = self._sights.get(id(rates))
        if sight is None:
            sight = self._sights[id(rates)] = _Sight(rates, self._now, self._wall)
        return sight

    def _make(self, stream: Stream, sight: _Sight) -> None:
        stream.kept_uses, stream.kept_length = max(LEAST_USES, sight.uses), max(LEAST_LENGTH, sight.length)
        made = self._connection.execute(_MAKE, (stream.name, stream.kept_uses, stream.kept_length))
        assert made.lastrowid is not None  # noqa: S101 - an INSERT has one
        stream.id = made.lastrowid

    def _keep_more(self, stream: Stream, sight: _Sight) -> None:
        """Several turns may count on it, so the longest sight rules."""
        stream.kept_uses = max(stream.kept_uses, sight.uses)
        stream.kept_length = max(stream.kept_length, sight.length)
        self._connection.execute(_KEEP, (stream.kept_uses, stream.kept_length, stream.id))


class _Sight:
    """What rates look at from one moment; it keeps the rates, so that no others get their place in memory."""

    __slots__ = ("length", "looks", "rates", "uses")

    def __init__(self, rates: tuple[Rate, ...], now: int, wall: int) -> None:
        self.rates = rates
        self.uses, self.length = retention(rates)
        self.looks: list[_Look] = [
            (rate.amount, None if rate.is_lifetime else horizon(rate, now=now, wall=wall)) for rate in rates
        ]


def _oldest(connection: sqlite3.Connection, asked: Sequence[_Oldest]) -> list[tuple[int | None]]:
    """The number of the oldest use that counts, for each."""
    found: list[tuple[int | None]] = []
    for many, query in _TOGETHER.items():
        while len(asked) - len(found) >= many:
            values = chain.from_iterable(asked[len(found) : len(found) + many])
            found += connection.execute(query, tuple(values)).fetchall()
    return found


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
