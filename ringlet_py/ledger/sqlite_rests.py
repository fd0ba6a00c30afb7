"""Cooldowns in the embedded ledger: those of record, and what they mean for each standing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    import sqlite3

    from ringlet_py.ledger.claims import Rest
    from ringlet_py.ledger.sqlite_moment import Moment

_REST = """
    INSERT INTO rests (provider, address, org, feature, until, why, limited_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (provider, address, org, feature) DO UPDATE SET
    why = iif(excluded.until > until, excluded.why, why),
    until = max(until, excluded.until), limited_at = max(limited_at, excluded.limited_at)
"""
_OF_PROVIDER = """
    SELECT address, org, until, why, limited_at FROM rests WHERE provider = ? AND feature IN ('', ?)
    ORDER BY until DESC
"""
_STANDING = "SELECT address, org, rest_until, rest_why, last_limited FROM standings WHERE turn = ?"
_TURNS = "SELECT id, feature FROM turns WHERE provider = ?"
_TELL = """
    UPDATE standings SET rest_until = ?3, ready_at = ?3, rest_why = ?4, last_limited = ?5
    WHERE turn = ?1 AND address = ?2
"""
_ENDS = "UPDATE rests SET until = 0 WHERE provider = ? AND address = ? AND org = ?"
_ADDRESSES = """
    SELECT DISTINCT standings.address FROM standings JOIN turns ON turns.id = turn
    WHERE org = ? AND provider = ?
"""
_RESTING = "SELECT provider, address, org, until FROM rests WHERE feature = '' AND until > ?"


def rest(connection: sqlite3.Connection, wish: Rest, moment: Moment) -> None:
    """Begins or extends a cooldown."""
    limited_at = moment.now if wish.limited else 0
    key = (wish.provider, wish.address, "" if wish.address else wish.org)
    connection.execute(_REST, (*key, wish.feature, _end(wish, moment), wish.why, limited_at))
    tell(connection, *key)


def wake(connection: sqlite3.Connection, address: str, feature: str) -> None:
    """Ends the cooldowns of a key and of its org."""
    provider = address.partition("/")[0]
    orgs = connection.execute("SELECT DISTINCT org FROM standings WHERE address = ? AND org <> ''", (address,))
    for key in [(provider, address, ""), *((provider, "", org) for (org,) in orgs.fetchall())]:
        if feature:
            connection.execute(f"{_ENDS} AND feature = ?", (*key, feature))
        else:
            connection.execute(_ENDS, key)
        tell(connection, *key)


def resting(connection: sqlite3.Connection, moment: Moment) -> dict[str, int]:
    """The addresses that rest for every feature, and until when by the wall clock."""
    found: dict[str, int] = {}
    for provider, address, org, until in connection.execute(_RESTING, (moment.now,)).fetchall():
        keys = [(address,)] if address else connection.execute(_ADDRESSES, (org, provider)).fetchall()
        for (key,) in keys:
            found[key] = max(found.get(key, 0), until)
    return {key: until if until == NEVER else until - moment.now + moment.wall for key, until in sorted(found.items())}


def tell(connection: sqlite3.Connection, provider: str, address: str, org: str) -> None:
    """Brings the standings of the key, or of the org's keys, to what the cooldowns of record say."""
    where, value = ("address = ?", address) if address else ("org = ?", org)
    for turn, feature in connection.execute(_TURNS, (provider,)).fetchall():
        rows = connection.execute(f"{_STANDING} AND {where}", (turn, value)).fetchall()
        _tell(connection, (turn, provider, feature), rows)


def tell_turn(connection: sqlite3.Connection, turn: int, provider: str, feature: str) -> None:
    """The same for all standings of a turn."""
    _tell(connection, (turn, provider, feature), connection.execute(_STANDING, (turn,)).fetchall())


def look_again(connection: sqlite3.Connection, column: str, *, provider: str, value: str) -> None:
    """Forgets what was found of the windows of an address or an org."""
    connection.execute(
        f"UPDATE standings SET ready_at = rest_until WHERE {column} = ? AND address >= ? AND address < ?",  # noqa: S608 - the columns are ours
        (value, f"{provider}/", f"{provider}0"),
    )


def _tell(
    connection: sqlite3.Connection, turn: tuple[int, str, str], rows: list[tuple[str, str, int, str, int]]
) -> None:
    number, provider, feature = turn
    known = _by_key(connection, provider, feature)
    for address, org, *now in rows:
        rests = [*known.get((address, ""), ()), *(known.get(("", org), ()) if org else ())]
        until, why = max(((until, why) for until, why, _ in rests), key=_first, default=(0, ""))
        told = [until, why, max((limited_at for _, _, limited_at in rests), default=0)]
        if told != now:
            connection.execute(_TELL, (number, address, *told))


def _by_key(
    connection: sqlite3.Connection, provider: str, feature: str
) -> dict[tuple[str, str], list[tuple[int, str, int]]]:
    found: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
    for address, org, *rest in connection.execute(_OF_PROVIDER, (provider, feature)):
        found.setdefault((address, org), []).append(tuple(rest))
    return found


def _first(pair: tuple[int, str]) -> int:
    return pair[0]


def _end(wish: Rest, moment: Moment) -> int:
    """The cooldown's end by the steady clock, 0 if it is over already."""
    if wish.milliseconds > 0:
        return min(moment.now + wish.milliseconds, NEVER)
    if wish.until >= NEVER:
        return NEVER
    return moment.now + wish.until - moment.wall if wish.until > moment.wall else 0
