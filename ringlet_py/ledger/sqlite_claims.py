"""Counting in the embedded ledger: claims, cooldowns and standings, each verb one transaction.

`claiming` is the ledger's version and its steady clock; `turns` and `standings` say who may be taken; `rests` are the
cooldowns of record; `streams` and `uses` are what was counted.  See `ringlet_py.ledger.claims` for what each verb
promises.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from ringlet_py.ledger import sqlite_renaming as renaming
from ringlet_py.ledger import sqlite_rests as rests
from ringlet_py.ledger import sqlite_standings as members_of
from ringlet_py.ledger import sqlite_streams, streams
from ringlet_py.ledger.claims import Refused, Standing, Taken, Unlisted
from ringlet_py.ledger.sqlite_choosing import ALL
from ringlet_py.ledger.sqlite_claiming import Claiming
from ringlet_py.ledger.sqlite_documents import SqliteDocuments
from ringlet_py.ledger.sqlite_moment import VERSION, keep_latest, moment, version_of
from ringlet_py.ledger.sqlite_next import turn_of
from ringlet_py.ledger.sqlite_standings import Parsed, Reasons, Row
from ringlet_py.ledger.sqlite_streams import Streams
from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ringlet_py.ledger.claims import Claim, Member, Rest, Turn
    from ringlet_py.ledger.clock import Clock
    from ringlet_py.ledger.sqlite_moment import Moment
    from ringlet_py.ledger.sqlite_session import Session
    from ringlet_py.scope import Bearer

    _Known = tuple[int, str, str, int, str, int]

# leases whose streams are remembered, for giving back at once
_REMEMBERED = 1_000


class SqliteClaims(SqliteDocuments):
    """The verbs of counting in that session, by that clock."""

    def __init__(self, session: Session, clock: Clock) -> None:
        super().__init__(session)
        self._clock = clock
        self._parsed = Parsed()
        # a plain dict would look through all that was deleted before it finds its first
        self._leases: OrderedDict[str, list[str]] = OrderedDict()

    def version(self) -> str:
        """What changes with every change of entries, pools and tiers."""
        # makes the ledger if there is none: what is enlisted for it must find it again
        found = self.session.rows(VERSION) or self.session.write(lambda its: its.execute(VERSION).fetchall())
        return version_of(found[0])

    def enlist(self, turn: Turn, members: Sequence[Member], *, version: str) -> None:
        """Makes the turn's members these."""

        def action(connection: sqlite3.Connection) -> None:
            number = members_of.enlist(connection, turn, members, version)
            rests.tell_turn(connection, number, turn.provider, turn.feature)

        self.session.write(action)

    def claim(self, claim: Claim) -> Taken | Refused | Unlisted:
        """Takes a key and counts it, or nothing."""
        return self.claim_all((claim,))[0]

    def claim_all(self, claims: Sequence[Claim]) -> list[Taken | Refused | Unlisted]:
        """Each as `claim`, one after the other in one transaction."""
        while len(self._leases) > _REMEMBERED:
            self._leases.popitem(last=False)
        return self.session.write(lambda connection: self._claiming(connection, self._leases).all(claims))

    def peek(self, claim: Claim) -> Taken | Refused | Unlisted:
        """What `claim` would answer."""
        answers = self.session.look(lambda connection: self._claiming(connection, OrderedDict()).all((claim,)))
        return answers[0] if answers else Unlisted()

    def standings(self, turn: Turn, *, most: int = 0) -> list[Standing]:
        """How each member stands, sorted by address."""
        return self.session.look(lambda connection: self._standings(connection, turn, most)) or []

    def left(self, bearers: Sequence[Bearer]) -> list[list[int]]:
        """What each of these tokens' rates still allows."""

        def action(connection: sqlite3.Connection) -> list[list[int]]:
            found = Streams(connection, moment(connection, self._clock))
            return [found.left(found.named(streams.of_token(each.id)), each.rates) for each in bearers]

        return self.session.look(action) or [[rate.amount for rate in each.rates] for each in bearers]

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

    def _claiming(self, connection: sqlite3.Connection, leases: OrderedDict[str, list[str]]) -> Claiming:
        return Claiming(connection, self._clock, parsed=self._parsed, leases=leases)

    def _standings(self, connection: sqlite3.Connection, turn: Turn, most: int) -> list[Standing]:
        at, known = turn_of(connection, self._clock, turn)
        if known is None:
            return []
        reasons = Reasons(Streams(connection, at), turn, self._parsed, at.now)
        rows = connection.execute(ALL, (known.number, most or -1)).fetchall()
        return [_standing(Row(*row), reasons, at, is_whole=not most) for row in rows]


def _standing(row: Row, reasons: Reasons, at: Moment, *, is_whole: bool) -> Standing:
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
        remaining=tuple(reasons.remaining(row)) if is_whole else (),
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
