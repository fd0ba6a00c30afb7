"""Which key next: each policy is a pure function from candidates to the order in which to try them.

An order is total and has simple keys, written down with each policy, so that a ledger engine can have the same
order from an index or a script.  Addresses are compared as text, byte by byte.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ringlet_py.errors import LimitInvalid, PolicyNotFound
from ringlet_py.limits import NEVER
from ringlet_py.suggest import did_you_mean

SOONEST_READY = "soonest-ready"
# the generator of Park and Miller (1988) with the multiplier of 1993: its products fit in a double
MODULUS = 2**31 - 1
MULTIPLIER = 48_271


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A key that might be handed out, as far as choosing needs to know it.

    `address` is `provider/alias`; `expires_at` is wall-clock milliseconds, None without a date; `last_limited` and
    `last_used` are steady milliseconds, 0 for never; `remaining` is what is left of its tightest rate, from 0 to 1;
    `key_set` says where it came from: source, login, batch.  A weight that is not above 0 is LimitInvalid.
    """

    address: str
    org: str = ""
    expires_at: int | None = None
    last_limited: int = 0
    last_used: int = 0
    remaining: float = 1.0
    weight: float = 1.0
    key_set: tuple[str, str, str] = ("", "", "")

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise LimitInvalid(f"the weight of {self.address} is not above 0", hint="weights are like 1, 2.5 or 10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What choosing depends on besides the keys.

    `cursor` is the address that this pool and feature handed out last, "" before the first; `seed` is for the policies
    that draw; `session` is whose turn it is, for sticky; `wall` is the wall clock in milliseconds.
    """

    cursor: str = ""
    seed: int = 0
    session: str = ""
    wall: int = 0


Policy = Callable[[Iterable[Candidate], Choice], list[Candidate]]


def usable(candidates: Iterable[Candidate], wall: int) -> list[Candidate]:
    """The candidates that have not expired, in address order; a key expires at its date, not after it."""
    found = [each for each in candidates if each.expires_at is None or each.expires_at > wall]
    return sorted(found, key=lambda each: each.address)


def first(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """Burn one, then the next.  Sort key: address."""
    return usable(candidates, choice.wall)


def round_robin(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """Take turns.  Sort key: (address <= cursor, address), false before true.

    The cursor is a place among all addresses, so keys that come, go or rest change nobody else's turn.
    """
    return sorted(usable(candidates, choice.wall), key=lambda each: (each.address <= choice.cursor, each.address))


def least_recently_limited(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """The one whose last 429 is longest ago.  Sort key: (last_limited, last_used, address)."""
    return sorted(usable(candidates, choice.wall), key=_rested)


def soonest_expiring(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """Use up what is lost soonest.  Sort key: (expires_at, usable keys in its key_set, address), undated last."""
    keys = usable(candidates, choice.wall)
    sizes = Counter(each.key_set for each in keys)

    def order(each: Candidate) -> tuple[int, int, str]:
        return NEVER if each.expires_at is None else each.expires_at, sizes[each.key_set], each.address

    return sorted(keys, key=order)


def most_remaining(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """The one with the largest part of its tightest rate left.  Sort key: (-remaining, last_used, address)."""
    return sorted(usable(candidates, choice.wall), key=lambda each: (-each.remaining, each.last_used, each.address))


def draws(seed: int) -> Iterator[int]:
    """Numbers from 1 to 2^31 - 2, the same for the same seed: x = x * 48271 mod (2^31 - 1).

    x starts as 1 + (the first 8 digits of the SHA-1 of the seed in decimal, as a hex number) mod (2^31 - 2); the hash
    parts seeds that follow each other.  For taking turns, never for secrets.
    """
    state = 1 + int(_sha1(str(seed))[:8], 16) % (MODULUS - 1)
    while True:
        state = state * MULTIPLIER % MODULUS
        yield state


def random(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """Any, all as likely: the shuffle of Fisher and Yates over the address order.

    Step i (from 0) swaps place i with place i + draw mod (n - i).  So the first k of n keys take k draws and k looks
    at a place, however large n is.
    """
    keys = usable(candidates, choice.wall)
    for place, draw in zip(range(len(keys) - 1), draws(choice.seed), strict=False):
        other = place + draw % (len(keys) - place)
        keys[place], keys[other] = keys[other], keys[place]
    return keys


def weighted(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """Any, each as likely as its weight says, and so again among the rest.  Sort key: (wait, address).

    Keys draw in address order; a key's wait is -log(draw / (2^31 - 1)) / weight, natural logarithm in doubles: the one
    with the shortest exponential wait is first as often as its part of the weights (Efraimidis and Spirakis, 2006).
    """
    keys = usable(candidates, choice.wall)
    waits = {
        each.address: -math.log(draw / MODULUS) / each.weight
        for each, draw in zip(keys, draws(choice.seed), strict=False)
    }
    return sorted(keys, key=lambda each: (waits[each.address], each.address))


def sticky(candidates: Iterable[Candidate], choice: Choice) -> list[Candidate]:
    """A session stays with an org.  Sort key: (org's score, highest first; last_limited, last_used, address).

    The score is the SHA-1 of session, line feed and org, as 40 hex digits; a key without an org is an org by itself,
    named by its address.  So an org that is lost moves only its own sessions.  Without a session nothing is held:
    the order is least-recently-limited.  SHA-1 guards nothing here; it is what a script in Redis can compute.
    """
    if not choice.session:
        return least_recently_limited(candidates, choice)
    keys = usable(candidates, choice.wall)
    scores = {org: int(_sha1(f"{choice.session}\n{org}"), 16) for org in set(map(_org, keys))}
    return sorted(keys, key=lambda each: (-scores[_org(each)], *_rested(each)))


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "first": first,
        "least-recently-limited": least_recently_limited,
        "most-remaining": most_remaining,
        "random": random,
        "round-robin": round_robin,
        "soonest-expiring": soonest_expiring,
        "sticky": sticky,
        "weighted": weighted,
    }
)


def policy_named(name: str) -> Policy:
    """The policy of that name; PolicyNotFound, with the nearest one, if there is none."""
    if name in POLICIES:
        return POLICIES[name]
    shown = f" {name!a}" if len(name) <= max(map(len, POLICIES)) else ""
    why = did_you_mean(name, POLICIES)
    if name == SOONEST_READY:
        why = "soonest-ready is what to do when no key is free, beside a policy"
    raise PolicyNotFound(f"there is no policy{shown}", why=why)


def soonest_ready(waiting: Sequence[tuple[int, Candidate]], wall: int) -> Candidate | None:
    """When none is free, the least bad one: that which may be used first.  Sort key: (ready at, address).

    `waiting` has each key with the steady moment at which all its limits and cooldowns allow a use.  None if no key
    is left that has not expired and will be ready some time.
    """
    keys = {each.address for each in usable((each for _, each in waiting), wall)}
    some_time = [(ready, each) for ready, each in waiting if ready < NEVER and each.address in keys]
    return min(some_time, key=lambda pair: (pair[0], pair[1].address), default=(0, None))[1]


def _rested(each: Candidate) -> tuple[int, int, str]:
    return each.last_limited, each.last_used, each.address


def _org(each: Candidate) -> str:
    return each.org or each.address


def _sha1(text: str) -> str:
    import hashlib  # slow to import, and one policy alone needs it

    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
