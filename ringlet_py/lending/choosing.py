"""Takes a key for a request, all or nothing, and waits for one if that was asked for."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ringlet_py import usable
from ringlet_py.entry import Address, utc
from ringlet_py.errors import KeyNotFound, PoolEmpty, PoolExhausted, PoolNotFound, QuotaUsedUp, StoreCorrupt
from ringlet_py.ledger.claims import Claim, Refused, Taken, Unlisted
from ringlet_py.lending import reports
from ringlet_py.lending.turns import ENVIRONMENT, STEPS, Step, members, steps
from ringlet_py.limits import NEVER
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.catalog import Catalog
    from ringlet_py.entry import Entry
    from ringlet_py.keychain import Keychain
    from ringlet_py.lease import Lease, Request
    from ringlet_py.ledger import Ledger
    from ringlet_py.ledger.claims import Claims
    from ringlet_py.limits import Tier
    from ringlet_py.pools import Pool, PoolStore, TierStore

ATTEMPTS = 20  # how often others may change the entries between our reading them and our claim
SHORTEST, LONGEST = 0.05, 2.0  # seconds between two looks while waiting
SHOWN = 5  # keys of an exhausted pool that its error tells of


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A key that was taken: its address, the lease's id, what else the lease tells, and the secret if it is at hand."""

    address: Address
    lease: str = ""
    backend: str = ""
    secret: Secret | None = None
    known: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What pools, tiers and keys were at one version of the ledger."""

    version: str
    pools: dict[str, Pool]
    tiers: dict[str, Tier]
    entries: dict[str, Entry]


@dataclass(kw_only=True)
class Lending:
    """Chooses keys; every rule of who gets which is here, and the ledger's engine counts.

    `steps` are the places where keys are looked for.  `random` gives numbers from 0 to 1, `clock` seconds since 1970.
    """

    claims: Claims
    ledger: Ledger
    pools: PoolStore
    tiers: TierStore
    catalog: Catalog
    keychain: Callable[[], Keychain]
    environ: Mapping[str, str]
    clock: Callable[[], float]
    sleep: Callable[[float], object]
    random: Callable[[], float]
    steps: tuple[str, ...] = STEPS
    _known: Known | None = None

    def choose(self, request: Request) -> Chosen:
        """The key that the request gets, counted.

        Raises PoolNotFound, PoolEmpty and KeyNotFound at once; PoolExhausted or QuotaUsedUp, after waiting as long as
        the request says; TierNotFound, KeyUnusable and the KeychainError that fits.
        """
        deadline = self.clock() + request.wait
        pause = SHORTEST
        while True:
            try:
                return self._try(request)
            except PoolExhausted as problem:
                left = deadline - self.clock()
                if left <= 0 or problem.retry_at == math.inf:
                    raise
                ready_in = max(problem.retry_at - self.clock(), 0.001)
            # half of it at random, so that many who wait for one key do not come back as one
            self.sleep(min(left, ready_in, pause * (0.5 + self.random() / 2)))
            pause = min(pause * 2, LONGEST)

    def give_back(self, lease: str) -> None:
        """Takes the uses of that lease back."""
        if lease:
            self.claims.give_back(lease)

    def report(self, lease: Lease, outcome: reports.Outcome) -> None:
        """Tells all who claim keys how this one fared; see `reports`."""
        for rest in reports.rests(lease, outcome, now=self.clock()):
            self.claims.rest(rest)

    def known(self, *, fresh: bool = False) -> Known:
        """Pools, tiers and entries, as they are, or as they were when they were last read."""
        if self._known is None or fresh:
            version = self.claims.version()  # before the rest, so that a change in between is noticed
            entries = {str(entry.address): entry for entry in self.ledger.entries()}
            self._known = Known(version, self.pools.all(), self.tiers.all(), entries)
        return self._known

    def _try(self, request: Request) -> Chosen:
        for _ in range(ATTEMPTS):
            known = self.known()
            found = self._first(request, known)
            if not isinstance(found, Unlisted):
                return found
        raise StoreCorrupt("the ledger changes faster than it can be read", hint="try again")

    def _first(self, request: Request, known: Known) -> Chosen | Unlisted:
        if request.address is not None and self.ledger.entry(request.address) is None:
            return Chosen(address=request.address)  # whoever stored it told the ledger nothing, so nothing limits it
        looked = self._steps(request, known)
        for step in looked:
            if step.kind == ENVIRONMENT:
                if (found := self._from_environment(step.pool.provider)) is not None:
                    return found
                continue
            claim = self._claim(step, request, known)
            answer = self._ask(claim, step, request)
            if isinstance(answer, Unlisted):
                return answer
            if isinstance(answer, Taken):
                return self._chosen(step, request, claim.lease, taken=answer)
            if answer.reason != "none":
                raise self._exhausted(step, request, answer)
        raise self._nothing(request, looked, known)

    def _steps(self, request: Request, known: Known) -> list[Step]:
        try:
            return steps(request, known.pools, allowed=self.steps)
        except PoolNotFound:  # it may have been made since
            return steps(request, self.known(fresh=True).pools, allowed=self.steps)

    def _ask(self, claim: Claim, step: Step, request: Request) -> Taken | Refused | Unlisted:
        """Claims; a turn that the engine does not know yet is told to it once."""
        answer = self.claims.claim(claim)
        if not isinstance(answer, Unlisted):
            return answer
        known = self.known(fresh=True)
        if known.version != claim.version:
            return answer
        listed = members(step, request.feature, known.entries.values(), known.tiers, now=self.clock())
        self.claims.enlist(claim.turn, listed, version=known.version)
        return self.claims.claim(claim)

    def _claim(self, step: Step, request: Request, known: Known) -> Claim:
        caller, quota = step.quota(request)
        return Claim(
            turn=step.turn(request.feature),
            version=known.version,
            lease=os.urandom(12).hex(),
            caller=caller,
            quota=quota,
            only=step.only,
            seed=int(self.random() * 2**31),
            session=request.session,
            soonest_ready=request.soonest_ready,
        )

    def _chosen(self, step: Step, request: Request, lease: str, *, taken: Taken) -> Chosen:
        entry = self.known().entries[taken.address]
        late = taken.ready_at > taken.now
        return Chosen(
            address=request.address or entry.address,
            lease=lease,
            known={
                "id": lease,
                "feature": request.feature,
                "remaining": taken.remaining,
                "ready_at": self.clock() + (taken.ready_at - taken.now) / 1000 if late else 0.0,
                "reason": _reason(step, late=late),
                "base_url": entry.base_url,
                "org": entry.org,
                "expires_at": entry.expires_at,
            },
        )

    def _from_environment(self, provider: str) -> Chosen | None:
        described = self.catalog.providers.get(provider)
        variable = described.key_env if described else ""
        value = self.environ.get(variable, "") if variable else ""
        if not value:
            return None
        known = {"reason": f"the variable {variable} of the environment", "base_url": ""}
        return Chosen(address=Address(provider, ENVIRONMENT), backend=ENVIRONMENT, secret=Secret(value), known=known)

    def _exhausted(self, step: Step, request: Request, refused: Refused) -> PoolExhausted:
        ready = refused.retry_wall / 1000 if refused.retry_at < NEVER else math.inf
        when = f"the next is free at {utc(ready)}" if ready < math.inf else "none will be"
        if refused.reason == "quota":
            caller, quota = step.quota(request)
            shares = " and ".join(map(str, quota))
            problem: PoolExhausted = QuotaUsedUp(
                f"{caller} has used its share of {step.pool.provider} ({shares})", why=when
            )
        else:
            what = f"no key of {named(step)} is free"
            problem = PoolExhausted(what, why=f"{when}; {self._passed_over(step, request, refused)}")
        problem.retry_at = ready
        return problem

    def _passed_over(self, step: Step, request: Request, refused: Refused) -> str:
        if refused.reason == "pool":
            return f"all of them together are limited to {' and '.join(map(str, step.pool.pool_limits))}"
        standings = self.claims.standings(step.turn(request.feature))
        told = [f"{each.address}: {each.why or 'free'}" for each in standings[:SHOWN]]
        more = len(standings) - len(told)
        return ", ".join(told) + (f", and {more} more" if more else "")

    def _nothing(self, request: Request, looked: list[Step], known: Known) -> Exception:
        """Nowhere was a key that could ever be handed out: at once, since no waiting helps."""
        if request.address is not None:
            entry = known.entries.get(str(request.address.key()))
            problem = usable.usable(entry, round(self.clock() * 1000)) if entry else None
            return problem or self.keychain().not_found(request.address)
        provider = looked[-1].pool.provider if looked else request.provider
        there = [each for each in known.entries.values() if each.address.provider == provider]
        if there or request.pool:
            unusable = sum(usable.usable(each, round(self.clock() * 1000)) is not None for each in there)
            why = f"of {len(there)} keys of {provider}, {unusable} are expired or inactive, and none of the others fits"
            return PoolEmpty(f"{named(looked[-1]) if looked else provider} has no key that could be used", why=why)
        return self._missing(provider)

    def _missing(self, provider: str) -> KeyNotFound:
        described = self.catalog.providers.get(provider)
        title = described.title if described else provider
        page = f" (make a key at {described.sign_up})" if described and described.sign_up else ""
        return KeyNotFound(f"there is no key of {title}", hint=f"ringlet keychain set {provider}{page}")


def named(step: Step) -> str:
    """The step's pool, for people."""
    return f"the pool {step.pool.name}" if ":" not in step.pool.name else step.pool.name.removeprefix("key:")


def _reason(step: Step, *, late: bool) -> str:
    policy = "the one that is free soonest" if late else step.pool.policy
    return f"{step.kind}, {named(step)}: {policy}"
