"""keypooler's HTTP API over ringlet's keys, tiers and tokens: the same paths, bodies, statuses and fields.

`keypooler_claims` is GET /key, `_reports` what is said of a key; `_tiers`, `_keys`, `_consumers` and `_usage` are what
is below /admin.  `_shapes` says one system in terms of the other, `_notes` keeps what only keypooler's clients know,
`_counts` tells what is used, `_contracts` says what each route promises.
"""

from __future__ import annotations

from ringlet_py.daemon import keypooler_consumers as consumers
from ringlet_py.daemon import keypooler_contracts as contracts
from ringlet_py.daemon import keypooler_keys as keys
from ringlet_py.daemon import keypooler_tiers as tiers
from ringlet_py.daemon import users
from ringlet_py.daemon.contract import Told
from ringlet_py.daemon.keypooler_claims import claim_key
from ringlet_py.daemon.keypooler_reports import report_exhausted
from ringlet_py.daemon.keypooler_usage import list_usage


def routes() -> list[Told]:
    """Its routes, what it lacks added, and those of users' keys."""
    return [
        Told("GET", "/key", claim_key, contracts.CLAIM),
        Told("POST", "/key/{id}/exhausted", report_exhausted, contracts.EXHAUSTED),
        Told("GET", "/admin/tiers", tiers.list_tiers, contracts.TIERS),
        Told("POST", "/admin/tiers", tiers.add_tier, contracts.TIER_ADDED),
        Told("PATCH", "/admin/tiers", tiers.change_tier, contracts.TIER_CHANGED),
        Told("DELETE", "/admin/tiers/{name}", tiers.delete_tier, contracts.TIER_DELETED),
        Told("GET", "/admin/keys", keys.list_keys, contracts.KEYS),
        Told("POST", "/admin/keys", keys.add_key, contracts.KEY_ADDED),
        Told("GET", "/admin/keys/{id}", keys.show_key, contracts.KEY),
        Told("PATCH", "/admin/keys/{id}", keys.change_key, contracts.KEY_CHANGED),
        Told("DELETE", "/admin/keys/{id}", keys.delete_key, contracts.KEY_DELETED),
        Told("GET", "/admin/consumers", consumers.list_consumers, contracts.CONSUMERS),
        Told("POST", "/admin/consumers", consumers.add_consumer, contracts.CONSUMER_ADDED),
        Told("DELETE", "/admin/consumers/{id}", consumers.delete_consumer, contracts.CONSUMER_DELETED),
        Told("POST", "/admin/consumers/{id}/rotate", consumers.rotate_consumer, contracts.CONSUMER_ROTATED),
        Told("POST", "/admin/consumers/{id}/scopes", consumers.grant_scope, contracts.SCOPE_GRANTED),
        Told("DELETE", "/admin/consumers/{id}/scopes/{tier}", consumers.revoke_scope, contracts.SCOPE_REVOKED),
        Told("GET", "/admin/usage", list_usage, contracts.USAGE),
        Told("GET", "/admin/health", keys.health, contracts.HEALTH),
        *users.routes(),
    ]
