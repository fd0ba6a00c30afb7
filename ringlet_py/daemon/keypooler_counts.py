"""What is used of each key's limits, as the ledger counts it; nothing is taken by looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ringlet_py.daemon.keypooler_shapes import FOR_EVER, moment, seconds_of
from ringlet_py.entry import utc
from ringlet_py.ledger.claims import Claim, Member, Turn, Unlisted
from ringlet_py.limits import EVERY_OTHER, NEVER, Rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringlet_py.app import App
    from ringlet_py.entry import Address, Entry
    from ringlet_py.ledger.claims import Claims
    from ringlet_py.limits import Tier

    # for each address the limit, and what is left of it
    Left = Mapping[str, tuple[Rate, int]]

_POOL = "keypooler:"  # no pool has this name, and no claim takes a key of it
_ANY = ""  # the feature of what is counted for all features


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How the keys stood at one moment: `left` by feature, and `resting` as the ledger tells it."""

    tiers: Mapping[str, Tier]
    left: Mapping[str, Left]
    resting: Mapping[str, int]

    @classmethod
    def of(cls, app: App, entries: Sequence[Entry], *, version: str, part: str = "") -> Self:
        """Those of these keys, inactive ones too.

        `version` is the ledger's from before they were read; `part` names them if they are not all that there are.
        """
        claims, tiers = app.kept.claims, app.lending.tiers.all()
        members = {_ANY: _budgeted(entries), **_limited(entries, tiers)}
        left = {}
        for feature, those in members.items():
            turn = Turn(pool=_POOL, provider="", feature=feature, policy="first", within=part)
            left[feature] = _left(claims, turn, those, version) if those else {}
        return cls(tiers=tiers, left=left, resting=claims.resting())

    def usage(self, entry: Entry) -> dict[str, dict[str, Any]]:
        """For each feature of the key's tier what is used of its first rate."""
        return {feature: self._used(entry.address, feature) for feature in _features(entry, self.tiers)}

    def uses(self, entry: Entry) -> int:
        """How often the key was used, as far as its own limit counts it."""
        rate, left = self.left[_ANY].get(str(entry.address), (None, 0))
        return rate.amount - left if rate else 0

    def resting_until(self, address: Address) -> str | None:
        """The end of the key's cooldown."""
        until = self.resting.get(str(address), 0)
        if until >= NEVER:
            return FOR_EVER
        return moment(utc(until / 1000)) if until else None

    def _used(self, address: Address, feature: str) -> dict[str, Any]:
        rate, left = self.left[feature][str(address)]
        return {"used": rate.amount - left, "limit": rate.amount, "window_seconds": seconds_of(rate)}


def _features(entry: Entry, tiers: Mapping[str, Tier]) -> list[str]:
    tier = tiers.get(entry.tier)
    return sorted(feature for feature in tier.rates if feature != EVERY_OTHER) if tier else []


def _limited(entries: Iterable[Entry], tiers: Mapping[str, Tier]) -> dict[str, list[Member]]:
    """The keys for each feature of a tier."""
    found: dict[str, list[Member]] = {}
    for entry in entries:
        for feature in _features(entry, tiers):
            member = Member(address=str(entry.address), rates=tiers[entry.tier].rates[feature])
            found.setdefault(feature, []).append(member)
    return found


def _budgeted(entries: Iterable[Entry]) -> list[Member]:
    return [Member(address=str(each.address), own=(Rate.parse(each.max_uses),)) for each in entries if each.max_uses]


def _left(claims: Claims, turn: Turn, members: Sequence[Member], version: str) -> Left:
    if isinstance(claims.peek(Claim(turn=turn, version=version, lease="")), Unlisted):
        claims.enlist(turn, members, version=version)
    found = {each.address: each.remaining[0] for each in claims.standings(turn)}
    # a key that came in between has used nothing
    return {each.address: (rate := (each.rates or each.own)[0], rate.amount) for each in members} | found
