"""Pools and tiers: which keys belong together, how they are limited, and where that is kept.

`values` is what a pool says, `store` keeps pools and tiers in the ledger.
"""

from __future__ import annotations

from ringlet_py.pools.store import PoolStore as PoolStore
from ringlet_py.pools.store import TierStore as TierStore
from ringlet_py.pools.values import Pool as Pool
