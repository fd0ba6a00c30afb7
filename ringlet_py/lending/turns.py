"""From a request to the turns in which a key is looked for: the user's own keys, the channel's, everyone's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ringlet_py.entry import Address, check_name
from ringlet_py.errors import PoolNotFound, UsageError
from ringlet_py.fields import EVERYONE, Filter
from ringlet_py.ledger.claims import Claim, Member, Turn
from ringlet_py.limits import NEVER, Rate, tier_named
from ringlet_py.pools.values import Pool
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ringlet_py.entry import Entry
    from ringlet_py.lease import Request
    from ringlet_py.limits import Tier

OWN = "own"
CHANNEL = "channel"
SHARED = "everyone"
ENVIRONMENT = "environment"
STEPS = (OWN, CHANNEL, SHARED, ENVIRONMENT)
NAME_ONE = "ringlet pools claim PROVIDER -- COMMAND"


@dataclass(frozen=True)
class Step:
    """One place to look for a key: its kind, and the pool, made up for the occasion where nobody has made one.

    `only` limits it to one address; `admits` to some of the pool's keys, which `part` names.
    It is kept for many claims, and what they need of it is found out once.
    """

    kind: str
    pool: Pool
    only: str = ""
    part: str = ""
    admits: Callable[[Entry], bool] | None = field(default=None, compare=False)

    @cached_property
    def is_made_up(self) -> bool:
        """Whether nobody has made this pool."""
        return ":" in self.pool.name

    @cached_property
    def whose(self) -> tuple[str, str]:
        """The provider and the owner of its keys."""
        return self.pool.provider, self.pool.owner

    @cached_property
    def named(self) -> str:
        """The pool, for people."""
        provider, owner = self.whose
        if self.only:
            return self.only
        if not self.is_made_up:
            return f"the pool {self.pool.name}"
        return provider if owner == EVERYONE else f"{provider} (owner {owner})"

    @cached_property
    def reason(self) -> str:
        """Why a key of it is lent, if one was free."""
        return f"{self.kind}, {self.named}: {self.pool.policy}"

    @cached_property
    def _turns(self) -> dict[str, Turn]:
        return {}

    def turn(self, feature: str) -> Turn:
        """The turn of that feature."""
        if feature not in self._turns:
            self._turns[feature] = self._new_turn(feature)
        return self._turns[feature]

    def _new_turn(self, feature: str) -> Turn:
        pool = self.pool
        return Turn(
            pool=pool.name,
            provider=pool.provider,
            feature=feature,
            policy=pool.policy,
            org_rates=pool.org_limits,
            pool_rates=pool.pool_limits,
            within=self.part,
        )

    def belonging(self, entries: Iterable[Entry], *, now: float) -> list[Entry]:
        """The keys of this place, inactive and expired ones too; `now` is in seconds since 1970."""
        if self.only:
            return [entry for entry in entries if str(entry.address) == self.only]
        found = self.pool.members(entries, now=now)
        return found if self.admits is None else list(filter(self.admits, found))

    def quota(self, request: Request) -> tuple[str, tuple[Rate, ...]]:
        """Whom a quota counts, and how much he may use; nobody for an own key, or a caller who bypasses it."""
        caller = request.caller or (f"user:{request.user}" if request.user else "")
        if self.kind == OWN or not caller or caller in self.pool.bypass:
            return "", ()
        return caller, self.pool.quota


def is_callers(request: Request) -> bool:
    """Whether a caller asks, who is told nothing of what it may not see: of pools, keys and owners."""
    return bool(request.scopes or request.bearers)


def steps(
    request: Request, pools: Mapping[str, Pool], *, allowed: Iterable[str] = STEPS, provider: str = ""
) -> list[Step]:
    """Where to look, in this order; PoolNotFound, or UsageError for a pool of another provider or person.

    `provider` is for a request that names none.
    """
    if request.feature:
        check_name("feature", request.feature)
    if request.address is not None:
        return [Step(SHARED, _lone(request.address), only=str(request.address.key()))]
    provider = provider or _provider(request, pools)
    found = []
    if request.user:
        found.append(Step(OWN, _of_owner(f"user:{request.user}", provider, pools)))
    if request.channel:
        found.append(Step(CHANNEL, _of_owner(f"channel:{request.channel}", provider, pools)))
    if request.pool:
        found.append(_asked_for(request, pools[request.pool]))
    else:
        found.append(Step(SHARED, _of_owner(EVERYONE, provider, pools)))
        found.append(Step(ENVIRONMENT, Pool(name=f"{provider}:{ENVIRONMENT}", provider=provider)))
    several = {step.pool.name: step for step in reversed(found)}  # a pool that is named may be the user's own
    return [step for step in found if step.kind in set(allowed) and several[step.pool.name] is step]


def _asked_for(request: Request, pool: Pool) -> Step:
    """The pool that the request names; another person's is not lent to whoever says who he is."""
    _check_whose(request, pool.owner, f"the pool {pool.name}", hint="ringlet pools list")
    own = {f"user:{request.user}": OWN, f"channel:{request.channel}": CHANNEL}
    return Step(own.get(pool.owner, SHARED), pool)


