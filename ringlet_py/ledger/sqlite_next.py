"""The turns of the embedded ledger, and who is next in one: as many are read as there are claims that come together."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from ringlet_py.ledger.sqlite_moment import COLUMNS as CLOCK
from ringlet_py.ledger.sqlite_moment import Moment, moment_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from ringlet_py.ledger.claims import Claim, Turn
    from ringlet_py.ledger.clock import Clock
    from ringlet_py.ledger.sqlite_choosing import Choosing
    from ringlet_py.ledger.sqlite_standings import Reasons, Row

IN_TURN = "round-robin"
# the moment and the turn in one statement, since each costs as much as what it reads
_TURN = f"""
    SELECT {CLOCK}, turns.id, policy, turns.version, members, cursor,
    coalesce((SELECT min(ready_at) FROM standings WHERE turn = turns.id AND ready_at > 0), 0)
    FROM claiming LEFT JOIN turns ON pool = ? AND provider = ? AND feature = ?
"""  # noqa: S608 - the columns are ours


class KnownTurn:
    """A turn as it is kept, and what claims made of it in this transaction.

    `used` are the addresses that were taken since the uses were written last.  `since` is the one after which they are
    all that were free, one after the other; None if that is not so.
    """

    __slots__ = ("cursor", "first", "members", "moved", "number", "policy", "since", "used", "version")

    def __init__(self, number: int, policy: str, version: str, members: int, cursor: str, first: int) -> None:
        self.number = number
        self.policy = policy
        self.version = version
        self.members = members
        self.cursor = cursor
        self.first = first
        self.moved = False
        self.used: list[str] = []
        self.since: str | None = cursor

    def move_on(self, address: str, *, is_next: bool) -> None:
        """Notes that it was taken, which was the first free one after the cursor or from the beginning, or another."""
        if not is_next or address <= self.cursor:
            self.since = None
        self.used.append(address)
        self.cursor, self.moved = address, True


def turn_of(connection: sqlite3.Connection, clock: Clock, turn: Turn) -> tuple[Moment, KnownTurn | None]:
    """Now, and the turn if the engine knows it."""
    row = _read(connection, turn)
    at, is_old = moment_of(connection, clock, row[:6])
    return at, known_turn(connection, turn) if is_old else _known(row)


def known_turn(connection: sqlite3.Connection, turn: Turn) -> KnownTurn | None:
    """The turn if the engine knows it, for whoever knows the moment."""
    return _known(_read(connection, turn))


def _read(connection: sqlite3.Connection, turn: Turn) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(_TURN, (turn.name, turn.provider, turn.feature)).fetchone()
    return row


def _known(row: tuple[Any, ...]) -> KnownTurn | None:
    return None if row[6] is None else KnownTurn(*row[6:])


class Next:
    """Who is next, for the claims that ask for a turn in the same words."""

    __slots__ = ("after", "ahead", "choosing", "found", "many", "reasons", "turn")

    def __init__(self, turn: KnownTurn, many: int, *, reasons: Reasons, choosing: Choosing) -> None:
        self.turn = turn
        self.many = many
        self.reasons = reasons
        self.choosing = choosing
        # who follows after that address, as far as it was read; and before them whom a claim found and did not take
        self.after: str | None = None
        self.ahead: Iterator[Row] = iter(())
        self.found: tuple[Row, ...] = ()

    def first_free(self, claim: Claim, now: int) -> Row | None:
        """The member to take; None if none is free."""
        turn, choosing = self.turn, self.choosing
        if 0 < turn.first <= now:
            choosing.wake()
            turn.first = 0
        if turn.policy != IN_TURN:
            return choosing.first_free(choosing.ordered(turn.policy, turn.cursor, claim))
        ahead = chain(self.found, self.ahead) if self.found else self.ahead
        row = None
        if self.after == turn.cursor:
            row = choosing.first_free(ahead)
        elif self.after is not None:  # others go on with the turn too, so that what is read is soon of no use
            self.many = max(1, self.many // 2)
        if row is None:
            row = self._read_on(claim)
        self.found = (row,) if row else ()
        return row

    def move_on(self, row: Row) -> None:
        """Notes that it was taken."""
        is_next = bool(self.found) and self.found[0] is row
        if is_next:
            self.found, self.after = (), row.address
        self.turn.move_on(row.address, is_next=is_next)

    def _read_on(self, claim: Claim) -> Row | None:
        """The same when all that was read ahead is passed over: as many are read as there are claims, or one by one."""
        self.after = self.turn.cursor
        rows = self.choosing.next_ones(self.after, self.many)
        self.ahead = iter(rows)
        if len(rows) < self.many:
            return self.choosing.first_free(self.ahead)
        return self.choosing.first_free(chain(self.ahead, self._behind(rows[-1].address, claim)))

    def _behind(self, address: str, claim: Claim) -> Iterator[Row]:
        yield from self.choosing.ordered(self.turn.policy, address, claim)
