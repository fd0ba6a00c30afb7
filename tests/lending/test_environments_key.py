"""The environment's key, for those who ask with a token: it is counted on that, and lent to none that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.errors import OutOfScope, QuotaUsedUp, RingletError, TokenRefused
from ringlet_py.lease import Lease, Request
from ringlet_py.ledger.claims import Rest
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.limits import NEVER
from ringlet_py.scope import Bearer, Scope
from tests.lending.world import World, bearer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def surrounded(tmp_path: Path) -> Iterator[World]:
    """A world whose only key is in the environment."""
    world = World(tmp_path, environ={"OPENAI_API_KEY": "made-up-of-the-environment"})
    yield world
    world.claims.close()


def claimed(world: World, *bearers: Bearer, together: bool, **wishes: Any) -> Lease:
    if not together:
        return world.claim("openai", bearers=bearers, **wishes)
    (found,) = world.broker.claim_all([Request(provider="openai", bearers=bearers, **wishes)])
    if isinstance(found, RingletError):
        raise found
    return found


@pytest.mark.parametrize("together", [False, True])
def test_the_environments_key_is_counted_on_the_token(surrounded: World, *, together: bool) -> None:
    twice, above = bearer(surrounded, name="twice", rates="2/hour"), bearer(surrounded, name="above", rates="3/hour")
    other = bearer(surrounded, name="other")

    found = [claimed(surrounded, twice, above, together=together, feature=name) for name in ("image", "text")]

    assert {lease.address.alias for lease in found} == {"environment"}
    assert [lease.remaining for lease in found] == [1, 0]
    with pytest.raises(QuotaUsedUp) as caught:
        claimed(surrounded, twice, above, together=together)
    assert caught.value.retry_at == pytest.approx(surrounded.clock() + 3600, abs=1)
    assert claimed(surrounded, other, above, together=together).remaining == 0
    with pytest.raises(QuotaUsedUp):
        claimed(surrounded, other, above, together=together)
    surrounded.broker.release(found[0])
    assert claimed(surrounded, twice, above, together=together).backend == "environment"


@pytest.mark.parametrize("together", [False, True])
def test_a_token_that_is_gone_by_now_gets_no_key_of_the_environment(surrounded: World, *, together: bool) -> None:
    callers = SqliteCallers(surrounded.claims.session)
    revoked = bearer(surrounded, name="revoked")
    dying = bearer(surrounded, name="dying", expires_at=round(surrounded.clock() * 1000) + 60_000)
    claimed(surrounded, dying, together=together)
    callers.remove_token("id-of-revoked")
    surrounded.clock.advance(61)

    for one in (revoked, dying):
        with pytest.raises(TokenRefused):
            claimed(surrounded, one, together=together)


def test_a_use_of_the_environments_key_that_cannot_be_recorded_is_given_back(surrounded: World) -> None:
    once = bearer(surrounded, rates="1/hour")
    surrounded.records.full = True
    with pytest.raises(RingletError):
        surrounded.claim("openai", bearers=(once,))
    surrounded.records.full = False

    assert surrounded.claim("openai", bearers=(once,)).address.alias == "environment"


def test_a_stored_key_of_that_name_is_another(surrounded: World) -> None:
    surrounded.add("environment", active=False)
    one = bearer(surrounded, rates="9/hour")
    surrounded.claims.rest(Rest(provider="openai", address="openai/environment", until=NEVER, why="invalid"))

    assert surrounded.claim("openai", bearers=(one,)).backend == "environment"


def test_without_a_token_the_environments_key_leaves_no_trace_in_the_ledger(surrounded: World) -> None:
    surrounded.claim("openai")
    before = surrounded.dump()

    assert surrounded.claim("openai").backend == "environment"
    assert surrounded.dump() == before


def test_a_scope_for_another_key_admits_not_that_of_the_environment(surrounded: World) -> None:
    with pytest.raises(OutOfScope):
        surrounded.claim("openai", scopes=(Scope.parse("alias=work"),))
