"""Which member of a turn is taken: the first in the policy's order that is free.

For three policies the order is that of an index, of which only as much is read as is passed over.  For the others the
members are read and put in order by the policy itself.
"""

from __future__ import annotations

from itertools import chain, starmap
from typing import TYPE_CHECKING

from ringlet_py.ledger import sealed_values, sqlite_streams, streams
from ringlet_py.ledger.sqlite_standings import COLUMNS, MORE, NO_MORE, Row, org_passed_over, passed_over
from ringlet_py.limits import NEVER
from ringlet_py.pool import Candidate, Choice, policy_named

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from ringlet_py.ledger.claims import Claim, Turn
    from ringlet_py.ledger.sqlite_moment import Moment
    from ringlet_py.ledger.sqlite_next import KnownTurn
    from ringlet_py.ledger.sqlite_standings import Reasons

_OF_TURN = f"SELECT {COLUMNS} FROM standings WHERE turn = ?"  # noqa: S608 - the columns are ours
_LIVE = f"{_OF_TURN} AND expires_at > ?"
_IS_FREE = "FROM standings INDEXED BY standings_free WHERE turn = ? AND expires_at > ? AND ready_at = 0"
_FREE = f"SELECT {COLUMNS} {_IS_FREE}"
_AFTER = f"{_FREE} AND address > ? ORDER BY turn, address"
_UP_TO = f"{_FREE} AND address <= ? ORDER BY turn, address"
# what every claim of such a key needs to know besides, in the same statement
_ALONG = f"""
    SELECT {COLUMNS}, {sqlite_streams.COLUMNS}, {sealed_values.COLUMNS}
    FROM standings INDEXED BY standings_free
    LEFT JOIN streams ON name = iif(rates = '', {streams.OF_OWN}, {streams.OF_KEY})
    LEFT JOIN sealed_values ON sealed_values.address = standings.address
    WHERE turn = ? AND expires_at > ? AND ready_at = 0
"""  # noqa: S608 - as above
_OWN, _SEALED = 7, 4  # how many columns are the standing's, and how many the sealed value's
_NEXT = f"{_ALONG} AND standings.address > ? ORDER BY turn, standings.address LIMIT ?"
_FROM_THE_FIRST = f"{_ALONG} AND standings.address <= ? ORDER BY turn, standings.address LIMIT ?"
_RANKED = f"{_LIVE} AND ready_at = 0 AND ranked = 1 ORDER BY turn, last_limited, last_used, address"
_SOONEST = f"{_LIVE} AND ready_at > 0 ORDER BY turn, ready_at, address LIMIT 1"
_ONLY = f"{_OF_TURN} AND address = ?"
_WHOLE_FREE = f"SELECT {COLUMNS}, {MORE} {_IS_FREE}"
_WHOLE_LIVE = f"SELECT {COLUMNS}, {MORE} FROM standings WHERE turn = ? AND expires_at > ?"  # noqa: S608
ALL = f"SELECT {COLUMNS}, {MORE} FROM standings WHERE turn = ? ORDER BY turn, address LIMIT ?"  # noqa: S608
_USED = "UPDATE standings SET last_used = ?, uses = uses + 1 WHERE turn = ? AND address = ?"
# one after the other is a third of what each costs by itself
_USED_IN_TURN = """
    UPDATE standings INDEXED BY standings_free SET last_used = ?, uses = uses + 1
    WHERE turn = ? AND expires_at > ? AND ready_at = 0 AND address > ? AND address <= ?
"""
_WAKE = "UPDATE standings SET ready_at = 0 WHERE turn = ? AND ready_at > 0 AND ready_at <= ?"
# in these, members that are not free have a part in the others' order
_NEED_ALL = ("random", "soonest-expiring", "weighted")


