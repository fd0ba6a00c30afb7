"""Any sequence of operations, held against a model that is a few dictionaries."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from ringlet_py.errors import RingletError
from tests.leasing.world import ADMIN, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.tokens import Caller

LENGTHS = st.integers(1, 5000)
WHO = st.sampled_from(["admin", "above", "below", "other"])
# whose leases each sees
SEES = {
    "admin": {"admin", "above", "below", "other"},
    "above": {"above", "below"},
    "below": {"below"},
    "other": {"other"},
}


@dataclass
class Known:
    """What should be true of a lease."""

    whose: str
    end: float
    state: str = "running"


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except RingletError as problem:
        return problem.code
    return "ok"


class AnyOrder(RuleBasedStateMachine):
    """Leases are lent, renewed, released, revoked and run out, in any order and by anybody."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.world.add("a")
        self.world.pool(limits=["1000000/hour"])
        above = self.world.token("above", ttl="2h")
        below = self.world.token("below", above)
        self.callers: dict[str, Caller] = {
            "admin": ADMIN, "above": above, "below": below, "other": self.world.token("other"),
        }  # fmt: skip
        self.last = {name: self.world.clock() + 7200 if name in SEES["above"] else 1e12 for name in self.callers}
        self.known: dict[str, Known] = {}
        self.given_back: set[str] = set()

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(target=ids, who=WHO, ttl=LENGTHS)
    def lend(self, who: str, ttl: int) -> object:
        if self.world.clock() >= self.last[who]:
            return multiple()
        lease = self.world.lend(self.callers[who], pool="p", ttl=ttl)
        self.known[lease.id] = Known(who, min(self.world.clock() + ttl, self.last[who]))
        return lease.id

    @rule(seconds=st.integers(0, 2000))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds)
        for each in self.known.values():
            if each.state == "running" and each.end <= self.world.clock():
                each.state = "expired"

    @rule(lease=ids, who=WHO, ttl=LENGTHS)
    def renew(self, lease: str, who: str, ttl: int) -> None:
        known = self.known[lease]
        if self.allowed(lease, who, lambda: self.world.leasing.renew(lease, ttl, self.callers[who])):
            known.end = min(self.world.clock() + ttl, self.last[known.whose])

    @rule(lease=ids, who=WHO)
    def release(self, lease: str, who: str) -> None:
        if self.allowed(lease, who, lambda: self.world.leasing.release(lease, self.callers[who])):
            self.known[lease].state = "released"
            if who == "admin":  # who has read a key could otherwise have it count nothing
                self.given_back.add(lease)

    @rule(lease=ids, who=WHO)
    def revoke(self, lease: str, who: str) -> None:
        if self.allowed(lease, who, lambda: self.world.leasing.revoke(lease, self.callers[who])):
            self.known[lease].state = "revoked"

    def allowed(self, lease: str, who: str, call: Callable[[], object]) -> bool:
        """Whether it is to go well; it is called, and checked to end so."""
        known = self.known[lease]
        expected = "lease-not-found" if known.whose not in SEES[who] else "lease-ended"
        if known.whose in SEES[who] and known.state == "running":
            expected = "ok"
        assert outcome(call) == expected
        return expected == "ok"

    @invariant()
    def everybody_sees_their_own(self) -> None:
        for name, caller in self.callers.items():
            found = {lease.id: lease for lease in self.world.leasing.list(caller)}
            running = {key for key, each in self.known.items() if each.whose in SEES[name] and each.state == "running"}
            assert found.keys() == running
            assert all(lease.expires_at == round(self.known[key].end * 1000) for key, lease in found.items())

    @invariant()
    def what_was_not_released_is_counted(self) -> None:
        if self.known:
            assert self.world.counted() == self.known.keys() - self.given_back


AnyOrder.TestCase.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyOrder = pytest.mark.slow(AnyOrder.TestCase)
