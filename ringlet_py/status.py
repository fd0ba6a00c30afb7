"""What is known about keys beyond their entries: when each was last lent, to which profiles, and its state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.audit.reading import last_used
from ringlet_py.entry import utc
from ringlet_py.errors import KeyExpired, KeyInactive
from ringlet_py.usable import usable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ringlet_py.entry import Address, Entry
    from ringlet_py.profiles import ProfileStore

USABLE = "usable"
RESTING = "resting"
EXPIRED = "expired"
INACTIVE = "inactive"
SOON = 14 * 24 * 3600 * 1000  # milliseconds in which an expiry is worth a warning


@dataclass(frozen=True, kw_only=True)
class Status:
    """A key's entry, its last successful claim (UTC, "" if none is recorded), its profiles, and its state."""

    entry: Entry
    last_used_at: str
    profiles: tuple[str, ...]
    state: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """How many keys of one provider, source, login and batch there are.

    `active` ones were not set inactive; of these some are `expired`, some `resting`, and the others `usable`.
    `next_expiry` is the earliest date (UTC) of an active key that is still to come, "" if there is none.
    """

    provider: str
    source: str
    login: str
    batch: str
    total: int
    active: int
    expired: int
    usable: int
    resting: int
    next_expiry: str


def of(
    entries: list[Entry],
    *,
    profiles: ProfileStore,
    folder: str,
    now: float,
    resting: Collection[Address] = (),
) -> list[Status]:
    """The status of each entry; `folder` is where the audit lies, `now` in seconds since 1970."""
    used = last_used(folder)
    return [
        Status(
            entry=entry,
            last_used_at=used.get(str(entry.address), ""),
            profiles=tuple(profiles.using(entry.address)),
            state=state(entry, now=now, resting=resting),
        )
        for entry in entries
    ]


def state(entry: Entry, *, now: float, resting: Collection[Address] = ()) -> str:
    """INACTIVE, EXPIRED, RESTING or USABLE."""
    problem = usable(entry, int(now * 1000))
    if isinstance(problem, KeyInactive):
        return INACTIVE
    if isinstance(problem, KeyExpired):
        return EXPIRED
    return RESTING if entry.address in resting else USABLE


def groups(entries: Iterable[Entry], *, now: float, resting: Collection[Address] = ()) -> list[Group]:
    """The keys counted by provider, source, login and batch, sorted by these."""
    members: dict[tuple[str, str, str, str], list[Entry]] = {}
    for entry in entries:
        key = (entry.address.provider, entry.source, entry.login, entry.batch)
        members.setdefault(key, []).append(entry)
    return [_group(key, members[key], now=now, resting=resting) for key in sorted(members)]


def _group(key: tuple[str, str, str, str], entries: list[Entry], *, now: float, resting: Collection[Address]) -> Group:
    provider, source, login, batch = key
    states = Counter(state(entry, now=now, resting=resting) for entry in entries)
    moment = utc(now)
    dates = [entry.expires_at for entry in entries if entry.active and entry.expires_at > moment]
    return Group(
        provider=provider,
        source=source,
        login=login,
        batch=batch,
        total=len(entries),
        active=len(entries) - states[INACTIVE],
        expired=states[EXPIRED],
        usable=states[USABLE],
        resting=states[RESTING],
        next_expiry=min(dates, default=""),
    )


def expiring(entries: Iterable[Entry], *, now: float) -> list[Entry]:
    """The active keys that expire within 14 days, and have not yet."""
    start, end = utc(now), utc(now + SOON / 1000)
    return [entry for entry in entries if entry.active and start < entry.expires_at <= end]
