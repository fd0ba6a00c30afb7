"""The claims of one transaction of the embedded ledger: what is looked up for one is there for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.ledger import streams
from ringlet_py.ledger.claims import Refused, Taken, Unlisted
from ringlet_py.ledger.sealed_values import value_in
from ringlet_py.ledger.sqlite_choosing import Choosing
from ringlet_py.ledger.sqlite_moment import COLUMNS as CLOCK
from ringlet_py.ledger.sqlite_moment import Moment, moment_of
from ringlet_py.ledger.sqlite_standings import Parsed, Reasons, Row
from ringlet_py.ledger.sqlite_streams import Streams
from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from ringlet_py.ledger.claims import Claim, Turn
    from ringlet_py.ledger.clock import Clock
    from ringlet_py.ledger.sqlite_standings import Counted

# the moment and the turn in one statement, since each costs as much as what it reads
_TURN = f"""
    SELECT {CLOCK}, turns.id, policy, turns.version, members, cursor,
    coalesce((SELECT min(ready_at) FROM standings WHERE turn = turns.id AND ready_at > 0), 0)
    FROM claiming LEFT JOIN turns ON pool = ? AND provider = ? AND feature = ?
"""  # noqa: S608 - the columns are ours
_USED = "UPDATE standings SET last_used = ?, uses = uses + 1 WHERE turn = ? AND address = ?"
_TURNED = "UPDATE turns SET cursor = ?, moment = ? WHERE id = ?"
_IN_TURN = "round-robin"
_BY_ADDRESS = (_IN_TURN, "first")  # policies that do not ask when a key was used
_TOKEN = "SELECT expires_at FROM tokens WHERE id = ?"  # noqa: S105 - a statement


class KnownTurn:
    """A turn as it is kept, and whether this transaction has moved it on."""

    __slots__ = ("ahead", "cursor", "first", "members", "moved", "number", "policy", "version")

    def __init__(self, number: int, policy: str, version: str, members: int, cursor: str, first: int) -> None:
        self.number = number
        self.policy = policy
        self.version = version
        self.members = members
        self.cursor = cursor
        self.first = first
        self.moved = False
        self.ahead: Iterator[Row] | None = None


def turn_of(connection: sqlite3.Connection, clock: Clock, turn: Turn) -> tuple[Moment, KnownTurn | None]:
    """Now, and the turn if the engine knows it."""
    names = turn.name, turn.provider, turn.feature
    row = connection.execute(_TURN, names).fetchone()
    at, is_old = moment_of(connection, clock, row[:6])
    if is_old:
        row = connection.execute(_TURN, names).fetchone()
    return at, None if row[6] is None else KnownTurn(*row[6:])


class Claiming:
    """Claims at one moment; `leases` remembers the streams of each lease."""

    def __init__(
        self, connection: sqlite3.Connection, clock: Clock, *, parsed: Parsed, leases: dict[str, list[str]]
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._parsed = parsed
        self._leases = leases
        self._turns: dict[tuple[str, str, str], KnownTurn | None] = {}
        self._tokens: dict[str, bool] = {}
        self._used: list[tuple[int, int, str]] = []

    def all(self, claims: Sequence[Claim]) -> list[Taken | Refused | Unlisted]:
        """What each of them comes to, one after the other."""
        self._many = len(claims)
        answers = [self._claim(claim) for claim in claims]
        self._keep()
        return answers

    def _keep(self) -> None:
        """Writes what was put off until all claims are answered, as many rows as there are with one statement."""
        moved = [turn for turn in self._turns.values() if turn is not None and turn.moved]
        if moved:
            self._streams.keep()
            self._connection.executemany(_USED, self._used)
            self._connection.executemany(_TURNED, [(turn.cursor, self._at.now, turn.number) for turn in moved])

    def _claim(self, claim: Claim) -> Taken | Refused | Unlisted:
        names = claim.turn.name, claim.turn.provider, claim.turn.feature
        if names not in self._turns:
            at, known = turn_of(self._connection, self._clock, claim.turn)
            if not self._turns:  # all are at one moment, so that what one has found holds for the next
                self._at, self._streams = at, Streams(self._connection, at)
            self._turns[names] = known
        turn = self._turns[names]
        if turn is None or not turn.version == claim.version == self._at.version:
            return Unlisted()
        return self._answer(claim, turn, self._at)

    def _answer(self, claim: Claim, turn: KnownTurn, at: Moment) -> Taken | Refused:
        reasons = Reasons(self._streams, claim.turn, self._parsed, at.now)
        choosing = Choosing(self._connection, turn.number, moment=at, reasons=reasons, claim=claim)
        members = turn.members
        if claim.only:
            row = choosing.the_one()
            members = int(row is not None)
            ready_at = NEVER if row is None or row.expires_at <= at.wall else reasons.ready_at(row)
        else:
            if 0 < turn.first <= at.now:
                choosing.wake()
                turn.first = 0
            if turn.ahead is None and turn.policy == _IN_TURN and self._many > 1:
                turn.ahead = iter(choosing.next_ones(turn.cursor, self._many))
            row = choosing.first_free(turn.policy, turn.cursor, turn.ahead)
            ready_at, row = (0, row) if row else choosing.soonest()
        if not members:
            return _refused(at, NEVER, "none", 0)
        shared = self._shared(claim)
        latest, reason = self._shut(claim, shared, at)
        if latest:
            return _refused(at, max(latest, ready_at), reason, members)
        if row is None or (ready_at and not claim.soonest_ready) or ready_at == NEVER:
            return _refused(at, ready_at, "members", members)
        return self._taken(claim, turn, row, ready_at=ready_at, counted=reasons.counted(row) + shared)

    def _shut(self, claim: Claim, shared: list[Counted], at: Moment) -> tuple[int, str]:
        """When what is shared allows a use, 0 for now, and the first reason why it does not."""
        if not all(self._lives(bearer.id, at) for bearer in claim.bearers):
            return NEVER, "token"
        shut = [(self._streams.opens(name, rates), reason) for reason, name, rates in shared]
        latest = max(shut, default=(0, ""))[0]
        return latest, next((reason for opens, reason in shut if opens), "")

    def _lives(self, token: str, at: Moment) -> bool:
        if token not in self._tokens:
            row = self._connection.execute(_TOKEN, (token,)).fetchone()
            self._tokens[token] = row is not None and (not row[0] or row[0] > at.wall)
        return self._tokens[token]

    def _taken(self, claim: Claim, turn: KnownTurn, row: Row, *, ready_at: int, counted: list[Counted]) -> Taken:
        now = self._at.now
        if not ready_at:
            self._leases[claim.lease] = [name for _, name, _ in counted]
            for _, name, rates in counted:
                self._streams.take(name, rates, claim.lease)
        left = [left for _, name, rates in counted for left in self._streams.left(name, rates)]
        if turn.policy in _BY_ADDRESS:
            self._used.append((now, turn.number, row.address))
        else:  # the next claim may go by when the key was used
            self._connection.execute(_USED, (now, turn.number, row.address))
        turn.cursor, turn.moved = row.address, True
        return Taken(
            address=row.address,
            remaining=min(left, default=-1),
            now=now,
            ready_at=ready_at or now,
            value=value_in(self._connection, row.address) if claim.with_value else None,
        )

    def _shared(self, claim: Claim) -> list[Counted]:
        """What counts besides the key."""
        turn = claim.turn
        found: list[Counted] = [
            ("bearer", streams.of_token(bearer.id), bearer.rates) for bearer in claim.bearers if bearer.rates
        ]
        if claim.caller and claim.quota:
            found.append(("quota", streams.of_caller(claim.caller, turn.provider, turn.feature), claim.quota))
        if turn.pool_rates:
            found.append(("pool", streams.of_pool(turn.pool), turn.pool_rates))
        return found


def _refused(at: Moment, retry_at: int, reason: str, members: int) -> Refused:
    retry_wall = NEVER if retry_at >= NEVER else retry_at - at.now + at.wall
    return Refused(retry_at=retry_at, retry_wall=retry_wall, now=at.now, reason=reason, members=members)
