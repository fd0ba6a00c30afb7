"""What keypooler's clients send and expect, in terms of ringlet's: ids, limits, moments and scopes; pure."""

from __future__ import annotations

import re
from hashlib import sha1
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ringlet_py.errors import UsageError
from ringlet_py.limits import Rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringlet_py.scope import Scope

MINUTE = 60  # seconds: the window of a limit that is a number alone
NO_TIER = ":none"  # a pattern that fits no tier, since no tier's name has a colon
FOR_EVER = "9999-12-31T23:59:59Z"
# made for these ids alone; with another one every key and tier would have another id
_NAMESPACE = UUID("5b6b1c39-2f0e-4a53-9c0b-7a0a6f6ad1c5").bytes
# RFC 3339, 5.6
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_LIMIT = ("rate_limit", "window_seconds")
_CALENDAR = MappingProxyType({"day": 86_400, "week": 7 * 86_400, "month": 31 * 86_400})  # seconds


def id_of(kind: str, name: str) -> str:
    """The id of the key at an address, or of the tier or consumer of a name: a UUID that stays the same."""
    # as uuid5 of _NAMESPACE makes it (RFC 9562, 5.5), in a third of its time: each claim answers with one
    digits = sha1(_NAMESPACE + f"{kind}:{name}".encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def rates_of(features: Mapping[str, object]) -> dict[str, list[str]]:
    """The rates of a tier's features, given as a number for each minute or as rate_limit and window_seconds.

    Raises LimitInvalid for amounts and windows out of range, UsageError for anything else.
    """
    return {feature: [_rate(feature, limit)] for feature, limit in features.items()}


def numbers_in(features: Mapping[str, object]) -> list[str]:
    """The features whose limit was given as a number, sorted."""
    return sorted(feature for feature, limit in features.items() if isinstance(limit, int))


def features_of(rates: Mapping[str, Sequence[Rate]], numbers: Iterable[str]) -> dict[str, int | dict[str, float]]:
    """The features of a tier as they are shown: the first rate of each, as a number where it was given as one."""
    return {feature: _shown(of_it[0], as_number=feature in numbers) for feature, of_it in sorted(rates.items())}


def seconds_of(rate: Rate) -> float:
    """The length of the rate's window, of a month its longest; 0 for a lifetime."""
    if rate.calendar:
        return _CALENDAR[rate.calendar]
    return rate.window // 1000 if rate.window % 1000 == 0 else rate.window / 1000


def max_uses(limit: int | None, window: int | None) -> str:
    """How often a key may be used, as its entry says it: without a window once and for all, "" without a limit."""
    if limit is None:
        return ""
    return f"{limit}/{window}s" if window else str(limit)


def usage_limit(written: str) -> tuple[int | None, float | None]:
    """The same the other way round: the limit, and its window in seconds."""
    if not written:
        return None, None
    rate = Rate.parse(written)
    return rate.amount, seconds_of(rate) or None


def moment(written: str) -> str | None:
    """A moment as entries and records have it, in whole seconds; None for none."""
    return f"{written[:19]}Z" if written else None


def check_moment(name: str, text: str) -> str:
    """The text, if it is a moment as RFC 3339 writes it; UsageError."""
    if text and not _MOMENT.fullmatch(text):
        raise UsageError(f"{name} must be RFC3339", hint="for example 2027-01-01T00:00:00Z")
    return text


def tiers_in(scope: Scope) -> list[str]:
    """The tiers that the scope names."""
    return [name for name in dict(scope.patterns).get("tier", ()) if name != NO_TIER]


def scope_with(scope: Scope, tiers: Iterable[str]) -> str:
    """The scope with these tiers instead of its own; without any it admits no key."""
    others = [f"{name}={','.join(patterns)}" for name, patterns in scope.patterns if name != "tier"]
    return " ".join([*others, f"tier={','.join(sorted(set(tiers))) or NO_TIER}"])


def _rate(feature: str, limit: object) -> str:
    if isinstance(limit, int) and not isinstance(limit, bool):
        return f"{limit}/{MINUTE}s"
    if not isinstance(limit, dict):
        why = "it is a number for each minute, or an object with rate_limit and window_seconds"
        raise UsageError(f"the limit of {feature[:40]!a} is of the type {type(limit).__name__}", why=why)
    amount, window = _numbers(feature, limit)
    return f"{amount}/{window or MINUTE}s"


def _numbers(feature: str, limit: Mapping[str, Any]) -> list[int]:
    if unknown := sorted(limit.keys() - set(_LIMIT)):
        why = f"a limit has {' and '.join(_LIMIT)}"
        raise UsageError(f"the limit of {feature[:40]!a} has no {unknown[0][:40]!a}", why=why)
    found = [limit.get(name) or 0 for name in _LIMIT]
    for name, number in zip(_LIMIT, found, strict=True):
        if not isinstance(number, int) or isinstance(number, bool):
            raise UsageError(f"{name} of {feature[:40]!a} is not a whole number")
    return found


def _shown(rate: Rate, *, as_number: bool) -> int | dict[str, float]:
    if as_number and rate.window == MINUTE * 1000:
        return rate.amount
    return {"rate_limit": rate.amount, "window_seconds": seconds_of(rate)}