def check_asked_for(request: Request, entries: Mapping[str, Entry]) -> None:
    """The key that the request names may be lent to whom it names; UsageError if it is another person's."""
    entry = request.address and entries.get(str(request.address.key()))
    if entry:
        _check_whose(request, entry.owner, f"the key {entry.address}", hint="ringlet keychain list")


def _check_whose(request: Request, owner: str, what: str, *, hint: str) -> None:
    if is_anothers(request, owner):
        whom = f"user:{request.user}" if request.user else f"channel:{request.channel}" if request.channel else EVERYONE
        whose = "" if is_callers(request) else f"{owner}'s, "
        raise UsageError(f"{what} is {whose}not {whom}'s", hint=hint)


def is_anothers(request: Request, owner: str) -> bool:
    """Whether what is that owner's is none of those on whose behalf the request is; a caller has to say whose it is."""
    whom = [f"{kind}:{name}" for kind, name in (("user", request.user), ("channel", request.channel)) if name]
    return bool(whom or is_callers(request)) and owner not in (EVERYONE, *whom)


def _provider(request: Request, pools: Mapping[str, Pool]) -> str:
    if not request.pool:
        if not request.provider:
            raise UsageError("no provider and no pool was named", hint=NAME_ONE)
        return Address(request.provider).provider
    if request.pool not in pools:
        if is_callers(request):
            raise PoolNotFound(f"there is no pool {request.pool!a} for this request")
        why = did_you_mean(request.pool, pools)
        hint = f"ringlet pools create {request.pool} --provider {request.provider or 'PROVIDER'}"
        raise PoolNotFound(f"there is no pool {request.pool!a}", why=why, hint=hint)
    found = pools[request.pool].provider
    if request.provider not in ("", found):
        raise UsageError(f"the pool {request.pool} holds keys of {found}, not of {request.provider}")
    return found


def _of_owner(owner: str, provider: str, pools: Mapping[str, Pool]) -> Pool:
    """The owner's pool for the provider: one named like the provider before others, by name; else all of its keys."""
    fitting = [pool for pool in pools.values() if (pool.provider, pool.owner) == (provider, owner)]
    if owner == EVERYONE:
        fitting = [pool for pool in fitting if pool.name == provider]
    name = f"{provider}:{owner}"
    made_up = Pool(name=name, provider=provider, where=(Filter("owner", owner),))
    return min(fitting, key=lambda pool: (pool.name != provider, pool.name), default=made_up)


def _lone(address: Address) -> Pool:
    """An alias is a pool of one."""
    where = (Filter("alias", address.alias),)
    return Pool(name=f"key:{address.key()}", provider=address.provider, policy="first", where=where)


def claim_of(
    step: Step, request: Request, version: str, *, seed: int, lease: str = "", with_value: bool = False
) -> Claim:
    """What the ledger is asked for; without a lease's id it is a question that takes nothing."""
    caller, quota = step.quota(request)
    return Claim(
        turn=step.turn(request.feature),
        version=version,
        lease=lease,
        caller=caller,
        quota=quota,
        only=step.only,
        seed=seed,
        session=request.session,
        # which counts nothing: a token's uses have to be
        soonest_ready=request.soonest_ready and bool(lease) and not request.bearers,
        bearers=request.bearers,
        with_value=with_value,
    )


def members(
    step: Step, feature: str, entries: Iterable[Entry], tiers: Mapping[str, Tier], *, now: float
) -> list[Member]:
    """The turn's members: active keys, expired ones too; `now` is in seconds since 1970.  Raises TierNotFound."""
    if step.kind == ENVIRONMENT:  # no key has such a name
        return [Member(address=f"{step.pool.provider}/:{ENVIRONMENT}")]
    found = step.belonging(entries, now=now)
    return [_member(entry, step.pool, feature, tiers) for entry in found if entry.active]


def _member(entry: Entry, pool: Pool, feature: str, tiers: Mapping[str, Tier]) -> Member:
    tier = tier_named(entry.tier, tiers).rates_for(feature) if entry.tier else ()
    return Member(
        address=str(entry.address),
        org=entry.org,
        expires_at=milliseconds(entry.expires_at) if entry.expires_at else NEVER,
        weight=entry.weight,
        key_set=(entry.source, entry.login, entry.batch),
        rates=tuple(dict.fromkeys((*pool.limits, *tier))),
        own=(Rate.parse(entry.max_uses),) if entry.max_uses else (),
    )


def milliseconds(moment: str) -> int:
    """A moment as entries have it (ISO 8601 with its zone), in milliseconds since 1970."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
