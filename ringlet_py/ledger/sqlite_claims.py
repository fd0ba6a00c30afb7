"""Counting in the embedded ledger: claims, cooldowns and standings, each verb one transaction.

`claiming` is the ledger's version and its steady clock; `turns` and `standings` say who may be taken; `rests` are the
cooldowns of record; `streams` and `uses` are what was counted.  See `ringlet_py.ledger.claims` for what each verb
promises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.ledger import sqlite_renaming as renaming
from ringlet_py.ledger import sqlite_rests as rests
from ringlet_py.ledger import sqlite_standings as members_of
from ringlet_py.ledger import sqlite_streams, streams
from ringlet_py.ledger.claims import Refused, Standing, Taken, Unlisted
from ringlet_py.ledger.sqlite_choosing import ALL, Choosing
from ringlet_py.ledger.sqlite_documents import SqliteDocuments
from ringlet_py.ledger.sqlite_moment import COLUMNS as CLOCK
from ringlet_py.ledger.sqlite_moment import keep_latest, moment, moment_of, version
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.ledger.sqlite_standings import Parsed, Reasons, Row
from ringlet_py.ledger.sqlite_streams import Streams
from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ringlet_py.ledger.claims import Claim, Member, Rest, Turn
    from ringlet_py.ledger.clock import Clock
    from ringlet_py.ledger.sqlite_file import SqliteFile
    from ringlet_py.ledger.sqlite_moment import Moment
    from ringlet_py.limits import Rate

    _Known = tuple[int, str, str, int, str, int]

# the moment and the turn in one statement, since each costs as much as what it reads
_TURN = f"""
    SELECT {CLOCK}, turns.id, policy, turns.version, members, cursor,
    coalesce((SELECT min(ready_at) FROM standings WHERE turn = turns.id AND ready_at > 0), 0)
    FROM claiming LEFT JOIN turns ON pool = ? AND provider = ? AND feature = ?
"""  # noqa: S608 - the columns are ours
# leases whose streams are remembered, for giving back at once
_REMEMBERED = 10_000
_USED = "UPDATE standings SET last_used = ?, uses = uses + 1 WHERE turn = ? AND address = ?"
_TURNED = "UPDATE turns SET cursor = ?, moment = ? WHERE id = ?"


class SqliteClaims(SqliteDocuments):
    """The verbs of counting on one file (see `SqliteFile`), by that clock; keeps a connection until `close`."""

    def __init__(self, file: SqliteFile, clock: Clock) -> None:
        super().__init__(Session(file))
        self._clock = clock
        self._parsed = Parsed()
        self._leases: dict[str, list[str]] = {}

    def version(self) -> str:
        """What changes with every change of entries, pools and tiers."""
        return self.session.write(version)  # makes the ledger: what is enlisted for it must find it again

    def enlist(self, turn: Turn, members: Sequence[Member], *, version: str) -> None:
        """Makes the turn's members these."""

        def action(connection: sqlite3.Connection) -> None:
            number = members_of.enlist(connection, turn, members, version)
            rests.tell_turn(connection, number, turn.provider, turn.feature)

        self.session.write(action)

    def claim(self, claim: Claim) -> Taken | Refused | Unlisted:
        """Takes a key and counts it, or nothing."""
        return self.session.write(lambda connection: self._claim(connection, claim, self._leases))

    def peek(self, claim: Claim) -> Taken | Refused | Unlisted:
        """What `claim` would answer."""
        return self.session.look(lambda connection: self._claim(connection, claim, {})) or Unlisted()

    def standings(self, turn: Turn) -> list[Standing]:
        """How each member stands, sorted by address."""
        return self.session.look(lambda connection: self._standings(connection, turn)) or []

    def rest(self, rest: Rest) -> None:
        """Begins or extends a cooldown."""

        def action(connection: sqlite3.Connection) -> None:
            at = moment(connection, self._clock)
            keep_latest(connection, at.now)
            rests.rest(connection, rest, at)

        self.session.write(action)

    def wake(self, address: str, feature: str = "") -> None:
        """Ends the cooldowns of a key and of its org."""
        self.session.write(lambda connection: rests.wake(connection, address, feature))

    def renewed(self, address: str) -> None:
        """Ends the key's cooldowns that were its old value's fault; makes no ledger."""
        if self.session.file.exists():
            self.session.write(lambda connection: renaming.renewed(connection, address))

    def renamed(self, old: str, new: str) -> None:
        """Moves the key's cooldowns and uses to its new address; makes no ledger."""
        self._leases.clear()  # they name the streams of the old address
        if self.session.file.exists():
            self.session.write(lambda connection: renaming.renamed(connection, old, new))

    def resting(self) -> dict[str, int]:
        """The addresses that rest for every feature, and until when by the wall clock."""
        return self.session.look(lambda connection: rests.resting(connection, moment(connection, self._clock))) or {}

    def give_back(self, lease: str) -> None:
        """Takes back the uses that were taken under that id."""

        def action(connection: sqlite3.Connection) -> None:
            for name in sqlite_streams.give_back(connection, lease, self._leases.get(lease)):
                _look_again(connection, name)

        self.session.write(action)

    def _claim(
        self, connection: sqlite3.Connection, claim: Claim, leases: dict[str, list[str]]
    ) -> Taken | Refused | Unlisted:
        at, known = self._turn(connection, claim.turn)
        if known is None or not known[2] == claim.version == at.version:
            return Unlisted()
        if len(leases) >= _REMEMBERED:
            del leases[next(iter(leases))]
        return _OneClaim(connection, claim, at, parsed=self._parsed, leases=leases).answer(*known)

    def _turn(self, connection: sqlite3.Connection, turn: Turn) -> tuple[Moment, _Known | None]:
        names = turn.pool, turn.provider, turn.feature
        row = connection.execute(_TURN, names).fetchone()
        at, is_old = moment_of(connection, self._clock, row[:6])
        if is_old:
            row = connection.execute(_TURN, names).fetchone()
        return at, None if row[6] is None else row[6:]

    def _standings(self, connection: sqlite3.Connection, turn: Turn) -> list[Standing]:
        at, known = self._turn(connection, turn)
        if known is None:
            return []
        reasons = Reasons(Streams(connection, at), turn, self._parsed, at.now)
        rows = connection.execute(ALL, known[:1]).fetchall()
        return [_standing(Row._make(row), reasons, at) for row in rows]


