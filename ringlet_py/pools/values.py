"""`Pool`: the keys of one provider that are used for one purpose, whose turn it is, and how much may be used."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from ringlet_py.entry import check_name
from ringlet_py.errors import LimitInvalid, RingletError, StoreCorrupt, UsageError
from ringlet_py.fields import EVERYONE, Filter, chosen, parse_filter
from ringlet_py.limits import Rate
from ringlet_py.pool import policy_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ringlet_py.entry import Entry

DEFAULT_POLICY = "round-robin"
_RATES = ("limits", "pool_limits", "org_limits", "quota")
_LISTS = (*_RATES, "where", "bypass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Keys of one provider, those that `where` fits; all of them without a condition.

    `limits` are counted on each key and feature, `pool_limits` on all keys together, `org_limits` on each of the
    provider's organisations, `quota` on each caller and feature when the key is not its own; `bypass` names callers
    whom no quota counts.  A pool that says nothing of the owner holds everyone's keys alone.
    """

    name: str
    provider: str
    policy: str = DEFAULT_POLICY
    limits: tuple[Rate, ...] = ()
    pool_limits: tuple[Rate, ...] = ()
    org_limits: tuple[Rate, ...] = ()
    quota: tuple[Rate, ...] = ()
    where: tuple[Filter, ...] = ()
    bypass: tuple[str, ...] = field(default=())

    @property
    def owner(self) -> str:
        """Whose keys these are."""
        return next((one.text for one in self.where if one.field == "owner"), EVERYONE)

    def members(self, entries: Iterable[Entry], *, now: float) -> list[Entry]:
        """The entries that belong to it, usable or not; `now` is in seconds since 1970."""
        conditions = (Filter("provider", self.provider), Filter("owner", self.owner), *self.where)
        return chosen(entries, conditions, now=now)

    def table(self) -> dict[str, Any]:
        """The pool as plain data, without what it leaves at its default."""
        found = {each.name.replace("_", "-"): _plain(getattr(self, each.name)) for each in fields(self)}
        return {name: value for name, value in found.items() if value and name != "name"}


def make_pool(name: str, given: Mapping[str, Any]) -> Pool:
    """A new pool from what a person says; raises InvalidName, LimitInvalid, PolicyNotFound, UsageError."""
    pool = Pool(name=check_name("pool", name), provider=check_name("provider", given["provider"]))
    return changed(pool, given)


def changed(pool: Pool, given: Mapping[str, Any]) -> Pool:
    """The pool with other values for what is given (None changes nothing, an empty list takes all away)."""
    said = {name: value for name, value in given.items() if value is not None}
    if "policy" in said:
        policy_named(said["policy"])
    for name in _RATES:
        if name in said:
            said[name] = tuple(dict.fromkeys(map(Rate.parse, said[name])))
    if "where" in said:
        said["where"] = _conditions(said["where"])
    if "bypass" in said:
        said["bypass"] = tuple(said["bypass"])
    return replace(pool, **said)


def read_pool(name: str, table: Mapping[str, Any]) -> Pool:
    """The pool in a ledger's document; StoreCorrupt for one that cannot be."""
    known = {each.name for each in fields(Pool)} - {"name"}
    given = {key.replace("-", "_"): value for key, value in table.items()}
    try:
        if unknown := given.keys() - known:
            raise LimitInvalid(f"it says {min(unknown)!r}, which this ringlet does not know")
        return make_pool(name, _listed(given))
    except (RingletError, KeyError, TypeError, AttributeError) as problem:
        why = str(problem) if isinstance(problem, RingletError) else "it is not written as pools are"
    raise StoreCorrupt(f"the pool {name} in the ledger cannot be read", why=why, hint=f"ringlet pools delete {name}")


def _listed(given: dict[str, Any]) -> dict[str, Any]:
    """The same; TypeError for a text in a list's place, whose letters would be taken one by one."""
    for key in _LISTS:
        if isinstance(given.get(key), str):
            raise TypeError
    return given


def _conditions(texts: Iterable[str]) -> tuple[Filter, ...]:
    found = tuple(dict.fromkeys(map(parse_filter, texts)))
    for one in found:
        if one.field in ("provider", "active", "expired"):
            raise UsageError(
                f"a pool is not chosen by {one.field}",
                why="the provider is the pool's own, and keys that cannot be used are passed over anyway",
            )
    if len([one for one in found if one.field == "owner"]) > 1:
        raise UsageError("a pool has one owner", hint="make a pool for each owner")
    return found


def _plain(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return [f"{each.field}={each.text}" if isinstance(each, Filter) else str(each) for each in value]
