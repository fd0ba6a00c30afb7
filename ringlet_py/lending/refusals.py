"""Why no key was lent, as errors that name what is missing and the next step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ringlet_py.entry import utc
from ringlet_py.errors import KeyNotFound, KeyUnusable, OutOfScope, PoolEmpty, PoolExhausted, QuotaUsedUp, TokenRefused
from ringlet_py.limits import NEVER
from ringlet_py.scope import OF_THE_KEY
from ringlet_py.suggest import did_you_mean
from ringlet_py.usable import usable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.catalog import Catalog
    from ringlet_py.entry import Address, Entry
    from ringlet_py.lease import Request
    from ringlet_py.ledger.claims import Refused, Standing
    from ringlet_py.lending.known import Known
    from ringlet_py.lending.turns import Step

SHOWN = 5  # keys that an error tells of
ANOTHER_TOKEN = "ringlet tokens create NAME --scope SCOPE"  # noqa: S105 - a command


def check_entry(entry: Entry | None, *, now: float) -> None:
    """Raises KeyUnusable for a key that is inactive or has expired; nothing is known of one without an entry."""
    problem = usable(entry, round(now * 1000)) if entry else None
    if problem:
        raise problem


def goes_on(answer: Refused) -> bool:
    """Whether the next step is asked: where there is no key, or none that any waiting could free."""
    return answer.reason == "none" or (answer.reason == "members" and answer.retry_at >= NEVER)


def exhausted(
    step: Step, request: Request, refused: Refused, standings: Sequence[Standing], *, now: float
) -> PoolExhausted:
    """The error for a step that has keys, and none that is free now; `now` is by our own wall clock."""
    # so many seconds from now: a server's wall clock may be another one than that of whoever waits
    ready = now + (refused.retry_at - refused.now) / 1000 if refused.retry_at < NEVER else math.inf
    when = f"the next is free at {utc(ready)}" if ready < math.inf else "none will be"
    if refused.reason == "token":
        raise TokenRefused("the token is unknown, revoked or expired")
    if refused.reason == "bearer":
        problem: PoolExhausted = QuotaUsedUp("the token has been used as often as it may be", why=when)
        if ready == math.inf:
            problem.why, problem.hint = "its uses are spent", ANOTHER_TOKEN
    elif refused.reason == "quota":
        caller, quota = step.quota(request)
        what = f"{caller} has used its share of {step.pool.provider} ({' and '.join(map(str, quota))})"
        problem = QuotaUsedUp(what, why=when)
    elif refused.reason == "pool":
        limits = " and ".join(map(str, step.pool.pool_limits))
        why = f"{when}; all of them together are limited to {limits}"
        problem = PoolExhausted(f"no key of {step.named} is free", why=why)
    else:
        why = f"{when}; {_passed_over(standings, refused.members, step.only)}"
        problem = PoolExhausted(f"no key of {step.named} is free", why=why)
    problem.retry_at = ready
    return problem


def no_key_in_scope(request: Request) -> OutOfScope:
    """The error for what the scopes do not admit, the same whether it is there or not: it repeats what was asked."""
    asked = request.address or (f"the pool {request.pool}" if request.pool else request.provider)
    whose = f"of {asked}" if asked else f"for the feature {request.feature}"
    is_for_pools = not request.pool and any(scope.names("pool") for scope in request.scopes)
    why = "the scope is for pools, and the request names none" if is_for_pools else ""
    return OutOfScope(f"the scope admits no key {whose}", why=why)


def check_scope(steps: Iterable[Step], request: Request, entries: Iterable[Entry], *, now: float) -> None:
    """Raises OutOfScope if the request's scopes say which keys, and the steps have none of these."""
    if not any(scope.names(*OF_THE_KEY) for scope in request.scopes):
        return
    everybody = list(entries)
    if not any(step.belonging(everybody, now=now) for step in steps):
        raise no_key_in_scope(request)


def unusable(address: Address, entry: Entry, standings: Sequence[Standing], *, now: float) -> Exception:
    """The error for a key that was asked for by its address, and that no waiting frees."""
    problem = usable(entry, round(now * 1000))
    if problem is not None:
        return problem
    hint = f"ringlet pools wake {address.provider} {address.alias}"
    return KeyUnusable(f"{address} is not to be used", why=_passed_over(standings, 1, str(address.key())), hint=hint)


def empty(
    step: Step, known: Known, standings: Sequence[Standing], members: int, *, catalog: Catalog, now: float
) -> PoolEmpty | KeyNotFound:
    """The error for a pool, or a provider, that has no key that could ever be lent; `step` is the last one asked.

    `standings` are those of the first of its `members`.
    """
    provider = step.pool.provider
    if provider not in known.providers and step.is_made_up:
        return _missing(provider, known.providers, catalog)
    why = _passed_over(standings, members) or _unfit(provider, known.entries.values(), now)
    hint = f"ringlet pools explain {step.pool.name}" if not step.is_made_up else _to_set(provider, catalog)
    return PoolEmpty(f"{step.named} has no key that could be used", why=why, hint=hint)


def for_caller(
    problem: PoolEmpty | KeyNotFound, standings: Sequence[Standing], members: int
) -> PoolEmpty | KeyNotFound:
    """The same error for a caller, who is told of the keys that were looked at, and of no others."""
    problem.why = _passed_over(standings, members)
    return problem


def _unfit(provider: str, entries: Iterable[Entry], now: float) -> str:
    there = [entry for entry in entries if entry.address.provider == provider]
    dead = sum(usable(entry, round(now * 1000)) is not None for entry in there)
    return f"of {len(there)} keys of {provider}, {dead} are expired or inactive, and none of the others fits"


def _missing(provider: str, there: Iterable[str], catalog: Catalog) -> KeyNotFound:
    described = catalog.providers.get(provider)
    why = "" if described else did_you_mean(provider, {*catalog.providers, *there})
    title = described.title if described else provider
    return KeyNotFound(f"there is no key of {title}", why=why, hint=_to_set(provider, catalog))


def _to_set(provider: str, catalog: Catalog) -> str:
    described = catalog.providers.get(provider)
    page = f" (make a key at {described.sign_up})" if described and described.sign_up else ""
    return f"ringlet keychain set {provider}{page}"


def _passed_over(standings: Sequence[Standing], members: int, only: str = "") -> str:
    """How the first of the members stand, and how many more there are."""
    those = [each for each in standings if only in ("", each.address)]
    told = [f"{each.address}: {each.why or 'free'}" for each in those[:SHOWN]]
    more = members - len(told) if told else 0
    return ", ".join(told) + (f", and {more} more" if more else "")
