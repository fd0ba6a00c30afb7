"""What a key's new value or new address means for what the embedded ledger has counted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.ledger import sqlite_rests as rests
from ringlet_py.ledger import streams
from ringlet_py.ledger.claims import OF_THE_VALUE

if TYPE_CHECKING:
    import sqlite3

_RENEWED = "UPDATE rests SET until = 0 WHERE provider = ? AND address = ? AND why = ?"
_MOVE_RESTS = """
    INSERT INTO rests (provider, address, org, feature, until, why, limited_at)
    SELECT ?, ?, org, feature, until, why, limited_at FROM rests WHERE provider = ? AND address = ?
    ON CONFLICT (provider, address, org, feature) DO UPDATE SET
    why = iif(excluded.until > until, excluded.why, why),
    until = max(until, excluded.until), limited_at = max(limited_at, excluded.limited_at)
"""
_END_RESTS = "DELETE FROM rests WHERE provider = ? AND address = ?"
# of a key are the stream of its own name and those that begin with it and a colon
# the last use has the total as its number; `streams.total` is for a stream of which no use is kept
_TOTAL = "coalesce((SELECT max(number) FROM uses WHERE stream = id), total)"
_STREAMS = f"SELECT id, name, {_TOTAL}, kept_uses, kept_length FROM streams WHERE name = ? OR name >= ? AND name < ?"  # noqa: S608 - the words are ours
_STREAM = f"SELECT id, {_TOTAL}, kept_uses, kept_length FROM streams WHERE name = ?"  # noqa: S608
_USES = "SELECT at, wall, lease FROM uses WHERE stream IN (?, ?) ORDER BY at, number"


def renewed(connection: sqlite3.Connection, address: str) -> None:
    """Ends the key's cooldowns that were its value's fault."""
    key = (address.partition("/")[0], address)
    connection.executemany(_RENEWED, [(*key, why) for why in OF_THE_VALUE])
    rests.tell(connection, *key, "")


def renamed(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Moves the key's cooldowns and uses to its new address, together with what is there already."""
    if old == new:
        return
    before, after = (old.partition("/")[0], old), (new.partition("/")[0], new)
    connection.execute(_MOVE_RESTS, (*after, *before))
    connection.execute(_END_RESTS, before)
    own, of_features = streams.of_own(old), streams.of_key(old, "")
    found = connection.execute(_STREAMS, (own, of_features, of_features[:-1] + ";")).fetchall()
    for stream, name, *counted in found:
        _move(connection, (stream, *counted), streams.of_own(new) if name == own else _of_key(name, new))
    for key in (before, after):
        rests.tell(connection, *key, "")
        rests.look_again(connection, "address", provider=key[0], value=key[1])


def _of_key(name: str, address: str) -> str:
    return streams.of_key(address, name.rpartition(":")[2])


def _move(connection: sqlite3.Connection, stream: tuple[int, ...], name: str) -> None:
    there = connection.execute(_STREAM, (name,)).fetchone()
    number, total, uses, length = stream
    if there is not None:
        total += there[1]
        _put_together(connection, number, there[0], total)
        uses, length = max(uses, there[2]), max(length, there[3])
        connection.execute("DELETE FROM streams WHERE id = ?", there[:1])
    row = (name, total, uses, length, number)
    connection.execute("UPDATE streams SET name = ?, total = ?, kept_uses = ?, kept_length = ? WHERE id = ?", row)


def _put_together(connection: sqlite3.Connection, one: int, other: int, total: int) -> None:
    """The uses of both streams as those of the one, numbered as they happened; the last has the total's number."""
    both = connection.execute(_USES, (one, other)).fetchall()
    connection.execute("DELETE FROM uses WHERE stream IN (?, ?)", (one, other))
    rows = [(one, total - len(both) + place, *use) for place, use in enumerate(both, 1)]
    connection.executemany("INSERT INTO uses (stream, number, at, wall, lease) VALUES (?, ?, ?, ?, ?)", rows)
