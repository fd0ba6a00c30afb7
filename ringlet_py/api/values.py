"""What programs say, turned into what ringlet works with: requests, ends of cooldowns, fields, folders."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from ringlet_py.entry import DEFAULT_ALIAS, FIELDS, Address
from ringlet_py.errors import InvalidField, UsageError
from ringlet_py.fields import WRITTEN
from ringlet_py.lease import Request
from ringlet_py.lending.reports import Outcome, from_header
from ringlet_py.secret import Secret
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDERS = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
# what ringlet itself finds out or writes
_OWN = ("created_at", "replaced_at", "secrets", "fingerprint")


class Wishes(TypedDict, total=False):
    """What may be said of a claim beside the provider.

    `alias` asks for that key, `pool` for one of that pool's, `feature` says what for.  `user` and `channel` are on
    whose behalf, `caller` is whom quotas count (else the user); the same `session` gets the same key where the policy
    is sticky.  `purpose` is written into the audit.  `wait` is for how many seconds to wait for a key that is free,
    `soonest_ready` takes one that is not, if none is.
    """

    alias: str
    pool: str
    feature: str
    user: str
    channel: str
    caller: str
    session: str
    purpose: str
    wait: float
    soonest_ready: bool


class Fields(TypedDict, total=False):
    """What may be said of a key, as people write it: `expires="30d"`, `max_uses="1000/30d"`, `owner="user:7"`."""

    label: str
    org: str
    owner: str
    tier: str
    source: str
    login: str
    batch: str
    expires: str
    active: bool | str
    max_uses: str
    base_url: str
    weight: float | str


def request(provider: str, wishes: Mapping[str, Any]) -> Request:
    """The request; UsageError for what contradicts itself or is not known."""
    known = Wishes.__annotations__
    if not wishes.keys() <= known.keys():
        unknown = min(wishes.keys() - known.keys())
        raise UsageError(f"a claim has no {unknown!a}", why=did_you_mean(unknown, known))
    if "alias" not in wishes:
        return Request(provider=provider, **wishes)
    said = dict(wishes)
    alias = said.pop("alias")
    if not alias:
        return Request(provider=provider, **said)
    if said.get("pool"):
        raise UsageError("either a key or a pool is claimed, not both", hint="leave alias or pool out")
    return Request(Address(provider, alias), limited=True, provider=provider, **said)


def outcome(
    kind: str, retry_after: float | str | None, until: datetime | None, *, whole_org: bool | None = None
) -> Outcome:
    """What is reported; `retry_after` may be a header Retry-After as it came.  UsageError."""
    moment = None if until is None else seconds(until)
    if isinstance(retry_after, str):
        retry_after, dated = from_header(retry_after)
        moment = dated if moment is None else moment
    return Outcome(kind=kind, retry_after=retry_after, until=moment, whole_org=whole_org)


def seconds(until: datetime) -> float:
    """A moment in seconds since 1970; UsageError for one without its zone."""
    if until.tzinfo is None or until.utcoffset() is None:
        raise UsageError("a moment needs its zone", hint="for example datetime.now(UTC) + timedelta(minutes=5)")
    return until.timestamp()


def moment(at: str | float) -> datetime | None:
    """A moment as entries write it, or in seconds since 1970; None for none."""
    if not at:
        return None
    return datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)


def fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by the entry's names; InvalidField for one that there is not."""
    names = {WRITTEN.get(name, name): name for name in FIELDS if name not in _OWN}
    for name in given:
        if name not in names:
            raise InvalidField(f"keys have no field {name!a}", why=did_you_mean(name, names), hint="see keychain edit")
    return {names[name]: value for name, value in given.items()}


def secret(value: str | bytes | Secret) -> Secret:
    """The value, wrapped; InvalidSecret, without repeating it."""
    if isinstance(value, Secret):
        return value
    return Secret.from_input(value.encode() if isinstance(value, str) else value)


def address(provider: str, alias: str = DEFAULT_ALIAS) -> Address:
    """The key's address; InvalidName."""
    return Address(provider, alias)


def around(environ: Mapping[str, str], home: str) -> Mapping[str, str]:
    """The environment, or the same with that folder as the home folder and all of ringlet's in it."""
    if not home:
        return environ
    home = os.path.abspath(home)
    local = {
        "LOCALAPPDATA": os.path.join(home, "AppData", "Local"),
        "APPDATA": os.path.join(home, "AppData", "Roaming"),
    }
    kept = {name: value for name, value in environ.items() if name not in _FOLDERS}
    return {**kept, **local, "HOME": home, "USERPROFILE": home}
