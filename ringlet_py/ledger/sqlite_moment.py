"""The steady clock of the embedded ledger: it never goes back, whatever the machine's clocks do.

`claiming` keeps the boot it last saw, and `base`: the steady moment at which that boot began.  At the first use after
a boot the steady clock goes on by as much as the wall clock has gone on since it was last looked at, less what it may
have drifted unnoticed, and never back.  Within a boot the wall clock does not matter.  So a machine that starts with a
date in the past opens no window too soon; one that starts with a date in the future is believed, since nothing else
says how long it was off.  Where the time since boot is not known, it is the wall clock that only goes forward: there a
step forwards opens windows too soon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

    from ringlet_py.ledger.clock import Clock

# what the wall clock may differ from the steady one by slewing before calendar windows are looked at anew
SLEW = 1000
COLUMNS = "identity, claiming.version, boot, base, latest, skew"
_READ = f"SELECT {COLUMNS} FROM claiming"  # noqa: S608 - the columns are ours
VERSION = "SELECT identity, version FROM claiming"
_BOOT = "UPDATE claiming SET boot = ?, base = ?, latest = ?"
# every claim leaves its moment with its turn, and all else that has one with `claiming`
_LATEST = "SELECT max(latest, (SELECT coalesce(max(moment), 0) FROM turns)) FROM claiming"


class Moment(NamedTuple):
    """Now, by both clocks in milliseconds, and the ledger's version now."""

    now: int
    wall: int
    version: str


def moment(connection: sqlite3.Connection, clock: Clock) -> Moment:
    """Read within the transaction: a moment that was read before it could lie before what others wrote meanwhile."""
    return moment_of(connection, clock, connection.execute(_READ).fetchone())[0]


def moment_of(
    connection: sqlite3.Connection, clock: Clock, row: tuple[str, int, str, int, int, int]
) -> tuple[Moment, bool]:
    """The same where `COLUMNS` were read already; also whether the standings are no longer as they were then."""
    identity, version, boot, base, latest, skew = row
    wall, since_boot = clock.wall(), clock.since_boot()
    if since_boot is None:
        now = max(wall, latest)
        if now > latest:
            keep_latest(connection, now)
    else:
        if boot != clock.boot():
            since = wall - skew - SLEW if boot else wall
            base = _booted(connection, clock.boot(), since_boot, since)
        now = max(base + since_boot, latest)
    was_set = abs(wall - now - skew) > SLEW
    if was_set:
        _look_anew(connection, wall - now)
    return Moment(now, wall, f"{identity}-{version}"), was_set


def keep_latest(connection: sqlite3.Connection, now: int) -> None:
    """Notes that it was this late."""
    connection.execute("UPDATE claiming SET latest = max(latest, ?)", (now,))


def keep_latest_of_turns(connection: sqlite3.Connection) -> None:
    """Notes how late it was, before turns are forgotten."""
    connection.execute(f"UPDATE claiming SET latest = ({_LATEST})")  # noqa: S608 - the words are ours


def version_of(row: tuple[str, int]) -> str:
    """The ledger's version, of what `VERSION` reads."""
    return f"{row[0]}-{row[1]}"


def _booted(connection: sqlite3.Connection, boot: str, since_boot: int, now: int) -> int:
    latest = int(connection.execute(_LATEST).fetchone()[0])
    base = max(now, latest) - since_boot
    connection.execute(_BOOT, (boot, base, latest))
    return base


def _look_anew(connection: sqlite3.Connection, skew: int) -> None:
    """The wall clock was set: what was found of calendar windows in steady moments holds no longer."""
    connection.execute("UPDATE claiming SET skew = ?", (skew,))
    connection.execute("UPDATE standings SET ready_at = rest_until WHERE ready_at > rest_until")
