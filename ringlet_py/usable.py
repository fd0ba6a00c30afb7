"""Whether a key may be used now, as far as its entry says; pure."""

from __future__ import annotations

from ringlet_py import errors
from ringlet_py.entry import utc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.entry import Entry


def usable(entry: Entry, wall_ms: int) -> errors.RingletError | None:
    """What speaks against it: KeyInactive, KeyExpired or nothing; `wall_ms` is the time in milliseconds since 1970."""
    address = entry.address
    words = f"{address.provider} {address.alias}"
    if not entry.active:
        hint = f"ringlet keychain edit {words} --active"
        return errors.KeyInactive(f"{address} is inactive", why="somebody set it so", hint=hint)
    if has_expired(entry, wall_ms):
        hint = f"{address.to_set(replace=True)}, or give it a later date: ringlet keychain edit {words} --expires 30d"
        return errors.KeyExpired(f"{address} expired at {entry.expires_at}", hint=hint)
    return None


def has_expired(entry: Entry, wall_ms: int) -> bool:
    """Whether its date has come; moments as `utc` writes them are in order as texts."""
    return bool(entry.expires_at) and entry.expires_at <= utc(wall_ms / 1000)
