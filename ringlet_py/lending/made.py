"""Makes the lending out of a ledger, a catalog and the environment."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ringlet_py.lending.choosing import Lending
from ringlet_py.pools.store import PoolStore, TierStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.catalog import Catalog
    from ringlet_py.keychain import Keychain
    from ringlet_py.ledger.made import LedgerParts


def lending(
    kept: LedgerParts,
    catalog: Catalog,
    environ: Mapping[str, str],
    *,
    keychain: Callable[[], Keychain],
    clock: Callable[[], float],
    places: tuple[str, ...],
    sealed: bool,
) -> Lending:
    """The lending over that ledger; `keychain` is asked only to explain what is missing, `places` are the settings'.

    `sealed` is whether the keys are sealed in it too.
    """
    return Lending(
        claims=kept.claims,
        ledger=kept.entries,
        pools=PoolStore(kept.documents),
        tiers=TierStore(kept.documents),
        catalog=catalog,
        keychain=keychain,
        environ=environ,
        clock=clock,
        steady=time.monotonic,
        sleep=time.sleep,
        steps=places,
        is_shared=kept.is_shared,
        with_values=sealed,
        touch=kept.touch,
        random=lambda: int.from_bytes(os.urandom(4), "big") / 2**32,
    )
