"""How much of a key may be used: rates, tiers, and when the next use is allowed.

`rate` is what people write (`10/minute`), `calendars` knows days, weeks and months of a time zone,
`windows` is the arithmetic of uses, `tier` names the rates of several features.
Everything here is a pure function of its arguments; times are whole milliseconds.
"""

from __future__ import annotations

from ringlet_py.limits.calendars import calendar_window
from ringlet_py.limits.rate import Rate
from ringlet_py.limits.tier import EVERY_OTHER, Tier, tier_named
from ringlet_py.limits.windows import NEVER, Horizon, Retention, Use, horizon, opens_at, remaining, retention

__all__ = (
    "EVERY_OTHER",
    "NEVER",
    "Horizon",
    "Rate",
    "Retention",
    "Tier",
    "Use",
    "calendar_window",
    "horizon",
    "opens_at",
    "remaining",
    "retention",
    "tier_named",
)
