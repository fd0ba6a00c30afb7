"""Answers from the audit: who asked for which key, when, and what came of it."""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ringlet_py.audit.log import CLAIM, OK
from ringlet_py.audit.snapshot import snapshot
from ringlet_py.entry import utc
from ringlet_py.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d+[smhdw])+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which records are wanted; an empty field lets everything pass.

    `since` must be an aware time; `key` is an address, or a provider for all of its keys; `caller` is whom a quota
    counts, `user:ID` or `channel:ID`.
    """

    since: datetime | None = None
    key: str = ""
    caller: str = ""
    profile: str = ""
    action: str = ""
    outcome: str = ""

    def takes(self, record: dict[str, Any]) -> bool:
        """Whether the record is wanted."""
        if self.since is not None and str(record.get("at", "")) < utc(self.since.timestamp()):
            return False
        if self.caller and self.caller not in str(record.get("caller", "")).split(" in "):
            return False
        wanted = {"profile": self.profile, "action": self.action, "outcome": self.outcome}
        if any(value and record.get(name) != value for name, value in wanted.items()):
            return False
        return not self.key or _is_of(self.key, str(record.get("address", "")))


def find(folder: str, query: Query | None = None) -> Iterator[dict[str, Any]]:
    """The records that the query takes, oldest first, over all files; what is no record is passed over.

    Raises InsecurePermissions if others could have written to the log.
    """
    query = query or Query()
    with snapshot(folder) as log:
        for _, path in log.files:
            yield from filter(query.takes, filter(None, map(_record, log.lines(path))))


def latest(folder: str, takes: Callable[[dict[str, Any]], bool], count: int) -> list[dict[str, Any]]:
    """The last `count` records that are taken, newest first; no more are held at a time.

    Raises InsecurePermissions if others could have written to the log.
    """
    found: list[dict[str, Any]] = []
    with snapshot(folder) as log:
        for _, path in reversed(log.files):
            those = filter(takes, filter(None, map(_record, log.lines(path))))
            found.extend(reversed(deque(those, maxlen=count - len(found))))
            if len(found) >= count:
                break
    return found


def last_used(folder: str) -> dict[str, str]:
    """For each address the time (UTC, ISO 8601) of the last claim that went well."""
    claims = find(folder, Query(action=CLAIM, outcome=OK))
    return {str(record.get("address", "")): str(record.get("at", "")) for record in claims}


def parse_since(text: str, now: datetime) -> datetime:
    """The moment meant by `7d`, `1h30m` (before now) or by an ISO 8601 time with zone; else UsageError."""
    if _DURATION.fullmatch(text):
        return _before(now, text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_time(text, "it is neither a duration with units nor an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise _not_a_time(text, "a time needs its zone")
    return moment


def _before(now: datetime, text: str) -> datetime:
    try:
        parts = (timedelta(**{_UNITS[unit]: int(n)}) for n, unit in re.findall(r"(\d+)([smhdw])", text))
        return now - sum(parts, timedelta())
    except (OverflowError, ValueError):
        raise _not_a_time(text[:40], "it is longer than the calendar") from None


def _not_a_time(text: str, why: str) -> UsageError:
    hint = "for example 90s, 7d, 1h30m or 2026-11-22T10:00:00Z"
    return UsageError(f"{text!a} is not a time", why=why, hint=hint)


def _is_of(key: str, address: str) -> bool:
    return address == key or ("/" not in key and address.startswith(f"{key}/"))


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
