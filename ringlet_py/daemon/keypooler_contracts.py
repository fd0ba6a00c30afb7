"""What each of keypooler's routes promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.daemon import keypooler_consumers as consumers
from ringlet_py.daemon import keypooler_keys as keys
from ringlet_py.daemon.contract import KEYCHAIN, Contract, Named, Who
from ringlet_py.daemon.keypooler_claims import ASKED
from ringlet_py.daemon.keypooler_reports import REPORTED
from ringlet_py.daemon.keypooler_tiers import TIER_BODY
from ringlet_py.errors import (
    ConsentNeeded,
    KeyExists,
    KeyNotFound,
    NotFound,
    TierNotFound,
    TokenExists,
    TokenNotFound,
)

if TYPE_CHECKING:
    from typing import Any

    from ringlet_py.daemon.contract import Shape
    from ringlet_py.errors import RingletError

_PERHAPS = (str, None)
_LENT = {
    **dict.fromkeys(("key_id", "value", "lease", "address", "reason", "base_url"), str),
    "metadata": dict,
    "secrets": Named(str),
    "expires_at": _PERHAPS,
    "remaining": (int, None),
}
_TIER = {
    **dict.fromkeys(("id", "name", "description"), str),
    "features": Named((int, {"rate_limit": int, "window_seconds": float})),
    "rates": dict,
}
_KEY = {
    **dict.fromkeys(("id", "name", "address"), str),
    **dict.fromkeys(("tier_id", "tier", "expires_at", "exhausted_until"), _PERHAPS),
    "is_active": bool,
    "usage_limit": (int, None),
    "usage_window_seconds": (float, None),
    "usage_count": int,
    "usage": Named({"used": int, "limit": int, "window_seconds": float}),
    "metadata": dict,
    "secret_names": [str],
    **dict.fromkeys(("budget", "remaining", "resets_at", "balance")),
    "spent": int,
}
_ADDED = {
    **dict.fromkeys(("id", "name", "tier", "address"), str),
    "expires_at": _PERHAPS,
    "usage_limit": (int, None),
    "usage_window_seconds": (int, None),
    "metadata": dict,
    "secret_names": [str],
}
_CONSUMER = {
    **dict.fromkeys(("id", "name", "description", "scope"), str),
    "is_active": bool,
    "scopes": [str],
}
_USE = dict.fromkeys(("key_id", "consumer_id", "feature", "created_at"), str)
_NEW = dict.fromkeys(("id", "name", "token"), str)
_DONE = {"status": str}


def _for_admin(shape: Shape, *errors: type[RingletError], status: int = 200, **more: Any) -> Contract:
    return Contract(who=Who.ADMIN, answers={status: shape}, errors=errors, **more)


CLAIM = Contract(answers={200: _LENT}, errors=(NotFound, *KEYCHAIN), query=dict.fromkeys(ASKED, ()))
EXHAUSTED = Contract(
    answers={200: {"status": str, "until": str}}, errors=(KeyNotFound, *KEYCHAIN), body=REPORTED, needs=("until",)
)

TIERS = _for_admin([_TIER])
TIER_ADDED = _for_admin(_TIER, ConsentNeeded, status=201, body=TIER_BODY, needs=("name", "features"))
TIER_CHANGED = _for_admin(_TIER, TierNotFound, body=TIER_BODY, needs=("name", "features"))
TIER_DELETED = _for_admin(_DONE, TierNotFound, ConsentNeeded)

KEYS = _for_admin([_KEY], *KEYCHAIN)
KEY = _for_admin(_KEY, KeyNotFound, *KEYCHAIN)
KEY_ADDED = _for_admin(
    _ADDED, TierNotFound, KeyExists, *KEYCHAIN, status=201, body=keys.ADDED, needs=("name", "key", "tier")
)
KEY_CHANGED = _for_admin(_KEY, KeyNotFound, *KEYCHAIN, body=keys.CHANGED)
KEY_DELETED = _for_admin(_DONE, KeyNotFound, *KEYCHAIN)

CONSUMERS = _for_admin([_CONSUMER])
CONSUMER_ADDED = _for_admin(_NEW, TokenExists, status=201, body=consumers.ADDED, needs=("name",))
CONSUMER_DELETED = _for_admin(_DONE, TokenNotFound)
CONSUMER_ROTATED = _for_admin(_NEW, TokenNotFound)
SCOPE_GRANTED = _for_admin(
    {"consumer_id": str, "tier": str},
    TokenNotFound,
    TierNotFound,
    ConsentNeeded,
    status=201,
    body=consumers.GRANTED,
    needs=("tier",),
)
SCOPE_REVOKED = _for_admin(_DONE, NotFound, ConsentNeeded)

USAGE = _for_admin([_USE], query={"limit": ()})
HEALTH = _for_admin({"pool_size": int, "encryption": bool}, *KEYCHAIN)
