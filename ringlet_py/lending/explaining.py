"""What a claim would answer and why: every step in order, and how each key stands, without taking anything.

The ledger counts nothing for an explanation; it is only told the members of a turn, as a claim tells it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ringlet_py.errors import StoreCorrupt
from ringlet_py.lease import Request
from ringlet_py.ledger.claims import Refused, Taken, Unlisted
from ringlet_py.lending.scopes import steps_of
from ringlet_py.lending.surroundings import from_environment
from ringlet_py.lending.turns import ENVIRONMENT, SHARED, Step, check_asked_for, claim_of, members, steps
from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    from ringlet_py.entry import Entry
    from ringlet_py.ledger.claims import Claim, Standing
    from ringlet_py.lending.choosing import Lending
    from ringlet_py.lending.known import Known
    from ringlet_py.pools import Pool

ATTEMPTS = 20  # how often others may change the entries between our reading them and our looking

LENT = "lent"
NONE = "none"
MEMBERS = "members"
# what a step answers: a key, that it has none, or what of it is used up
ANSWERS = (LENT, NONE, "quota", "pool", MEMBERS)

FREE = "free"
INACTIVE = "inactive"
# how a key stands, and what people read; the others than FREE and INACTIVE are the ledger's `Standing.why`
STATES = {
    FREE: "free",
    "resting": "resting",
    "spent": "quota spent",
    "invalid": "invalid",
    "missing": "missing",
    "rate": "limit reached",
    "own": "max-uses reached",
    "org": "org limit reached",
    "expired": "expired",
    INACTIVE: "inactive",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """How one key stands in a step: one of STATES.

    Times are in seconds since 1970, 0 for never; `ready_at` is 0 for a key that is free, and infinite for one that no
    waiting frees.  `resting_until` is the end of its cooldown.  `left` pairs each rate, written, with what is left.
    """

    address: str
    state: str
    org: str = ""
    ready_at: float = 0.0
    resting_until: float = 0.0
    last_used: float = 0.0
    last_limited: float = 0.0
    uses: int = 0
    left: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What one step of a request would answer now: one of ANSWERS.

    `asked` is whether a claim would come to it, `address` which key it would lend; where policies draw lots, as likely
    as not another.  `ready_at` is when it could lend one (seconds since 1970, 0 for now, infinite for never).
    `variable` is where the environment's key is looked for.
    """

    step: Step
    answer: str
    asked: bool = True
    address: str = ""
    ready_at: float = 0.0
    caller: str = ""
    variable: str = ""
    keys: tuple[KeyState, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether a claim asks the next step then: there is no key, or none that any waiting could free."""
        return self.answer == NONE or (self.answer == MEMBERS and self.ready_at == math.inf)


def explain(lending: Lending, request: Request) -> list[Explained]:
    """The steps of a request in order, what each would answer, and why.

    Raises PoolNotFound, TierNotFound, UsageError, InvalidSecret (of the environment's variable) and the KeychainError
    that fits.
    """
    found: list[Explained] = []
    asked = True
    known = _known(lending)
    looked = steps_of(request, known, lending.catalog, allowed=lending.steps)
    check_asked_for(request, known.entries)
    for step in looked:
        found.append(look(lending, step, request, asked=asked))
        asked = asked and found[-1].goes_on
    return found


def of_pool(lending: Lending, pool: Pool, *, feature: str = "") -> Explained:
    """What the pool would answer for that feature, whoever asks."""
    return look(lending, Step(SHARED, pool), Request(provider=pool.provider, feature=feature))


def of_key(lending: Lending, entry: Entry, *, feature: str = "") -> KeyState:
    """How the key stands for that feature, where no pool limits it."""
    request = Request(entry.address, feature=feature)
    (step,) = steps(request, {}, allowed=(SHARED,))
    (found,) = look(lending, step, request).keys
    return found


def look(lending: Lending, step: Step, request: Request, *, asked: bool = True) -> Explained:
    """What one step would answer; see `explain`."""
    if step.kind == ENVIRONMENT:
        return _environment(lending, step, asked=asked)
    caller, quota = step.quota(request)
    answer, keys = _asked(lending, step, request)
    told = Explained(step=step, answer=NONE, asked=asked, caller=caller if quota else "", keys=keys)
    if isinstance(answer, Taken):
        return replace(told, answer=LENT, address=answer.address)
    return replace(told, answer=answer.reason, ready_at=_wall(answer.retry_at, answer.now, lending.clock()))


def _asked(lending: Lending, step: Step, request: Request) -> tuple[Taken | Refused, tuple[KeyState, ...]]:
    """What the ledger says of the step, and of each of its keys, for one and the same version of the entries."""
    for _ in range(ATTEMPTS):
        known = _known(lending)
        claim = claim_of(step, request, known.version, seed=int(lending.random() * 2**31))
        answer = _peek(lending, claim, step, known=known)
        if isinstance(answer, Unlisted):
            continue
        standings = {each.address: each for each in lending.claims.standings(claim.turn)}
        now = lending.clock()
        belonging = step.belonging(known.entries.values(), now=now)
        return answer, tuple(_key(entry, standings.get(str(entry.address)), now) for entry in belonging)
    raise StoreCorrupt("the ledger changes faster than it can be read", hint="try again")


def _known(lending: Lending) -> Known:
    """Pools, tiers and entries as they are now; read again only if they changed."""
    known = lending.known()
    return known if known.version == lending.claims.version() else lending.known(fresh=True)


def _peek(lending: Lending, claim: Claim, step: Step, *, known: Known) -> Taken | Refused | Unlisted:
    """Peeks; a turn that has members and that the engine does not know yet is told to it."""
    if known.has_members(step):
        answer = lending.claims.peek(claim)
        if not isinstance(answer, Unlisted):
            return answer
        listed = members(step, claim.turn.feature, known.entries.values(), known.tiers, now=lending.clock())
        if listed:
            lending.claims.enlist(claim.turn, listed, version=known.version)
            return lending.claims.peek(claim)
    # whoever asks about a user without keys leaves no trace in the ledger
    return Refused(retry_at=NEVER, retry_wall=NEVER, now=0, reason=NONE)


def _environment(lending: Lending, step: Step, *, asked: bool) -> Explained:
    provider = lending.catalog.providers.get(step.pool.provider)
    variable = provider.key_env if provider else ""
    there = bool(variable and lending.environ.get(variable))
    if there and asked:
        from_environment(provider, lending.environ)  # which says what is wrong with it
    address = f"{step.pool.provider}/{ENVIRONMENT}" if there else ""
    return Explained(step=step, answer=LENT if there else NONE, asked=asked, address=address, variable=variable)


def _key(entry: Entry, standing: Standing | None, now: float) -> KeyState:
    address = str(entry.address)
    if standing is None or not entry.active:
        return KeyState(address=address, state=INACTIVE, org=entry.org, ready_at=math.inf)
    return KeyState(
        address=address,
        state=standing.why or FREE,
        org=entry.org,
        ready_at=_wall(standing.ready_at, standing.now, now),
        resting_until=_wall(standing.resting_until, standing.now, now),
        last_used=_wall(standing.last_used, standing.now, now),
        last_limited=_wall(standing.last_limited, standing.now, now),
        uses=standing.uses,
        left=tuple((str(rate), left) for rate, left in standing.remaining),
    )


def _wall(steady: int, steady_now: int, now: float) -> float:
    """A moment of the ledger's steady clock as seconds since 1970, given now by both clocks."""
    if steady >= NEVER:
        return math.inf
    return now + (steady - steady_now) / 1000 if steady else 0.0
