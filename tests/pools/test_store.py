from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import LimitInvalid, PoolExists, PoolNotFound, StoreCorrupt, TierNotFound
from ringlet_py.ledger.clock import SystemClock
from ringlet_py.ledger.documents import StoredDocument
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.pools import PoolStore, TierStore
from ringlet_py.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteClaims]:
    ledger = SqliteClaims(Session(SqliteFile(str(tmp_path / "state" / "ledger.sqlite"))), SystemClock(FakeClock()))
    yield ledger
    ledger.close()


@pytest.fixture
def pools(ledger: SqliteClaims) -> PoolStore:
    return PoolStore(ledger)


@pytest.fixture
def tiers(ledger: SqliteClaims) -> TierStore:
    return TierStore(ledger)


def test_pools_are_kept_by_name(pools: PoolStore):
    made = [pools.create(name, {"provider": "openai", "limits": ["4/minute"]}) for name in ("b", "a")]

    assert pools.all() == {"a": made[1], "b": made[0]}
    assert list(pools.all()) == ["a", "b"]
    assert pools.get("b") == made[0]


def test_there_is_one_pool_of_a_name(pools: PoolStore):
    kept = pools.create("p", {"provider": "openai"})

    with pytest.raises(PoolExists):
        pools.create("p", {"provider": "anthropic"})
    assert pools.get("p") == kept


def test_an_unknown_pool_names_the_nearest(pools: PoolStore):
    pools.create("images", {"provider": "openai"})

    for verb in (pools.get, pools.delete, lambda name: pools.edit(name, {})):
        with pytest.raises(PoolNotFound) as caught:
            verb("image")
        assert caught.value.why == "did you mean 'images'?"


def test_an_edit_answers_what_was_and_what_is(pools: PoolStore):
    made = pools.create("p", {"provider": "openai", "limits": ["4/minute"]})
    before, after = pools.edit("p", {"policy": "first", "limits": None})

    assert (before, after.policy, after.limits) == (made, "first", made.limits)
    assert pools.get("p") == after


def test_an_edit_that_is_refused_changes_nothing(pools: PoolStore):
    made = pools.create("p", {"provider": "openai"})

    with pytest.raises(LimitInvalid):
        pools.edit("p", {"policy": "first", "quota": ["0/day"]})
    assert pools.get("p") == made


def test_an_edit_that_changes_nothing_leaves_the_ledger_alone(pools: PoolStore, ledger: SqliteClaims):
    pools.create("p", {"provider": "openai"})
    before = ledger.version()
    pools.edit("p", {"policy": "round-robin"})

    assert ledger.version() == before


def test_what_is_deleted_is_gone(pools: PoolStore):
    pools.create("p", {"provider": "openai"})
    pools.delete("p")

    assert pools.all() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', '{"provider": "openai", "quota": ["0/day"]}'])
def test_a_damaged_pool_is_an_error_and_not_left_out(pools: PoolStore, ledger: SqliteClaims, text: str):
    ledger.put_document("pool", StoredDocument("p", text))

    with pytest.raises(StoreCorrupt):
        pools.all()
    pools.delete("p")
    assert pools.all() == {}


def test_tiers_are_kept_by_name_and_replaced(tiers: TierStore):
    tiers.put("slow", {"image": "2/hour", "*": ["9/hour", "50/day"]})
    after = tiers.put("slow", {"image": "3/hour"})

    assert tiers.all() == {"slow": after}
    assert [str(rate) for rate in tiers.get("slow").rates_for("image")] == ["3/hour"]


def test_an_unknown_tier_names_the_nearest(tiers: TierStore):
    tiers.put("slow", {"*": "1/day"})

    for verb in (tiers.get, tiers.delete):
        with pytest.raises(TierNotFound) as caught:
            verb("slwo")
        assert caught.value.why == "did you mean 'slow'?"


@pytest.mark.parametrize("table", [{"image": "0/minute"}, {"image": []}, {"image": 3}, {"im*": "1/day"}])
def test_a_tier_that_cannot_be_is_refused(tiers: TierStore, table: dict[str, object]):
    with pytest.raises(LimitInvalid):
        tiers.put("slow", table)
    assert tiers.all() == {}


def test_a_damaged_tier_is_an_error_and_no_tier_without_limits(tiers: TierStore, ledger: SqliteClaims):
    for text in ("{", '{"*": "0/day"}', '{"*": 3}'):
        ledger.put_document("tier", StoredDocument("slow", text))
        with pytest.raises(StoreCorrupt):
            tiers.all()
