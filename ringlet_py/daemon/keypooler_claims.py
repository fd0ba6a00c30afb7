"""`GET /key`: a key for a feature as keypooler's clients ask for it, or for a provider, a user, a channel or a pool."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any

from ringlet_py.daemon.access import claimed
from ringlet_py.daemon.answers import CALLER, answer, as_json, told
from ringlet_py.daemon.keypooler_notes import KEY
from ringlet_py.daemon.keypooler_shapes import id_of
from ringlet_py.daemon.users import address_of, checked_id
from ringlet_py.entry import Address, check_name
from ringlet_py.errors import (
    KeychainBroken,
    KeyNotFound,
    OutOfScope,
    PoolEmpty,
    PoolExhausted,
    RingletError,
    UsageError,
)
from ringlet_py.lending.turns import ENVIRONMENT
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from ringlet_py.app import App
    from ringlet_py.daemon.calls import Call
    from ringlet_py.daemon.lender import Lender
    from ringlet_py.daemon.parts import Daemon
    from ringlet_py.lease import Lease, Request
    from ringlet_py.lending.known import Known
    from ringlet_py.secret import Secret
    from ringlet_py.tokens import Caller

    Params = Iterable[tuple[str, str]]
    Wishes = dict[str, str]

ASKED = ("feature", "provider", "pool", "alias", "user", "channel")
_ENOUGH = ("feature", "provider", "pool")  # one of which has to be said


async def claim_key(request: HttpRequest) -> Response:
    """A key with its bound secrets; 429 if none is free, 403 if none is in the caller's scope.

    Its `lease` tells one claim from another, and no route knows it: a lease that can be released is claimed with
    POST /leases.
    """
    daemon: Daemon = request.app.state.daemon
    app, params = daemon.app, request.query_params.multi_items()  # the same to the end, whatever is reloaded
    try:
        call, lease = await claimed(request, lambda caller: asked(caller, wishes_of(params)))
    except (KeyNotFound, PoolEmpty, UsageError) as problem:
        return await _without(request, app, params, problem)
    try:
        found = shown_at_once(daemon, call, lease) or await _shown_whole(daemon, call, lease)
    except RingletError:  # nobody has the key
        await daemon.tend(call.app.broker.release, lease)
        raise
    note_lent(daemon, call, lease)
    return as_json(found)


def shown_at_once(daemon: Daemon, call: Call, lease: Lease) -> bytes | None:
    """The answer, if nothing has to be asked for it: no secret goes along, and the notes have been read."""
    address = str(lease.address)
    if lease.backend == ENVIRONMENT:  # whose address may be a stored key's too
        return _shown(lease, address, {}, {})
    known = call.app.lending.known()
    entry, notes = known.entries.get(address), daemon.notes.at(known.version)
    if notes is None or (entry is not None and entry.secrets):
        return None
    return _shown(lease, address, {}, notes)


async def _shown_whole(daemon: Daemon, call: Call, lease: Lease) -> bytes:
    known, address = call.app.lending.known(), str(lease.address)
    entry = known.entries.get(address)
    secrets = await _bound(call, lease, entry.secrets if entry else ())
    return _shown(lease, address, secrets, await daemon.notes.read(daemon, call.app, known.version))


def note_lent(daemon: Daemon, call: Call, lease: Lease) -> None:
    """The caller may say how that key fared."""
    if call.caller is not None:
        daemon.lent.note(call.caller, lease)


async def _without(request: HttpRequest, app: App, params: Params, problem: RingletError) -> Response:
    """That there is no key, and where one is to be had; raises what there is no more to say of."""
    daemon: Daemon = request.app.state.daemon
    caller: Caller | None = request.scope.get(CALLER)
    if caller is None:
        raise problem
    wishes = wishes_of(params)
    if "provider" not in wishes and "pool" not in wishes:
        raise await daemon.look(_no_key, app, caller, wishes["feature"], problem) from None
    if isinstance(problem, UsageError) or "provider" not in wishes:
        raise problem
    found = await daemon.look(_where_to_get, app, wishes)
    return answer({**told(request, problem), **found}, status=problem.http_status)


def wishes_of(params: Params) -> Wishes:
    """What the query says; UsageError for what is not known here, is said twice, or contradicts itself."""
    found: Wishes = {}
    for name, text in params:
        if name not in ASKED:
            raise UsageError(f"{name[:40]!a} is not known here", why=did_you_mean(name[:40], ASKED) or _known())
        if name in found:
            raise UsageError(f"{name} is said twice")
        found[name] = checked_id(name, text) if name in ("user", "channel") else text
    said = {name: text for name, text in found.items() if text}
    if "feature" in said:
        check_name("feature", said["feature"])
    if not any(name in said for name in _ENOUGH):
        raise UsageError("feature query param required", why=_known())
    if "alias" in said and ("provider" not in said or "pool" in said):
        raise UsageError("an alias goes with a provider, and not with a pool")
    return said


def asked(caller: Caller, wishes: Wishes) -> Request:
    """The request; a quota counts the user on whose behalf it is, and the audit says whose token it was."""
    named: dict[str, Any] = dict(wishes)
    if "user" in named and not caller.is_admin:
        named |= {"caller": f"user:{named['user']}", "purpose": f"token:{caller.name}"}
    if "alias" not in named:
        return caller.request(**named)
    return caller.request(Address(named.pop("provider"), named.pop("alias")), **named)


async def _bound(call: Call, lease: Lease, names: Iterable[str]) -> dict[str, Secret]:
    """The secrets that travel with the key, each claimed; if one cannot be opened, the key is not handed over."""
    assert call.caller is not None  # noqa: S101 - who has a lease is known
    admitted = replace(call.caller, scopes=())  # as far as the key itself was, which may have been for its pool
    return {name: await _secret(call.lender, admitted, lease.address, name) for name in names}


async def _secret(lender: Lender, admitted: Caller, key: Address, name: str) -> Secret:
    address = Address(key.provider, key.alias, name)
    try:
        return (await lender.claim(admitted.request(address, purpose=f"bound to {key}"))).secret
    except KeyNotFound:
        why = "its entry names it, and it is not in the keychain"
        raise KeychainBroken(f"{address} cannot be opened", why=why, hint=address.to_set()) from None


def _shown(lease: Lease, address: str, secrets: dict[str, Secret], notes: dict[str, dict[str, Any]]) -> bytes:
    """The answer as JSON, written out: an encoder would take a fifth of the time of a claim."""
    metadata = json.dumps(notes[address].get("metadata") or {}) if address in notes else "{}"
    bound = json.dumps({name: secret.reveal() for name, secret in secrets.items()}) if secrets else "{}"
    return (
        f'{{"key_id":"{id_of(KEY, address)}","value":{quoted(lease.secret.reveal())},'
        f'"metadata":{metadata},"secrets":{bound},'
        f'"lease":{quoted(lease.id)},"address":{quoted(address)},"reason":{quoted(lease.reason)},'
        f'"base_url":{quoted(lease.base_url)},"expires_at":{quoted(lease.expires_at) if lease.expires_at else "null"},'
        f'"remaining":{lease.remaining if lease.remaining >= 0 else "null"}}}'
    ).encode("ascii")


def _no_key(app: App, caller: Caller, feature: str, problem: RingletError) -> RingletError:
    """Why no key serves the feature: none is in scope, else it is as if all were used up."""
    if caller.scopes and not _is_in_scope(app.lending.known(), caller, feature):
        return OutOfScope("no key in scope serves the feature")
    return PoolExhausted("no key available for feature", why=str(problem), hint=problem.hint)


def _is_in_scope(known: Known, caller: Caller, feature: str) -> bool:
    """Whether there is a key for the feature, in whatever state, that all of the caller's scopes admit."""
    naming = {name for name, tier in known.tiers.items() if tier.rates_for(feature)}
    those = (entry for entry in known.entries.values() if entry.tier in naming)  # one by one, for the first will do
    facts = ({"tier": each.tier, "alias": each.address.alias, "provider": each.address.provider} for each in those)
    return any(not any(scope.forbids(each) for scope in caller.scopes) for each in facts)


def _where_to_get(app: App, wishes: Wishes) -> dict[str, str]:
    """Where a key of the provider is to be had, and how it is stored."""
    provider = wishes["provider"]
    described = app.catalog.providers.get(provider)
    return {
        "provider": provider,
        "display_name": described.title if described else provider,
        "sign_up": described.sign_up if described else "",
        "command": _command(provider, wishes),
    }


def _command(provider: str, wishes: Wishes) -> str:
    """How the key is stored: the user's own if it is for one."""
    if "alias" in wishes:
        return Address(provider, wishes["alias"]).to_set()
    if "user" not in wishes:
        return f"ringlet keychain set {provider}"
    owner = shlex.quote(f"user:{wishes['user']}")
    return f"{address_of(wishes['user'], provider).to_set()} --owner {owner}"


def _known() -> str:
    return f"known are {', '.join(ASKED)}"
