"""What a caller's scopes leave of the places where a key is looked for, and of the keys that are there."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringlet_py.errors import OutOfScope, PoolNotFound, UsageError
from ringlet_py.lending.refusals import no_key_in_scope
from ringlet_py.lending.turns import ENVIRONMENT, STEPS, is_anothers, is_callers, steps
from ringlet_py.scope import OF_THE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ringlet_py.catalog import Catalog
    from ringlet_py.entry import Entry
    from ringlet_py.lease import Request
    from ringlet_py.lending.known import Known
    from ringlet_py.lending.turns import Step
    from ringlet_py.pools import Pool
    from ringlet_py.scope import Scope

_DIGITS = 16  # of a digest


def steps_of(request: Request, known: Known, catalog: Catalog, *, allowed: Iterable[str] = STEPS) -> list[Step]:
    """Where to look for a key, in this order, and for which keys of them.

    Without a provider the feature decides: keys of every provider, if their tier names it.  Raises OutOfScope if the
    request's scopes leave nothing, and what `turns.steps` raises.
    """
    _check_said(request)
    try:
        if request.provider or request.pool or request.address is not None or not request.feature:
            found = steps(request, _pools_for(request, known.pools), allowed=allowed)
        else:
            found = _by_feature(request, known, allowed)
    except (PoolNotFound, UsageError):
        _check_absent(request)
        raise
    return _within(found, request, known.entries, catalog) if request.scopes else found


def _check_said(request: Request) -> None:
    """Raises OutOfScope for what the request itself says, before anything is looked up."""
    facts = {"feature": request.feature, "agent": request.agent, "user": request.user, "channel": request.channel}
    if provider := request.address.provider if request.address else request.provider:
        facts["provider"] = provider
    if request.address:
        facts |= {"alias": request.address.alias, "pool": ""}
    if request.pool:
        facts["pool"] = request.pool
    if name := _forbidden(request.scopes, facts):
        what = f"the scope does not admit what was asked for: its {name}"
        raise OutOfScope(what, why="a scope admits only what each of its parts fits")


def _check_absent(request: Request) -> None:
    """Raises OutOfScope if the scopes say something of what is not there, as they would of what is outside of them."""
    facts = {"provider": request.provider, "pool": request.pool, **dict.fromkeys(OF_THE_KEY, "")}
    if (request.pool or request.feature) and _forbidden(request.scopes, facts):
        raise no_key_in_scope(request) from None


def _pools_for(request: Request, pools: Mapping[str, Pool]) -> Mapping[str, Pool]:
    """The pools, for a caller without the one that it asked for if that is none for this request."""
    pool = pools.get(request.pool)
    if pool is None or not is_callers(request):
        return pools
    fits = request.provider in ("", pool.provider) and not is_anothers(request, pool.owner)
    if fits and not _forbidden(request.scopes, {"provider": pool.provider}):
        return pools
    return {name: each for name, each in pools.items() if name != pool.name}


def _by_feature(request: Request, known: Known, allowed: Iterable[str]) -> list[Step]:
    naming = frozenset(name for name, tier in known.tiers.items() if tier.rates_for(request.feature))
    those = known.entries.values() if naming else ()
    providers = sorted({entry.address.provider for entry in those if entry.tier in naming})
    kept = [kind for kind in allowed if kind != ENVIRONMENT]
    if not providers:
        hint = "ringlet tiers list"
        raise UsageError(f"no key's tier names the feature {request.feature!a}", why="no provider was named", hint=hint)
    found: list[Step] = []
    for provider in providers:
        found += steps(request, known.pools, allowed=kept, provider=provider)
    return [replace(step, part="feature", admits=lambda entry: entry.tier in naming) for step in found]


def _within(found: list[Step], request: Request, entries: Mapping[str, Entry], catalog: Catalog) -> list[Step]:
    kept = [
        _narrowed(step, request.scopes, catalog)
        for step in found
        if not _forbidden(request.scopes, _facts(step, request, entries.get(step.only), catalog))
    ]
    if found and not kept:
        raise no_key_in_scope(request)
    return kept


def _facts(step: Step, request: Request, entry: Entry | None, catalog: Catalog) -> dict[str, str]:
    facts = {
        "provider": step.pool.provider,
        "pool": "" if step.is_made_up else step.pool.name,
        "feature": request.feature,
        "agent": request.agent,
    }
    if request.address is not None:
        facts |= {"alias": request.address.alias, "tier": entry.tier if entry else ""}
        facts["host"] = _host(entry.base_url, step.pool.provider, catalog) if entry else ""
    if step.kind == ENVIRONMENT:
        facts |= {"alias": ENVIRONMENT, "tier": "", "host": _host("", step.pool.provider, catalog)}
    return facts


def _narrowed(step: Step, scopes: tuple[Scope, ...], catalog: Catalog) -> Step:
    """The step with those of its keys that the scopes admit, which have turns of their own."""
    those = [scope for scope in scopes if scope.names(*OF_THE_KEY)]
    if not those or step.only or step.kind == ENVIRONMENT:
        return step
    part = hashlib.sha256("\n".join([step.part, *map(str, those)]).encode()).hexdigest()[:_DIGITS]
    return replace(step, part=part, admits=_both(step.admits, _admitting(those, catalog)))


def _admitting(scopes: list[Scope], catalog: Catalog) -> Callable[[Entry], bool]:
    def admits(entry: Entry) -> bool:
        host = _host(entry.base_url, entry.address.provider, catalog)
        return not _forbidden(scopes, {"alias": entry.address.alias, "tier": entry.tier, "host": host})

    return admits


def _both(one: Callable[[Entry], bool] | None, other: Callable[[Entry], bool]) -> Callable[[Entry], bool]:
    return other if one is None else lambda entry: one(entry) and other(entry)


def _forbidden(scopes: Iterable[Scope], facts: Mapping[str, str]) -> str:
    return next(filter(None, (scope.forbids(facts) for scope in scopes)), "")


def _host(base_url: str, provider: str, catalog: Catalog) -> str:
    """The host that the key is for: of its own address, else of its provider's first one."""
    described = catalog.providers.get(provider)
    if not base_url and described is not None:
        base_url = next((url for endpoint in described.endpoints.values() for url in endpoint.values()), "")
    return urlsplit(base_url).hostname or ""
