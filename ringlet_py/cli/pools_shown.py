"""How the states of keys are shown, to people and to programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ringlet_py.cli import output
from ringlet_py.entry import utc
from ringlet_py.lending.explaining import LENT, NONE, STATES
from ringlet_py.lending.turns import ENVIRONMENT

if TYPE_CHECKING:
    from ringlet_py.lending.explaining import Explained, KeyState

NO_POOLS = "there are no pools yet: ringlet pools create NAME --provider PROVIDER"
COLUMNS = ("KEY", "ORG", "STATE", "LEFT", "FREE IN", "USES", "LAST USED")
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def moment(seconds: float) -> str | None:
    """The moment for programs; None for one that never was or will be."""
    return utc(seconds) if 0 < seconds < math.inf else None


def how_long(seconds: float) -> str:
    """A time to wait, for people, rounded up: 45s, 3m 20s, 2h 5m, 4d 1h."""
    whole = math.ceil(seconds)
    for place, (length, unit) in enumerate(_UNITS):
        if whole >= length:
            smaller, smaller_unit = _UNITS[place + 1] if place + 1 < len(_UNITS) else (1, "s")
            return f"{whole // length}{unit} {whole % length // smaller}{smaller_unit}"
    return f"{whole}s"


def free_in(ready_at: float, now: float) -> str:
    """How long until then."""
    if ready_at == math.inf:
        return "never"
    return how_long(ready_at - now) if ready_at > now else "-"


def left(key: KeyState) -> str:
    """What is left of each rate."""
    return ", ".join(f"{left} of {rate}" for rate, left in key.left) or "-"


def cells(key: KeyState, *, now: float) -> tuple[str, ...]:
    """A row of COLUMNS."""
    found = (key.address, key.org, STATES[key.state], left(key), free_in(key.ready_at, now), str(key.uses))
    return tuple(output.printable(cell) or "-" for cell in (*found, moment(key.last_used) or ""))


def key_document(key: KeyState) -> dict[str, Any]:
    """A key's state for programs."""
    return {
        "address": key.address,
        "org": key.org or None,
        "state": key.state,
        "ready_at": moment(key.ready_at),
        "resting_until": moment(key.resting_until),
        "last_used_at": moment(key.last_used),
        "last_limited_at": moment(key.last_limited),
        "uses": key.uses,
        "left": [{"rate": rate, "left": count} for rate, count in key.left],
    }


def pool_name(found: Explained) -> str | None:
    """The pool's name; None for keys that nobody has made a pool of."""
    return None if found.step.is_made_up else found.step.pool.name


def place(found: Explained) -> str:
    """Where the step looks, for people."""
    if found.step.kind == ENVIRONMENT:
        return found.variable or f"no variable of {found.step.pool.provider} is known"
    return found.step.named


def answer(found: Explained, *, now: float) -> str:
    """What the step answers, for people."""
    if found.step.kind == ENVIRONMENT:
        return "set" if found.answer == LENT else "not set"
    if found.answer == LENT:
        return found.address
    if found.answer == NONE:
        return "no key that could be used" if found.keys else "no key"
    when = "never" if found.ready_at == math.inf else f"in {free_in(found.ready_at, now)}"
    return f"{_used_up(found)}; free {when}"


def _used_up(found: Explained) -> str:
    pool = found.step.pool
    if found.answer == "quota":
        return f"the quota of {found.caller} is used up ({' and '.join(map(str, pool.quota))})"
    if found.answer == "pool":
        return f"the pool's limit is used up ({' and '.join(map(str, pool.pool_limits))})"
    return "no key is free"


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
