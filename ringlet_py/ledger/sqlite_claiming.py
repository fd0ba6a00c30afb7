"""The claims of one transaction of the embedded ledger: what is looked up for one is there for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.ledger import streams
from ringlet_py.ledger.claims import Refused, Taken, Unlisted
from ringlet_py.ledger.sealed_values import value_in
from ringlet_py.ledger.sqlite_choosing import Choosing, keep_used
from ringlet_py.ledger.sqlite_next import IN_TURN, Next, known_turn, turn_of
from ringlet_py.ledger.sqlite_standings import Reasons
from ringlet_py.ledger.sqlite_streams import Streams
from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ringlet_py.ledger.claims import Claim, Turn
    from ringlet_py.ledger.clock import Clock
    from ringlet_py.ledger.sealed import SealedValue
    from ringlet_py.ledger.sqlite_moment import Moment
    from ringlet_py.ledger.sqlite_next import KnownTurn
    from ringlet_py.ledger.sqlite_standings import Counted, Parsed, Row

_TURNED = "UPDATE turns SET cursor = ?, moment = ? WHERE id = ?"
_BY_ADDRESS = (IN_TURN, "first")  # policies that do not ask when a key was used
_TOKEN = "SELECT expires_at FROM tokens WHERE id = ?"  # noqa: S105 - a statement


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
        self._nexts: dict[Turn, Next] = {}
        self._tokens: dict[str, bool] = {}
        self._took: list[tuple[str, list[int], int, int, SealedValue | None]] = []

    def all(self, claims: Sequence[Claim]) -> list[Taken | Refused | Unlisted]:
        """What each of them comes to, one after the other."""
        self._claims = claims
        self._asked: dict[int, Next | None] = {}  # by the turn's place in memory, which its claim keeps
        answers = [self._claim(claim) for claim in claims]
        if self._took:
            self._streams.tell()
            self._keep()
        took = iter(self._took)
        return [_taken(*next(took)) if answer is None else answer for answer in answers]

    def _keep(self) -> None:
        """Writes what was put off until all claims are answered, as many rows as there are with one statement."""
        self._streams.keep()
        moved = [turn for turn in self._turns.values() if turn is not None and turn.moved]
        for turn in moved:
            keep_used(self._connection, turn, self._at)
        self._connection.executemany(_TURNED, [(turn.cursor, self._at.now, turn.number) for turn in moved])

    def _claim(self, claim: Claim) -> Refused | Unlisted | None:
        """None if it took a key."""
        if id(claim.turn) not in self._asked:
            self._asked[id(claim.turn)] = self._at_turn(claim.turn)
        its = self._asked[id(claim.turn)]
        if its is None or not its.turn.version == claim.version == self._at.version:
            return Unlisted()
        return self._answer(claim, its, self._at)

    def _at_turn(self, asked: Turn) -> Next | None:
        """The turn, if the engine knows it."""
        names = asked.name, asked.provider, asked.feature
        if names not in self._turns:
            if self._turns:  # all are at one moment, so that what one has found holds for the next
                self._turns[names] = known_turn(self._connection, asked)
            else:
                self._at, self._turns[names] = turn_of(self._connection, self._clock, asked)
                self._streams = Streams(self._connection, self._at)
        turn = self._turns[names]
        if turn is None:
            return None
        if asked in self._nexts:
            return self._nexts[asked]
        many = sum(claim.turn is asked or claim.turn == asked for claim in self._claims)
        reasons = Reasons(self._streams, asked, self._parsed, self._at.now)
        choosing = Choosing(self._connection, turn, asked=asked, moment=self._at, reasons=reasons)
        self._nexts[asked] = Next(turn, many, reasons=reasons, choosing=choosing)
        return self._nexts[asked]

    def _answer(self, claim: Claim, its: Next, at: Moment) -> Refused | None:
        reasons, members = its.reasons, its.turn.members
        reasons.next_claim()
        if claim.only:
            row = its.choosing.the_one(claim.only)
            members = int(row is not None)
            ready_at = NEVER if row is None or row.expires_at <= at.wall else reasons.ready_at(row)
        else:
            row = its.first_free(claim, at.now)
            ready_at, row = (0, row) if row else its.choosing.soonest()
        if not members:
            return _refused(at, NEVER, "none", 0)
        shared = self._shared(claim)
        latest, reason = self._shut(claim, shared, at) if shared or claim.bearers else (0, "")
        if latest:
            return _refused(at, max(latest, ready_at), reason, members)
        if row is None or (ready_at and not claim.soonest_ready) or ready_at == NEVER:
            return _refused(at, ready_at, "members", members)
        self._take(claim, its, row, ready_at=ready_at, counted=reasons.counted(row) + shared)
        return None

    def _shut(self, claim: Claim, shared: list[Counted], at: Moment) -> tuple[int, str]:
        """When what is shared allows a use, 0 for now, and the first reason why it does not."""
        if not all(self._lives(bearer.id, at) for bearer in claim.bearers):
            return NEVER, "token"
        shut = [(self._streams.opens(stream, rates), reason) for reason, stream, rates in shared]
        latest = max(shut, default=(0, ""))[0]
        return latest, next((reason for opens, reason in shut if opens), "")

    def _lives(self, token: str, at: Moment) -> bool:
        if token not in self._tokens:
            row = self._connection.execute(_TOKEN, (token,)).fetchone()
            self._tokens[token] = row is not None and (not row[0] or row[0] > at.wall)
        return self._tokens[token]

    def _take(self, claim: Claim, its: Next, row: Row, *, ready_at: int, counted: list[Counted]) -> None:
        turn, found, now = its.turn, self._streams, self._at.now
        left: list[int] = []
        if not ready_at:
            self._leases[claim.lease] = [stream.name for _, stream, _ in counted]
            for _, stream, rates in counted:
                found.take(stream, rates, claim.lease)
        for _, stream, rates in counted:
            found.ask(stream, rates, left)
        its.move_on(row)
        if turn.policy not in _BY_ADDRESS:  # the next claim may go by when the key was used
            keep_used(self._connection, turn, self._at)
        value = value_in(self._connection, row.address, row.sealed) if claim.with_value else None
        self._took.append((row.address, left, now, ready_at or now, value))

    def _shared(self, claim: Claim) -> list[Counted]:
        """What counts besides the key."""
        turn, named = claim.turn, self._streams.named
        found: list[Counted] = []
        if claim.bearers:
            found += [("bearer", named(streams.of_token(its.id)), its.rates) for its in claim.bearers if its.rates]
        if claim.caller and claim.quota:
            found.append(("quota", named(streams.of_caller(claim.caller, turn.provider, turn.feature)), claim.quota))
        if turn.pool_rates:
            found.append(("pool", named(streams.of_pool(turn.pool)), turn.pool_rates))
        return found


def _taken(address: str, left: list[int], now: int, ready_at: int, value: SealedValue | None) -> Taken:
    return tuple.__new__(Taken, (address, min(left, default=-1), now, ready_at, value))


def _refused(at: Moment, retry_at: int, reason: str, members: int) -> Refused:
    retry_wall = NEVER if retry_at >= NEVER else retry_at - at.now + at.wall
    return Refused(retry_at=retry_at, retry_wall=retry_wall, now=at.now, reason=reason, members=members)
