"""The pools and tiers of a ledger: made, changed, listed and taken away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.errors import ConsentNeeded, LimitInvalid, PoolExists, PoolNotFound, StoreCorrupt
from ringlet_py.ledger.documents import StoredDocument
from ringlet_py.limits import Tier, tier_named
from ringlet_py.pools.values import Pool, changed, make_pool, read_pool
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.ledger.documents import Documents

POOL = "pool"
TIER = "tier"


@dataclass(frozen=True)
class PoolStore:
    """The pools that a ledger keeps."""

    documents: Documents

    def all(self) -> dict[str, Pool]:
        """Every pool by its name, sorted; StoreCorrupt for one that cannot be read."""
        return {each.name: read_pool(each.name, _table(POOL, each)) for each in self.documents.documents(POOL)}

    def get(self, name: str) -> Pool:
        """The pool of that name; PoolNotFound, with the nearest one."""
        pools = self.all()
        if name in pools:
            return pools[name]
        raise PoolNotFound(
            f"there is no pool {name!a}",
            why=did_you_mean(name, pools),
            hint=f"ringlet pools create {name} --provider PROVIDER",
        )

    def create(self, name: str, given: Mapping[str, Any]) -> Pool:
        """A new pool; PoolExists, and what `make_pool` raises."""
        pool = make_pool(name, given)
        if not self.documents.put_document(POOL, _document(name, pool.table()), new=True):
            raise PoolExists(f"there is a pool {name} already", hint=f"ringlet pools edit {name}")
        return pool

    def edit(self, name: str, given: Mapping[str, Any]) -> tuple[Pool, Pool]:
        """The pool before and after; what was counted stays counted."""
        before = self.get(name)
        after = changed(before, given)
        if after != before:
            self.documents.put_document(POOL, _document(name, after.table()))
        return before, after

    def delete(self, name: str) -> None:
        """Takes the pool away, its keys stay; PoolNotFound."""
        if not self.documents.forget_document(POOL, name):
            self.get(name)


@dataclass(frozen=True)
class TierStore:
    """The tiers that a ledger keeps."""

    documents: Documents

    def all(self) -> dict[str, Tier]:
        """Every tier by its name, sorted; StoreCorrupt for one that cannot be read."""
        return {each.name: _tier(each) for each in self.documents.documents(TIER)}

    def get(self, name: str) -> Tier:
        """The tier of that name; TierNotFound, with the nearest one."""
        return tier_named(name, self.all())

    def create(self, name: str, table: Mapping[str, object]) -> Tier:
        """A new tier; ConsentNeeded if there is one of that name, LimitInvalid."""
        tier = Tier.parse(name, table)
        if not self.documents.put_document(TIER, _document(name, tier.table()), new=True):
            raise ConsentNeeded(f"there is a tier {name} already", hint="ringlet tiers set --help")
        return tier

    def put(self, name: str, table: Mapping[str, object]) -> Tier:
        """Makes or replaces the tier; LimitInvalid."""
        tier = Tier.parse(name, table)
        self.documents.put_document(TIER, _document(name, tier.table()))
        return tier

    def delete(self, name: str) -> None:
        """Takes the tier away; TierNotFound."""
        if not self.documents.forget_document(TIER, name):
            self.get(name)


def _document(name: str, table: Mapping[str, Any]) -> StoredDocument:
    return StoredDocument(name, json.dumps(table, sort_keys=True))


def _tier(document: StoredDocument) -> Tier:
    try:
        return Tier.parse(document.name, _table(TIER, document))
    except LimitInvalid as problem:
        hint = f"ringlet tiers delete {document.name}"
        what = f"the tier {document.name} in the ledger cannot be read"
        raise StoreCorrupt(what, why=problem.what, hint=hint) from None


def _table(kind: str, document: StoredDocument) -> dict[str, Any]:
    try:
        found = json.loads(document.text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    raise StoreCorrupt(
        f"the {kind} {document.name} in the ledger is not JSON", hint=f"ringlet {kind}s delete {document.name}"
    )
