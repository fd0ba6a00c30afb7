"""Turns, members and claims as the scripts take them: JSON with whole numbers and names that cannot be mixed up."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ringlet_py.limits import NEVER, calendar_window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringlet_py.ledger.claims import Claim, Member, Turn
    from ringlet_py.limits import Rate
    from ringlet_py.scope import Bearer

    Windows = Mapping[str, list[int]]

# an org with more keys than this is held back as a whole; a smaller one costs less key by key
LARGE_ORG = 256


def claim_of(claim: Claim, windows: Windows) -> str:
    """The wish for the script `claim`."""
    turn = claim.turn
    of_bearers = (rate for bearer in claim.bearers for rate in bearer.rates)
    wish = _turn(turn, (*claim.quota, *of_bearers, *turn.org_rates, *turn.pool_rates), windows)
    wish |= {
        "version": claim.version,
        "lease": claim.lease,
        "caller": _joined(claim.caller, turn.provider, turn.feature),
        "quota": _rates(claim.quota) if claim.caller else [],
        "bearers": _bearers(claim.bearers),
        "only": claim.only,
        "seed": str(claim.seed),
        "session": claim.session,
        "soonest_ready": claim.soonest_ready,
        "with_value": claim.with_value,
    }
    return json.dumps(wish)


def bearers_of(bearers: Sequence[Bearer], windows: Windows) -> str:
    """The tokens for the script `left`."""
    names = _names(rate for bearer in bearers for rate in bearer.rates)
    return json.dumps({"bearers": _bearers(bearers), "names": names, "calendars": windows})


def turn_of(turn: Turn, windows: Windows) -> str:
    """The turn for the script `standings`."""
    return json.dumps(_turn(turn, (*turn.org_rates, *turn.pool_rates), windows))


def enlisting(turn: Turn, members: Sequence[Member], version: str) -> list[str]:
    """The arguments of the script `enlist`."""
    rates = (rate for each in members for rate in (*each.rates, *each.own))
    listed = _turn(turn, (*rates, *turn.org_rates, *turn.pool_rates), {}) | {"version": version}
    orgs = Counter(map(org_of, members))
    arguments = [json.dumps(listed)]
    for member in members:
        org = org_of(member)
        arguments += (member.address, _record(member, org, org if orgs[org] > LARGE_ORG else ""))
    return arguments


def org_of(member: Member) -> str:
    """The org with its provider, "" for a key without one."""
    return org_named(member.address.partition("/")[0], member.org) if member.org else ""


def org_named(provider: str, org: str) -> str:
    """An org with its provider, as one name that the scripts can take apart again."""
    return f"{provider}|{quote(org, safe='')}"


def id_of(turn: Turn) -> str:
    """The turn's name."""
    return _joined(turn.name, turn.provider, turn.feature)


def boundaries(calendar: str, wall: int) -> list[int]:
    """Where the windows around that moment begin: the one before, its own, the next, and the one after that."""
    unit, zone = calendar.split("@")
    start, end = calendar_window(unit, zone, wall)
    return [calendar_window(unit, zone, start - 1)[0], start, end, calendar_window(unit, zone, end)[1]]


def _turn(turn: Turn, rates: Iterable[Rate], windows: Windows) -> dict[str, Any]:
    rules = (turn.policy, _rates(turn.org_rates), _rates(turn.pool_rates))
    return {
        "id": id_of(turn),
        "pool": turn.pool,
        "feature": turn.feature,
        "policy": turn.policy,
        "org_rates": rules[1],
        "pool_rates": rules[2],
        "rules": json.dumps(rules),
        "names": _names(rates),
        "calendars": windows,
    }


def _record(member: Member, org: str, group: str) -> str:
    return json.dumps(
        {
            "org": org,
            "group": group,
            "expires": min(member.expires_at, NEVER),
            "weight": "1" if member.weight == 1 else repr(member.weight),
            "set": "\n".join(member.key_set),
            "rates": _rates(member.rates),
            "own": _rates(member.own),
        }
    )


def _bearers(bearers: Iterable[Bearer]) -> list[tuple[str, list[list[object]]]]:
    return [(bearer.id, _rates(bearer.rates)) for bearer in bearers]


def _names(rates: Iterable[Rate]) -> str:
    """The calendars that the rates need."""
    return " ".join(sorted({_calendar(rate) for rate in rates if rate.calendar}))


def _rates(rates: Iterable[Rate]) -> list[list[object]]:
    return [
        [rate.amount, rate.window, _calendar(rate)] if rate.calendar else [rate.amount, rate.window] for rate in rates
    ]


def _calendar(rate: Rate) -> str:
    return f"{rate.calendar}@{rate.zone}"


def _joined(*names: str) -> str:
    """Several names as one, which no other names have."""
    # most names need no quoting, and finding that out is quicker
    return "|".join(name if name.isalnum() else quote(name, safe="/:@ ") for name in names)
