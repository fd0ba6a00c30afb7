"""Takes a key for a request, all or nothing, and waits for one if that was asked for."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.errors import KeyNotFound, OutOfScope, PoolExhausted, PoolNotFound, StoreCorrupt, UsageError
from ringlet_py.ledger.claims import Refused, Rest, Taken, Unlisted
from ringlet_py.lending import refusals, reports
from ringlet_py.lending.known import Chosen, Known, chosen_of
from ringlet_py.lending.missing import Missing, claim_around
from ringlet_py.lending.scopes import steps_of
from ringlet_py.lending.turns import ENVIRONMENT, STEPS, Step, check_asked_for, claim_of, is_callers, members
from ringlet_py.lending.walking import Told, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from ringlet_py.catalog import Catalog
    from ringlet_py.entry import Address, Entry
    from ringlet_py.keychain import Keychain
    from ringlet_py.lease import Lease, Request
    from ringlet_py.ledger import Ledger
    from ringlet_py.ledger.claims import Claim, Claims, Standing, Turn
    from ringlet_py.pools import PoolStore, TierStore

ATTEMPTS = 20  # how often others may change the entries between our reading them and our claim
SHORTEST, LONGEST = 0.05, 2.0  # seconds between two looks while waiting
ALIKE = 1000  # kinds of requests whose steps are kept
ID_LENGTH = 12  # bytes of a lease's id
SEALED = "sealed"  # the backend whose values are in the ledger
MISSING_REST = 60_000  # milliseconds for which a key is passed over that an entry promises and the backend lacks


@dataclass(kw_only=True)
class Lending:
    """Chooses keys; every rule of who gets which is here, and the ledger's engine counts.

    `steps` are where keys are looked for, `touch` tells compiled plans of a change, `is_shared` is whether others have
    this ledger too, `with_values` whether it has the keys' values, `missing` what other machines may have and this one
    lacks.  `random` gives 0 to 1, `clock` seconds since 1970, `steady` seconds of a clock that nobody sets.
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
    touch: Callable[[], None] = lambda: None
    is_shared: bool = False
    with_values: bool = False
    missing: Missing = field(default_factory=Missing)
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
                return self.attempt(request)
            except PoolExhausted as problem:
                left = deadline - self.steady()
                if left <= 0 or problem.retry_at == math.inf:
                    raise
                ready_in = max(problem.retry_at - self.clock(), 0.001)
            # half of it at random, so that many who wait for one key do not come back as one
            yield min(left, ready_in, pause * (0.5 + self.random() / 2))
            pause = min(pause * 2, LONGEST)

    def give_back(self, lease: str) -> None:
        """Takes the uses of that lease back, if it counted any."""
        if lease:
            self.claims.give_back(lease)

    def report(self, lease: Lease, outcome: reports.Outcome) -> None:
        """Tells all who claim keys how this one fared, unless it is the environment's; see `reports`."""
        if lease.backend != ENVIRONMENT:  # whose address may be a stored key's too
            for rest in reports.rests(lease, outcome, now=self.clock()):
                self.claims.rest(rest)
        if outcome.kind == reports.INVALID and outcome.at_most is None:  # from now on a launch has to ask, too
            self.touch()

    def pass_over(self, address: Address) -> None:
        """The key is not where its entry says: the others of its pool are lent meanwhile."""
        entry = self.known().entries.get(str(address))
        backends = {entry.backend if entry else "", self.keychain().backend.name} if self.is_shared else {SEALED}
        if backends != {SEALED}:  # other machines may have it
            self.missing.add(str(address), self.steady() + MISSING_REST / 1000)
            return
        rest = Rest(
            provider=address.provider,
            address=str(address),
            milliseconds=MISSING_REST,
            limited=False,
            why="missing",
        )
        self.claims.rest(rest)

    def explained(self, request: Request, address: Address) -> KeyNotFound:
        """The error for a key that is not there: what is instead, and how to store it, which no caller is told."""
        what = f"{address} is not in the keychain"
        return KeyNotFound(what) if is_callers(request) else self.keychain().not_found(address)

    def known(self, *, fresh: bool = False) -> Known:
        """Pools, tiers and entries, as they are, or as they were when they were last read."""
        known = self._known
        if known is None or fresh:
            version = self.claims.version()  # before the rest, so that a change in between is noticed
            entries = {str(entry.address): entry for entry in self.ledger.entries()}
            owners = frozenset((entry.address.provider, entry.owner) for entry in entries.values() if entry.active)
            providers = frozenset(entry.address.provider for entry in entries.values())
            known = self._known = Known(version, self.pools.all(), self.tiers.all(), entries, owners, providers)
        return known

    def attempt(self, request: Request, told: Told | None = None) -> Chosen:
        """The key that the request gets now, counted; raises as `choosing`.  `told` is what need not be asked again."""
        for _ in range(ATTEMPTS):
            found = self._first(request, self.known(), told or Told())
            if not isinstance(found, Unlisted):
                return found
        raise StoreCorrupt("the ledger changes faster than it can be read", hint="try again")

    def _first(self, request: Request, known: Known, told: Told) -> Chosen | Unlisted:
        looked = self.steps_of(request, known)
        known = self.known()
        if request.address is not None and (request.address.field or not known.has_members(looked[0])):
            if self.is_old(known):
                return Unlisted()
            entry = known.entries.get(looked[0].only)
            if entry is None and request.bearers:
                raise self.explained(request, request.address)  # on which no token's use could be counted
            refusals.check_entry(entry, now=self.clock())
            # a bound secret is counted with its key, and a key that the ledger does not know has no limits
            return Chosen(address=request.address, known={"reason": "asked for by its address"})
        try:
            check_asked_for(request, known.entries)
        except UsageError:  # unless it is another's no more
            if self.is_old(known):
                return Unlisted()
            raise
        return Walk(self, request, known, told).through(looked)

    def is_old(self, known: Known) -> bool:
        """Whether something changed since, where no claim has noticed; it is read again then."""
        return self.claims.version() != known.version and self.known(fresh=True) is not known

    def steps_of(self, request: Request, known: Known) -> list[Step]:
        """Where to look for a key; raises what `scopes.steps_of` raises."""
        alike = (request.address, request.provider, request.pool, request.user, request.channel, request.feature)
        key = (self.steps, request.agent if request.scopes else "", request.scopes, *alike)
        found = known.looked.get(key)
        if found is None:
            if len(known.looked) >= ALIKE:
                known.looked.clear()
            found = known.looked[key] = self._new_steps(request, known)
        return found

    def _new_steps(self, request: Request, known: Known) -> list[Step]:
        try:
            return steps_of(request, known, self.catalog, allowed=self.steps)
        except (PoolNotFound, OutOfScope, UsageError):  # it may have been made, or have got its tier, since
            if not self.is_old(known):
                raise
            return steps_of(request, self.known(), self.catalog, allowed=self.steps)

    def answer(self, claim: Claim, step: Step, request: Request, known: Known) -> Taken | Refused | Unlisted:
        """What the ledger answers to the claim of that step, going around keys that are missing here."""
        left_out = self.missing.now(self.steady())
        if not left_out or step.only:
            return self._ask(claim, step, request, known)
        listed = members(step, request.feature, known.entries.values(), known.tiers, now=self.clock())
        if left_out.keys().isdisjoint(each.address for each in listed):
            return self._ask(claim, step, request, known)
        asked = self._ask(claim, step, request, known, peek=True)  # which also tells the engine of its members
        if isinstance(asked, Unlisted) or (isinstance(asked, Refused) and asked.reason != "members"):
            return asked
        looked = asked.address if isinstance(asked, Taken) else ""
        wall = round(self.clock() * 1000)
        return claim_around(self.claims, claim, listed, left_out=left_out, looked=looked, wall=wall)

    def _ask(
        self, claim: Claim, step: Step, request: Request, known: Known, *, peek: bool = False
    ) -> Taken | Refused | Unlisted:
        """Claims, or only looks; a turn that the engine does not know yet is told to it once."""
        ask = self.claims.peek if peek else self.claims.claim
        answer = ask(claim)
        if not isinstance(answer, Unlisted) or self.is_old(known):
            return answer
        listed = members(step, request.feature, known.entries.values(), known.tiers, now=self.clock())
        self.claims.enlist(claim.turn, listed, version=known.version)
        return ask(claim)

    def standings(self, turn: Turn, *, most: int) -> Sequence[Standing]:
        """How the first so many keys of the turn stand, with those that are missing here."""
        return self.missing.told(self.claims.standings(turn, most=most), self.steady())

    def claim_of(self, step: Step, request: Request, known: Known) -> Claim:
        """What the ledger is asked for, under an id of its own."""
        seed, lease = int(self.random() * 2**31), os.urandom(ID_LENGTH).hex()
        return claim_of(step, request, known.version, seed=seed, lease=lease, with_value=self.with_values)

    def chosen(self, step: Step, request: Request, lease: str, *, entry: Entry, taken: Taken) -> Chosen:
        """What the lease tells of the key that was taken."""
        return chosen_of(step, request, lease, entry=entry, taken=taken, clock=self.clock)
