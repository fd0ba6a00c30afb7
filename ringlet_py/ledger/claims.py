"""What a ledger engine counts: claims, cooldowns and how each key of a pool stands; plain data and the verbs.

A pool and a feature together are a **turn**: the keys that may be handed out, their order and their limits.
An engine keeps, for each turn, one standing per member, made by `enlist` from what the services know, and
stamped with the version of the entries that it was made from.  Unless this stamp, the claim's version and the
ledger's own are one and the same, a claim changes nothing and answers `Unlisted`: the caller reads the version,
enlists and asks again.  That keeps a claim one transaction, or one round trip, however many keys there are.

The order is the policy's (`ringlet_py.pool`) over all members that have not expired; the first of it that is free is
taken: whose cooldown is over, and whose rates, own rates and org's rates all allow a use.  `Choice.cursor` is the
address that the turn handed out last, `last_used` and `last_limited` are the standing's, `remaining` is the least of
what is left of each rate in `Standing.remaining`, divided by its amount (1 without a rate).

Streams of uses, each written only if it has rates: key and feature (`rates`), key (`own`), provider and org
(`org_rates`; a key without an org has no such stream), pool (`pool_rates`), caller, provider and feature (`quota`),
token (`Bearer.rates`).
Of a stream is kept what `limits.retention` says for the widest rates that ever counted on it, and at least the last 32
uses of a day: a limit that is raised, or whose window grows, counts these under its new terms.

Every engine keeps this contract (`tests/ledger/claims_contract.py` is it as tests):

- `claim` takes one use of every stream that the claim counts on, or of none; what it answers is what it did.
- Never are more uses taken than a rate allows in any true window, whatever the processes, machines, clocks and crashes.
- `peek`, `standings` and `left` change nothing.
- A use is taken back once, however often `give_back` is asked to.
- Times are whole milliseconds of the ledger's steady clock, which no step of the wall clock moves and which goes on
  after a restart; dates and calendar windows are of the wall clock (see `limits`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.ledger.sealed import SealedValue
    from ringlet_py.limits import Rate
    from ringlet_py.scope import Bearer


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A key as a turn needs to know it; `rates` are counted on this key and feature, `own` on the key for all features.

    `org` names the provider's organisation, whose limits and cooldowns its keys share; "" is the key alone.
    """

    address: str
    org: str = ""
    expires_at: int = NEVER
    weight: float = 1.0
    key_set: tuple[str, str, str] = ("", "", "")
    rates: tuple[Rate, ...] = ()
    own: tuple[Rate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One pool and feature: whose turn is decided, by which policy, and what counts on more than one key.

    `pool` is the pool's name, or for keys without one a name that no pool can have (with a `:`).
    `org_rates` are counted on each org of the provider, `pool_rates` on the pool for all features.
    `within` names a part of the pool, with members and an order of its own; what is counted is the pool's.
    """

    pool: str
    provider: str
    feature: str
    policy: str
    org_rates: tuple[Rate, ...] = ()
    pool_rates: tuple[Rate, ...] = ()
    within: str = ""

    @property
    def name(self) -> str:
        """What the engine keeps it under, with provider and feature; another pool or part has another one.

        The part comes first: it has no `@` and no `:`, while a pool's name with an `@` has a `:` before that.
        """
        return f"{self.within}@{self.pool}" if self.within else self.pool


# a claim and what it took are tuples, which are made in a third of the time, thousands of times a second
class Claim(NamedTuple):
    """One wish for a key of a turn.

    `caller` is whom `quota` counts, for each provider and feature ("" counts nobody).  `only` limits it to one address.
    `seed` and `session` are for the policies that need them.  `soonest_ready` takes the key that is ready first
    when none is free, without counting it on any rate; a quota or a pool's limit that is used up refuses all the same.
    `lease` is the id under which the uses are taken, of no other claim before.
    Each of the `bearers` has to be a token in the ledger that has not expired; one use is counted on each.
    `with_value` asks for the key's sealed value in the same go, which an engine may leave to be read later.
    """

    turn: Turn
    version: str
    lease: str
    caller: str = ""
    quota: tuple[Rate, ...] = ()
    only: str = ""
    seed: int = 0
    session: str = ""
    soonest_ready: bool = False
    bearers: tuple[Bearer, ...] = ()
    with_value: bool = False


class Taken(NamedTuple):
    """A key was taken: which, the least that is left of any rate (-1: it has none), and when it was ready.

    `remaining` is after this use, of the rates of all streams that were counted.  `ready_at` is `now`, or later for a
    claim that asked for the soonest ready.
    """

    address: str
    remaining: int = -1
    now: int = 0
    ready_at: int = 0
    value: SealedValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No key can be taken now: the steady moment when one can, or NEVER, by both clocks, and what stood in the way.

    `reason` is the first of REASONS that holds: there is no member (with `only`: it is none), a token is not in the
    ledger or has expired, what a token, the caller's quota or the pool's limit allows is used up, or no member is free.
    `members` is how many there are (with `only`: 1), expired included.  `retry_at` is the latest of the openings of
    token, quota and pool and of the moment at which the first member is free.
    """

    retry_at: int
    retry_wall: int
    now: int
    reason: str
    members: int = 0


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The turn's standings are not of this version: `enlist` first."""


# why a key rests until it has another value
OF_THE_VALUE = ("invalid", "missing")

REASONS = ("none", "token", "bearer", "quota", "pool", "members")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one member stands: `ready_at` is 0 if it can be taken now, `why` says what holds it back.

    `why` is "", "expired", the `why` of its cooldown, "rate", "own" or "org": what lasts longest, or of what lasts
    equally long the first in this order; an expired key is never ready.  `remaining` pairs each rate (`rates`, `own`,
    then `org_rates`) with what is left.  `resting_until` is the end of its cooldown, 0 for none; times by the steady
    clock, `now` included.  `uses` is how often this turn handed it out, given back or not; `last_used` when.
    """

    address: str
    now: int
    ready_at: int = 0
    why: str = ""
    resting_until: int = 0
    last_used: int = 0
    last_limited: int = 0
    uses: int = 0
    remaining: tuple[tuple[Rate, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A key, or with `org` (and no address) every key of it, is not to be used for a feature ("" for all) until then.

    `milliseconds` from now, or if that is 0 `until` by the wall clock in milliseconds, or NEVER (until a person says
    otherwise); of an old and a new cooldown for the same keys and feature the later counts, with its `why`.
    `limited` says that it was a 429, for the policies, also if its end lies in the past.
    """

    provider: str
    address: str = ""
    org: str = ""
    feature: str = ""
    milliseconds: int = 0
    until: int = 0
    limited: bool = True
    why: str = "resting"


class Claims(Protocol):
    """The verbs of counting; all raise the KeychainError that fits, and then nothing was taken."""

    def version(self) -> str:
        """What changes with every change of entries, pools and tiers."""
        ...

    def enlist(self, turn: Turn, members: Sequence[Member], *, version: str) -> None:
        """Makes the turn's members these, and keeps what is known of those that were there before."""
        ...

    def claim(self, claim: Claim) -> Taken | Refused | Unlisted: ...

    def peek(self, claim: Claim) -> Taken | Refused | Unlisted:
        """What `claim` would answer, changing nothing."""
        ...

    def standings(self, turn: Turn, *, most: int = 0) -> list[Standing]:
        """How each member stands, sorted by address.

        With `most` only the first so many of them, and an engine may leave their `remaining` empty.
        """
        ...

    def left(self, bearers: Sequence[Bearer]) -> list[list[int]]:
        """What each of these tokens' rates still allows, in their order; of what is not there nothing is used."""
        ...

    def rest(self, rest: Rest) -> None:
        """Begins or extends a cooldown."""
        ...

    def wake(self, address: str, feature: str = "") -> None:
        """Ends the cooldowns of a key and of its org: all, or those that were set for that feature alone."""
        ...

    def renewed(self, address: str) -> None:
        """The key has a new value: ends its own cooldowns that were the old one's fault (`OF_THE_VALUE`)."""
        ...

    def renamed(self, old: str, new: str) -> None:
        """The key has another address: its own cooldowns and what was counted of it (`own`, `rates`) move there.

        What is there already counts too, so that asking twice is as good as once.
        """
        ...

    def resting(self) -> dict[str, int]:
        """The addresses that rest for every feature, and until when by the wall clock (NEVER: until woken).

        An org's cooldown counts for the keys that some turn has as members of it.
        """
        ...

    def claim_all(self, claims: Sequence[Claim]) -> list[Taken | Refused | Unlisted]:
        """Each as `claim` does, one after the other, at the price of one transaction or one round trip."""
        ...

    def give_back(self, lease: str) -> None:
        """Takes back the uses that were taken under that id, if they are still counted."""
        ...
