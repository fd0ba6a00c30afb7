"""`Tier`: the rates of several features under one name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ringlet_py.errors import LimitInvalid, TierNotFound
from ringlet_py.limits.rate import Rate
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERY_OTHER = "*"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tier:
    """A named set of limits: for each feature its rates, and under `*` those of every feature not named."""

    name: str
    rates: Mapping[str, tuple[Rate, ...]]

    @classmethod
    def parse(cls, name: str, table: Mapping[str, object]) -> Tier:
        """The tier in a table of TOML or JSON: a feature has one rate or a list of them; else LimitInvalid."""
        _check_name("tier", name)
        rates = {_check_feature(name, feature): _rates(name, feature, value) for feature, value in table.items()}
        return cls(name, MappingProxyType(rates))

    def rates_for(self, feature: str) -> tuple[Rate, ...]:
        """The rates of that feature; none if neither it nor `*` is in the tier."""
        return self.rates.get(feature, self.rates.get(EVERY_OTHER, ()))

    def table(self) -> dict[str, list[str]]:
        """The tier as `parse` takes it."""
        return {feature: [str(rate) for rate in rates] for feature, rates in self.rates.items()}


def tier_named(name: str, tiers: Mapping[str, Tier]) -> Tier:
    """The tier of that name; TierNotFound, with the nearest one, if there is none."""
    if name in tiers:
        return tiers[name]
    raise TierNotFound(f"there is no tier{_shown(name)}", why=did_you_mean(name, tiers))


def _rates(tier: str, feature: str, value: object) -> tuple[Rate, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise _wrong(tier, feature, f"must be a rate or a list of rates, not {type(value).__name__}")
    if not texts:
        raise _wrong(tier, feature, "has no rate", hint="give it a rate, or leave the feature out")
    try:
        return tuple(Rate.parse(text) for text in texts)
    except LimitInvalid as error:
        raise _wrong(tier, feature, f"is wrong: {error}", why=error.why, hint=error.hint) from None


def _check_feature(tier: str, feature: str) -> str:
    if feature == EVERY_OTHER:
        return feature
    if EVERY_OTHER in feature:
        why = "'*' alone stands for every feature that is not named"
        raise LimitInvalid(f"tier {tier!r}: the feature{_shown(feature)} is a pattern", why=why)
    return _check_name("feature", feature)


def _check_name(kind: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        hint = "names are ASCII letters, digits, '.', '_' and '-', at most 64, not starting with '-' or '.'"
        raise LimitInvalid(f"the {kind}'s name{_shown(name)} is not allowed", hint=hint)
    return name


def _wrong(tier: str, feature: str, what: str, *, why: str = "", hint: str | None = None) -> LimitInvalid:
    return LimitInvalid(f"tier {tier!r}: {feature!r} {what}", why=why, hint=hint)


def _shown(name: str) -> str:
    return f" {name!a}" if len(name) < _SHOWN else ""