class Choosing:
    """Choices among the members of one turn, in one transaction."""

    def __init__(
        self, connection: sqlite3.Connection, turn: KnownTurn, *, asked: Turn, moment: Moment, reasons: Reasons
    ) -> None:
        self._connection = connection
        self._turn = turn
        self._number = turn.number
        self._asked = asked
        self._moment = moment
        self._reasons = reasons

    def wake(self) -> None:
        """Those whose moment has come may be taken."""
        self._connection.execute(_WAKE, (self._number, self._moment.now))

    def next_ones(self, cursor: str, most: int) -> list[Row]:
        """So many of those that are next in turn by address, for claims that come one after the other."""
        query = self._connection.execute
        values = self._asked.feature, self._number, self._moment.wall, cursor
        rows = query(_NEXT, (*values, most)).fetchall()
        if len(rows) < most:
            rows += query(_FROM_THE_FIRST, (*values, most - len(rows))).fetchall()
        # as Row(...) does, in a third of the time
        return [tuple.__new__(Row, (*row[:_OWN], *NO_MORE, row[_OWN:-_SEALED], row[-_SEALED:])) for row in rows]

    def first_free(self, ordered: Iterable[Row]) -> Row | None:
        """The first of them that is free, or None; keeps when those that were passed over will be."""
        passed: list[tuple[Row, int]] = []
        orgs: dict[str, int] = {}
        found = None
        for row in ordered:
            if row.org in orgs:
                continue
            ready_at = self._reasons.ready_at(row)
            if not ready_at:
                found = row
                break
            passed.append((row, ready_at))
            self._note_org(row, orgs)
        if passed:
            self._keep(passed, orgs)
        return found

    def the_one(self, address: str) -> Row | None:
        """The member with that address."""
        row = self._connection.execute(_ONLY, (self._number, address)).fetchone()
        return Row(*row) if row else None

    def soonest(self) -> tuple[int, Row | None]:
        """When none is free: the moment at which the first will be, and which; (NEVER, None) if none ever will."""
        while row := self._connection.execute(_SOONEST, (self._number, self._moment.wall)).fetchone():
            found = Row(*row)
            # what was found when it was passed over may be too early by now
            ready_at = self._reasons.ready_at(found)
            if ready_at <= found.ready_at:
                return ready_at, found if ready_at < NEVER else None
            passed_over(self._connection, self._number, found, ready_at)
        return NEVER, None

    def ordered(self, policy: str, cursor: str, claim: Claim) -> Iterator[Row]:
        """The members that are not known to be waiting, in the policy's order, lazily where there is an index."""
        live = self._number, self._moment.wall
        query = self._connection.execute
        if policy == "round-robin":
            return starmap(Row, chain(query(_AFTER, (*live, cursor)), _later(query, _UP_TO, (*live, cursor))))
        if policy == "first":
            return starmap(Row, query(_AFTER, (*live, "")))
        if policy == "least-recently-limited":
            return starmap(Row, query(_RANKED, live))
        return self._by_policy(policy, cursor, claim)

    def _by_policy(self, policy: str, cursor: str, claim: Claim) -> Iterator[Row]:
        everybody = _WHOLE_LIVE if policy in _NEED_ALL else _WHOLE_FREE
        rows = list(starmap(Row, self._connection.execute(everybody, (self._number, self._moment.wall))))
        by_address = {row.address: row for row in rows}
        choice = Choice(cursor=cursor, seed=claim.seed, session=claim.session, wall=self._moment.wall)
        for candidate in policy_named(policy)(self._candidates(policy, rows), choice):
            if not by_address[candidate.address].ready_at:
                yield by_address[candidate.address]

    def _candidates(self, policy: str, rows: Iterable[Row]) -> Iterator[Candidate]:
        for row in rows:
            source, login, batch = row.key_set.split("\n")
            yield Candidate(
                address=row.address,
                org=row.org,
                expires_at=row.expires_at if row.expires_at < NEVER else None,
                last_limited=row.last_limited,
                last_used=row.last_used,
                remaining=self._reasons.fraction(row) if policy == "most-remaining" else 1.0,
                weight=row.weight,
                key_set=(source, login, batch),
            )

    def _note_org(self, row: Row, orgs: dict[str, int]) -> None:
        if row.org and self._asked.org_rates:
            opens = self._reasons.org_opens(row.org)
            if opens:
                orgs[row.org] = opens

    def _keep(self, passed: Iterable[tuple[Row, int]], orgs: dict[str, int]) -> None:
        self._turn.since = None
        for org, ready_at in orgs.items():
            org_passed_over(self._connection, self._number, org, ready_at)
        for row, ready_at in passed:
            passed_over(self._connection, self._number, row, ready_at)


def keep_used(connection: sqlite3.Connection, turn: KnownTurn, moment: Moment) -> None:
    """Writes when the keys were used that were taken."""
    if turn.since is not None and len(turn.used) > 1:
        between = turn.since, turn.used[-1]
        connection.execute(_USED_IN_TURN, (moment.now, turn.number, moment.wall, *between))
    else:
        connection.executemany(_USED, [(moment.now, turn.number, address) for address in turn.used])
    turn.used, turn.since = [], None


def _later(query: object, text: str, values: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    """The rows of a query that is made only when the first of them is wanted."""
    yield from query(text, values)  # type: ignore[operator]
