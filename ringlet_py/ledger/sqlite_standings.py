"""The standings of the embedded ledger: who the members of a turn are, and when each is ready.

`ready_at` is a lower bound that is found when a member is passed over, and 0 when nothing is known against it: the end
of its cooldown (`rest_until`), or the opening of a window.  What could bring the opening nearer (a use given back, an
edited limit, a wall clock that was set) sets it back to the end of the cooldown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ringlet_py.ledger import streams
from ringlet_py.limits import NEVER, Rate

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ringlet_py.ledger.claims import Member, Turn
    from ringlet_py.ledger.sealed_values import Sealed
    from ringlet_py.ledger.sqlite_streams import Found, Stream, Streams

    # what a use counts on: the reason for which it is refused, the stream and its rates
    Counted = tuple[str, Stream, tuple[Rate, ...]]

_RANKED = "least-recently-limited"
_TURN = """
    INSERT INTO turns (pool, provider, feature, policy, version, members) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (pool, provider, feature)
    DO UPDATE SET policy = excluded.policy, version = excluded.version, members = excluded.members
"""
_WHICH = "SELECT id FROM turns WHERE pool = ? AND provider = ? AND feature = ?"
_MEMBER = """
    INSERT INTO standings (turn, address, org, expires_at, weight, key_set, rates, own, ranked)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (turn, address) DO UPDATE SET org = excluded.org, expires_at = excluded.expires_at,
    weight = excluded.weight, key_set = excluded.key_set, rates = excluded.rates, own = excluded.own,
    ranked = excluded.ranked, ready_at = rest_until
"""
_GONE = "DELETE FROM standings WHERE turn = ? AND address = ?"
# what every claim reads, each column of which costs as much as a small function; and what is for few alone
COLUMNS = "standings.address, org, expires_at, rates, own, rest_until, ready_at"
MORE = "rest_why, weight, key_set, last_used, last_limited, uses"
NO_MORE = ("", 1.0, "", 0, 0, 0)
_PASSED = "UPDATE standings SET ready_at = ? WHERE turn = ? AND address = ?"
_ORG_PASSED = "UPDATE standings SET ready_at = ? WHERE turn = ? AND org = ? AND ready_at < ?"
# a parsed limit is kept, since the same few stand with thousands of keys
_PARSED = 1000


class Row(NamedTuple):
    """One standing as it is stored: COLUMNS, then MORE if they were read; rates are texts with blanks between them.

    `stream` and `sealed` are what was read along, if anything was: of the stream of `rates`, or if
    there are none of `own`, and of the sealed value.
    """

    address: str
    org: str
    expires_at: int
    rates: str
    own: str
    rest_until: int
    ready_at: int
    rest_why: str = NO_MORE[0]
    weight: float = NO_MORE[1]
    key_set: str = NO_MORE[2]
    last_used: int = NO_MORE[3]
    last_limited: int = NO_MORE[4]
    uses: int = NO_MORE[5]
    stream: Found | None = None
    sealed: Sealed | None = None


class Parsed(dict[str, tuple[Rate, ...]]):
    """Rates by their text, parsed when they are first looked for."""

    def __missing__(self, text: str) -> tuple[Rate, ...]:
        if len(self) > _PARSED:
            self.clear()
        self[text] = rates = tuple(map(Rate.parse, text.split(" ")))
        return rates


class Reasons:
    """What holds a member back at this moment; an org is looked at once."""

    def __init__(self, found: Streams, turn: Turn, parsed: Parsed, now: int) -> None:
        self._streams = found
        self._turn = turn
        self._parsed = parsed
        self._now = now
        self._orgs: dict[str, int] = {}
        self._row: Row | None = None  # whose streams were looked for last
        self._counted: list[Counted] = []

    def of(self, row: Row) -> list[tuple[int, str]]:
        """Each that there is, with the steady moment at which it ends (0 for one that is over)."""
        reasons = [(row.rest_until if row.rest_until > self._now else 0, row.rest_why)]
        for why, stream, rates in self.counted(row):
            opens = self.org_opens(row.org) if why == "org" else self._streams.opens(stream, rates)
            reasons.append((opens, why))
        return reasons

    def ready_at(self, row: Row) -> int:
        """The moment at which all of them are over."""
        latest = row.rest_until if row.rest_until > self._now else 0
        for why, stream, rates in self.counted(row):
            opens = self.org_opens(row.org) if why == "org" else self._streams.opens(stream, rates)
            latest = max(latest, opens) if opens else latest
        return latest

    def org_opens(self, org: str) -> int:
        """When the org's rates allow another use."""
        if org not in self._orgs:
            stream = self._streams.named(streams.of_org(self._turn.provider, org))
            self._orgs[org] = self._streams.opens(stream, self._turn.org_rates)
        return self._orgs[org]

    def next_claim(self) -> None:
        """Forgets what the claim before may have changed."""
        self._orgs.clear()

    def counted(self, row: Row) -> list[Counted]:
        """The streams that count a use of this key, with their rates, and what they hold it back as."""
        if row is self._row:
            return self._counted
        turn, named = self._turn, self._streams.named
        found: list[Counted] = []
        if row.rates:
            stream = named(streams.of_key(row.address, turn.feature), row.stream)
            found.append(("rate", stream, self._parsed[row.rates]))
        if row.own:
            stream = named(streams.of_own(row.address), None if row.rates else row.stream)
            found.append(("own", stream, self._parsed[row.own]))
        if row.org and turn.org_rates:
            found.append(("org", named(streams.of_org(turn.provider, row.org)), turn.org_rates))
        self._row, self._counted = row, found
        return found

    def remaining(self, row: Row) -> list[tuple[Rate, int]]:
        """Each rate of these streams with what is left of it."""
        pairs: list[tuple[Rate, int]] = []
        for _, stream, rates in self.counted(row):
            pairs += zip(rates, self._streams.left(stream, rates), strict=True)
        return pairs

    def fraction(self, row: Row) -> float:
        """What is left of the tightest of them, from 0 to 1."""
        return min((left / rate.amount for rate, left in self.remaining(row)), default=1.0)


def enlist(connection: sqlite3.Connection, turn: Turn, members: Sequence[Member], version: str) -> int:
    """Makes the turn's members these; the turn's number."""
    names = turn.name, turn.provider, turn.feature
    connection.execute(_TURN, (*names, turn.policy, version, len(members)))
    (number,) = connection.execute(_WHICH, names).fetchone()
    before = {address for (address,) in connection.execute("SELECT address FROM standings WHERE turn = ?", (number,))}
    gone = before.difference(member.address for member in members)
    connection.executemany(_GONE, [(number, address) for address in sorted(gone)])
    ranked = int(turn.policy == _RANKED)
    connection.executemany(_MEMBER, [(number, *_row(member), ranked) for member in members])
    return int(number)


def passed_over(connection: sqlite3.Connection, turn: int, row: Row, ready_at: int) -> None:
    """Keeps what was found, so that nobody looks before that moment."""
    connection.execute(_PASSED, (ready_at, turn, row.address))


def org_passed_over(connection: sqlite3.Connection, turn: int, org: str, ready_at: int) -> None:
    """The same for all its keys at once."""
    connection.execute(_ORG_PASSED, (ready_at, turn, org, ready_at))


def _row(member: Member) -> tuple[str, str, int, float, str, str, str]:
    return (
        member.address,
        member.org,
        min(member.expires_at, NEVER),
        member.weight,
        "\n".join(member.key_set),
        " ".join(map(str, member.rates)),
        " ".join(map(str, member.own)),
    )
