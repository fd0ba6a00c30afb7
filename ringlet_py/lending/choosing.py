"""Takes a key for a request, all or nothing, and waits for one if that was asked for."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.errors import PoolExhausted, PoolNotFound, StoreCorrupt, UsageError
from ringlet_py.ledger.claims import Claim, Refused, Rest, Taken, Unlisted
from ringlet_py.lending import refusals, reports
from ringlet_py.lending.known import Chosen, Known
from ringlet_py.lending.surroundings import from_environment
from ringlet_py.lending.turns import ENVIRONMENT, STEPS, Step, members, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from ringlet_py.catalog import Catalog
    from ringlet_py.entry import Entry
    from ringlet_py.errors import KeyNotFound
    from ringlet_py.keychain import Keychain
    from ringlet_py.lease import Lease, Request
    from ringlet_py.ledger import Ledger
    from ringlet_py.ledger.claims import Claims, Standing
    from ringlet_py.pools import PoolStore, TierStore

ATTEMPTS = 20  # how often others may change the entries between our reading them and our claim
SHORTEST, LONGEST = 0.05, 2.0  # seconds between two looks while waiting
ALIKE = 1000  # kinds of requests whose steps are kept
MISSING_REST = 60_000  # milliseconds for which a key is passed over that an entry promises and the backend lacks


@dataclass(kw_only=True)
class Lending:
    """Chooses keys; every rule of who gets which is here, and the ledger's engine counts.

    `steps` are the places where keys are looked for.  `random` gives numbers from 0 to 1, `clock` seconds since 1970,
    `steady` seconds of a clock that nobody sets.
    """

    claims: Claims
    ledger: Ledger
    pools: PoolStore
    tiers: TierStore
    catalog: Catalog
    keychain: Callable[[], Keychain]
    environ: Mapping[str, str]
    clock: Callable[[], float]
    steady: Callable[[], float]
    sleep: Callable[[float], object]
    random: Callable[[], float]
    steps: tuple[str, ...] = STEPS
    _known: Known | None = None

    def choosing(self, request: Request, deadline: float) -> Generator[float, None, Chosen]:
        """Yields pauses (seconds) to be made before it looks again, and returns the key that the request gets, counted.

        `deadline`, by the steady clock, is where the request's wait ends; UsageError for a wait that is no time.
        Raises PoolNotFound, PoolEmpty and KeyNotFound at once; PoolExhausted or QuotaUsedUp, at once too or at the
        deadline; TierNotFound, KeyUnusable and the KeychainError that fits.
        """
        if not 0 <= request.wait <= reports.LONGEST:
            hint = "give seconds, from 0 (not at all) to a year"
            raise UsageError(f"a wait of {request.wait} seconds cannot be right", hint=hint)
        pause = SHORTEST
        while True:
            try:
                return self._try(request)
            except PoolExhausted as problem:
                left = deadline - self.steady()
                if left <= 0 or problem.retry_at == math.inf:
                    raise
                ready_in = max(problem.retry_at - self.clock(), 0.001)
            # half of it at random, so that many who wait for one key do not come back as one
            yield min(left, ready_in, pause * (0.5 + self.random() / 2))
            pause = min(pause * 2, LONGEST)

    def give_back(self, lease: str) -> None:
        """Takes the uses of that lease back."""
        if lease:
            self.claims.give_back(lease)

    def report(self, lease: Lease, outcome: reports.Outcome) -> None:
        """Tells all who claim keys how this one fared; see `reports`."""
        for rest in reports.rests(lease, outcome, now=self.clock()):
            self.claims.rest(rest)

    def pass_over(self, address: Address) -> None:
        """The key is not where its entry says: the others of its pool are lent meanwhile."""
        rest = Rest(
            provider=address.provider,
            address=str(address),
            milliseconds=MISSING_REST,
            limited=False,
            why="missing",
        )
        self.claims.rest(rest)

    def explained(self, address: Address) -> KeyNotFound:
        """The error for a key that was asked for and is not there: what is there instead, and how to store it."""
        return self.keychain().not_found(address)

    def known(self, *, fresh: bool = False) -> Known:
        """Pools, tiers and entries, as they are, or as they were when they were last read."""
        known = self._known
        if known is None or fresh:
            version = self.claims.version()  # before the rest, so that a change in between is noticed
            entries = {str(entry.address): entry for entry in self.ledger.entries()}
            owners = frozenset((entry.address.provider, entry.owner) for entry in entries.values() if entry.active)
            known = self._known = Known(version, self.pools.all(), self.tiers.all(), entries, owners)
        return known

    def _try(self, request: Request) -> Chosen:
        for _ in range(ATTEMPTS):
            found = self._first(request, self.known())
            if not isinstance(found, Unlisted):
                return found
        raise StoreCorrupt("the ledger changes faster than it can be read", hint="try again")

    def _first(self, request: Request, known: Known) -> Chosen | Unlisted:
        looked = self._steps(request, known)
        known = self.known()
        # a key that the ledger does not know has no limits, and it is the backend that knows whether it is there
        if request.address is not None and not known.has_members(looked[0]):
            found = Chosen(address=request.address, known={"reason": "asked for by its address"})
            return Unlisted() if self._is_old(known) else found
        refused: Step | None = None
        for step in looked:
            if not known.has_members(step) or step.kind == ENVIRONMENT:
                continue
            claim = self._claim(step, request, known)
            answer = self._ask(claim, step, request)
            if isinstance(answer, Unlisted):
                return answer
            if isinstance(answer, Taken):
                return self._chosen(step, request, claim.lease, entry=known.entries[answer.address], taken=answer)
            if not refusals.goes_on(answer):
                raise refusals.exhausted(step, request, answer, self._standings(step, request))
            refused = step if answer.reason != "none" else refused
        if refused is None and self._is_old(known):
            return Unlisted()
        return self._last(request, looked, refused, known)

    def _last(self, request: Request, looked: Sequence[Step], refused: Step | None, known: Known) -> Chosen:
        """The environment's key; else the error, at once, since no waiting helps."""
        for step in looked:
            if step.kind == ENVIRONMENT and (found := self._from_environment(step.pool.provider)) is not None:
                return found
        if not looked:
            raise UsageError("every place where a key could be looked for is switched off")
        step = refused or next((one for one in reversed(looked) if one.kind != ENVIRONMENT), looked[-1])
        standings = self._standings(step, request) if refused else []
        if request.address is not None:
            entry = known.entries[step.only]
            raise refusals.unusable(request.address, entry, standings, now=self.clock())
        raise refusals.empty(step, known.entries.values(), standings, catalog=self.catalog, now=self.clock())

    def _is_old(self, known: Known) -> bool:
        """Whether something changed since, where no claim has noticed."""
        if self.claims.version() == known.version:
            return False
        self.known(fresh=True)
        return True

    def _steps(self, request: Request, known: Known) -> list[Step]:
        alike = (request.address, request.provider, request.pool, request.user, request.channel, request.feature)
        key = (self.steps, *alike)
        if key not in known.looked:
            if len(known.looked) >= ALIKE:
                known.looked.clear()
            known.looked[key] = self._new_steps(request, known)
        return known.looked[key]

    def _new_steps(self, request: Request, known: Known) -> list[Step]:
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

    def _standings(self, step: Step, request: Request) -> Sequence[Standing]:
        return self.claims.standings(step.turn(request.feature))

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

    def _chosen(self, step: Step, request: Request, lease: str, *, entry: Entry, taken: Taken) -> Chosen:
        late = taken.ready_at > taken.now
        policy = "the one that is free soonest" if late else step.pool.policy
        return Chosen(
            address=request.address or entry.address,
            lease=lease,
            known={
                "id": lease,
                "feature": request.feature,
                "remaining": taken.remaining,
                "ready_at": self.clock() + (taken.ready_at - taken.now) / 1000 if late else 0.0,
                "reason": f"{step.kind}, {refusals.named(step)}: {policy}",
                "base_url": entry.base_url,
                "org": entry.org,
                "expires_at": entry.expires_at,
            },
        )

    def _from_environment(self, provider: str) -> Chosen | None:
        found = from_environment(self.catalog.providers.get(provider), self.environ)
        if found is None:
            return None
        secret, known = found
        return Chosen(address=Address(provider, ENVIRONMENT), backend=ENVIRONMENT, secret=secret, known=known)