class _OneClaim:
    """One claim in its transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        claim: Claim,
        at: Moment,
        *,
        parsed: Parsed,
        leases: dict[str, list[str]],
    ) -> None:
        self._connection = connection
        self._wish = claim
        self._at = at
        self._streams = Streams(connection, at)
        self._reasons = Reasons(self._streams, claim.turn, parsed, at.now)
        self._shared = _shared(claim)
        self._leases = leases

    def answer(self, number: int, policy: str, _: str, members: int, cursor: str, first: int) -> Taken | Refused:
        """Takes the key, or says why there is none."""
        self._choosing = Choosing(self._connection, number, moment=self._at, reasons=self._reasons, claim=self._wish)
        if self._wish.only:
            row = self._choosing.the_one()
            members = int(row is not None)
            ready_at = self._ready_at(row)
        else:
            if 0 < first <= self._at.now:
                self._choosing.wake()
            row = self._choosing.first_free(policy, cursor)
            ready_at, row = (0, row) if row else self._choosing.soonest()
        if not members:
            return self._refused(NEVER, "none", 0)
        shut = [(self._streams.opens(name, rates), reason) for reason, name, rates in self._shared]
        latest = max((opens for opens, _ in shut), default=0)
        if latest:
            return self._refused(max(latest, ready_at), next(reason for opens, reason in shut if opens), members)
        if row is None or (ready_at and not self._wish.soonest_ready) or ready_at == NEVER:
            return self._refused(ready_at, "members", members)
        return self._taken(number, row, ready_at)

    def _ready_at(self, row: Row | None) -> int:
        if row is None or row.expires_at <= self._at.wall:
            return NEVER
        return self._reasons.ready_at(row)

    def _taken(self, number: int, row: Row, ready_at: int) -> Taken:
        now = self._at.now
        counted = [*self._reasons.counted(row), *((name, rates) for _, name, rates in self._shared)]
        if not ready_at:
            self._leases[self._wish.lease] = [name for name, _ in counted]
            for name, rates in counted:
                self._streams.take(name, rates, self._wish.lease)
        left = [left for name, rates in counted for left in self._streams.left(name, rates)]
        self._connection.execute(_USED, (now, number, row.address))
        self._connection.execute(_TURNED, (row.address, now, number))
        return Taken(address=row.address, remaining=min(left, default=-1), now=now, ready_at=ready_at or now)

    def _refused(self, retry_at: int, reason: str, members: int) -> Refused:
        now, wall, _ = self._at
        retry_wall = NEVER if retry_at >= NEVER else retry_at - now + wall
        return Refused(retry_at=retry_at, retry_wall=retry_wall, now=now, reason=reason, members=members)


def _shared(claim: Claim) -> list[tuple[str, str, tuple[Rate, ...]]]:
    """What counts besides the key: the reason that it gives, the stream and its rates."""
    turn = claim.turn
    caller = streams.of_caller(claim.caller, turn.provider, turn.feature)
    found = [
        ("quota", caller, claim.quota if claim.caller else ()),
        ("pool", streams.of_pool(turn.pool), turn.pool_rates),
    ]
    return [each for each in found if each[2]]


def _standing(row: Row, reasons: Reasons, at: Moment) -> Standing:
    ready_at, why = max(reasons.of(row), key=lambda reason: reason[0])
    if row.expires_at <= at.wall:
        ready_at, why = NEVER, "expired"
    return Standing(
        address=row.address,
        now=at.now,
        ready_at=ready_at,
        why=why if ready_at else "",
        resting_until=row.rest_until if row.rest_until > at.now else 0,
        last_used=row.last_used,
        last_limited=row.last_limited,
        uses=row.uses,
        remaining=tuple(reasons.remaining(row)),
    )


def _look_again(connection: sqlite3.Connection, stream: str) -> None:
    """What was found of windows may be too late, now that a use was given back to the stream."""
    kind, subject = stream.split(":", 1)
    if kind in ("key", "own"):
        address = subject.split(":")[0]
        rests.look_again(connection, "address", provider=address.partition("/")[0], value=address)
    elif kind == "org":
        provider, org = subject.split(":", 1)
        rests.look_again(connection, "org", provider=provider, value=org)
