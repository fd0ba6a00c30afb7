"""What a provider said of a key, and how long it rests for that.

What the owner of the keys says is believed.  A caller may be mistaken, or lie, and others need the key too: what it
says holds for a while, so that nobody takes a key out for good but a person who can bring it back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ringlet_py.errors import UsageError
from ringlet_py.ledger.claims import Rest
from ringlet_py.limits import NEVER

if TYPE_CHECKING:
    from ringlet_py.entry import Address
    from ringlet_py.lease import Lease

OK = "ok"
RATE_LIMITED = "rate-limited"
INVALID = "invalid"
QUOTA_SPENT = "quota-spent"
KINDS = (OK, RATE_LIMITED, INVALID, QUOTA_SPENT)
DEFAULT_REST = 60.0  # seconds, where a provider that says 429 does not say until when
LONGEST = 366 * 24 * 3600.0  # seconds; what is longer is no cooldown, but a mistake
CALLERS_INVALID = 3600.0  # seconds for which a key rests that a caller says is invalid
CALLERS_LONGEST = 24 * 3600.0  # seconds for which it rests, or its org does, on a caller's word
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a key fared: one of KINDS, and until when it is not to be used.

    `retry_after` in seconds from now, or `until` in seconds since 1970; NaN, negative and absurdly long ones are
    UsageErrors.  `whole_org` is whether all keys of the organisation are meant (None: as providers count, so if the
    key's is known), `every_feature` whether the key rests for all features, not only for the one it was claimed for.
    `at_most` bounds the cooldown, in seconds; without it what is invalid rests until a person says otherwise.
    """

    kind: str
    retry_after: float | None = None
    until: float | None = None
    whole_org: bool | None = None
    every_feature: bool = False
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"{self.kind!a} is nothing that can be reported", hint=f"one of {', '.join(KINDS)}")
        if self.retry_after is not None and not 0 <= self.retry_after <= LONGEST:
            raise _no_time(f"a cooldown of {self.retry_after} seconds")
        if self.until is not None and not 0 <= self.until < math.inf:
            raise _no_time(f"a cooldown until {self.until}")
        if self.until is not None and self.retry_after is not None:
            raise UsageError("a cooldown has one end", hint="give retry_after or until, not both")


def of_caller(outcome: Outcome) -> Outcome:
    """As much of it as a caller's word is worth."""
    return replace(outcome, at_most=CALLERS_INVALID if outcome.kind == INVALID else CALLERS_LONGEST)


def from_header(text: str) -> tuple[float | None, float | None]:
    """`retry_after` or `until` out of a header Retry-After: seconds, or a date (RFC 9110, 10.2.3); else UsageError."""
    from email.utils import parsedate_to_datetime  # slow to import, and hardly any provider sends a date

    plain = text.strip()
    try:
        # some providers send fractions of a second
        return float(plain), None
    except ValueError:
        pass
    try:
        return None, parsedate_to_datetime(plain).timestamp()
    except (ValueError, OverflowError):
        shown = f" {plain!a}" if len(plain) < _SHOWN else ""
        raise UsageError(f"the Retry-After{shown} is neither seconds nor a date", hint="leave it out") from None


def rests(lease: Lease, outcome: Outcome, *, now: float) -> list[Rest]:
    """The cooldowns that follow; `now` in seconds since 1970."""
    if outcome.kind == OK:
        return []
    address = lease.address.key()
    if outcome.kind == INVALID:
        return [_invalid(address, outcome.at_most)]
    return [_resting(lease, address, outcome, now=now)]


def _invalid(address: Address, at_most: float | None) -> Rest:
    length, until = (0, NEVER) if at_most is None else (math.ceil(at_most * 1000), 0)
    rest = Rest(provider=address.provider, address=str(address), limited=False, why="invalid")
    return replace(rest, milliseconds=length, until=until)


def _resting(lease: Lease, address: Address, outcome: Outcome, *, now: float) -> Rest:
    until = _until(outcome, now)
    if abs(until - now) > LONGEST:  # long past: seconds from now, given as a moment
        raise _no_time(f"a cooldown until {until:.0f}")
    until = min(until, now + (LONGEST if outcome.at_most is None else outcome.at_most))
    whole_org = bool(lease.org) if outcome.whole_org is None else outcome.whole_org
    every = outcome.every_feature or outcome.kind == QUOTA_SPENT
    return Rest(
        provider=address.provider,
        address="" if whole_org and lease.org else str(address),
        org=lease.org if whole_org else "",
        feature="" if every else lease.feature,
        milliseconds=max(math.ceil((until - now) * 1000), 0),
        limited=True,
        why="resting" if outcome.kind == RATE_LIMITED else "spent",
    )


def _until(outcome: Outcome, now: float) -> float:
    if outcome.until is not None:
        return outcome.until
    if outcome.retry_after is not None:
        return now + outcome.retry_after
    if outcome.kind == RATE_LIMITED:
        return now + DEFAULT_REST
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=1)).timestamp()


def _no_time(what: str) -> UsageError:
    return UsageError(f"{what} cannot be right", hint="give seconds from now, from 0 to a year, or a moment")
