"""The fields of an entry as people write them: checked, shown, and entries chosen by them; pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ringlet_py.entry import FIELDS, LONG_NAME, check_name
from ringlet_py.errors import InvalidField, UsageError
from ringlet_py.profile.values import check_base_url
from ringlet_py.suggest import did_you_mean, nearest
from ringlet_py.usable import has_expired
from ringlet_py.values import looks_like_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ringlet_py.entry import Entry
    from ringlet_py.profile.provider import Provider

EVERYONE = "everyone"
NEVER = "never"
MAX_TEXT = 200
MAX_WEIGHT = 1_000_000.0
# how people write the fields, where that is not the entry's own word with '-' for '_'
WRITTEN = {"expires_at": "expires", "created_at": "created", "replaced_at": "replaced", "secrets": "secret"}
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhdw])+")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OWNERS = ("user", "channel")
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Filter:
    """A condition on entries: what the field is to say."""

    field: str
    text: str


def checked(given: Mapping[str, Any], *, providers: Mapping[str, Provider], now: float) -> dict[str, Any]:
    """What an entry holds for fields as people write them; "" takes a field back.

    `now` is in seconds since 1970.  Raises InvalidField or LimitInvalid, and never repeats what looks like a key.
    """
    return {name: _checked(name, value, providers, now) for name, value in given.items()}


def _checked(name: str, value: Any, providers: Mapping[str, Provider], now: float) -> Any:
    if name == "active" and isinstance(value, bool):
        return value
    if name == "weight" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _weight(value)
    if not isinstance(value, str):
        raise _no_text(written(name), value)
    if not value:
        return FIELDS[name]
    _check_text(written(name), value, providers)
    if name == "expires_at":
        return expiry(value, now)
    read = _READING.get(name)
    return read(value) if read else value


def _no_text(name: str, value: object) -> InvalidField:
    taken = {"active": "a bool, or yes or no", "weight": "a number, or a text with one"}.get(name, "a text")
    if value is None:
        return InvalidField(f"the {name} is None", why=f"it is {taken}", hint='leave it out, or take it back with ""')
    # never the value itself: it may be a key in another guise
    return InvalidField(f"the {name} is of the type {type(value).__name__}", hint=f"give {taken}")


def _check_text(name: str, text: str, providers: Mapping[str, Provider]) -> None:
    if looks_like_key(text, providers):
        raise InvalidField(
            f"the {name} looks like a key",
            why="fields are no secret, and the command line is not either; this key is in your shell's history now",
            hint="take it out of the history, make a new key, and store that: ringlet keychain set PROVIDER",
        )
    if len(text) > MAX_TEXT:
        raise InvalidField(f"the {name} is longer than {MAX_TEXT} characters", hint="shorten it")
    if not text.isprintable():
        raise InvalidField(f"the {name} has a character that cannot be shown", hint="write it on one line")


def expiry(text: str, now: float) -> str:
    """When `30d`, `1h30m`, `2027-06-15` (the end of that day in UTC) or an ISO 8601 time is; "" for `never`.

    Raises InvalidField for what is past, or is none of these.
    """
    if text == NEVER:
        return ""
    moment = _moment(text, datetime.fromtimestamp(now, UTC))
    if moment.timestamp() <= now:
        raise InvalidField(f"the expiry {text!a} is past", hint="give a later one, or set the key --inactive")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: str, now: datetime) -> datetime:
    try:
        if _DURATION.fullmatch(text):
            parts = (timedelta(**{_UNITS[unit]: int(n)}) for n, unit in re.findall(r"(\d+)([smhdw])", text))
            return now + sum(parts, timedelta())
        if _DAY.fullmatch(text):
            start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return start + timedelta(days=1, milliseconds=-1)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidField(f"the expiry {text!a} is beyond the calendar", hint="--expires never") from None
    except ValueError:
        raise _no_expiry(text, "") from None
    raise _no_expiry(text, "a time needs its zone")


def _no_expiry(text: str, why: str) -> InvalidField:
    hint = "for example 30d, 12h, 2027-06-15, 2027-06-15T12:00:00Z or never"
    return InvalidField(f"{text!a} is no expiry", why=why, hint=hint)


def _owner(text: str) -> str:
    kind, colon, who = text.partition(":")
    if text == EVERYONE or (kind in _OWNERS and who and set(who).isdisjoint(" /")):
        return text
    why = "an ID has no blank and no slash, and is not empty"
    if not colon or kind not in _OWNERS:
        near = nearest(kind, _OWNERS if colon else (EVERYONE,))
        why = f"did you mean {near!r}?" if near else ""
    raise InvalidField(f"{text!a} is no owner", why=why, hint="an owner is everyone, user:ID or channel:ID")


def _base_url(text: str) -> str:
    return check_base_url(text, lambda what: InvalidField(what, hint="--base-url https://HOST/…"))  # type: ignore[arg-type, return-value]


def _active(text: str) -> bool:
    if text in _TRUTH:
        return _TRUTH[text]
    raise InvalidField("active is yes or no", why=did_you_mean(text, _TRUTH), hint="give yes or no")


def _weight(given: str | float) -> float:
    try:
        weight = float(given)
    except (ValueError, OverflowError):  # of a text that is no number, of a whole number beyond all floats
        weight = math.nan
    if not 0 < weight <= MAX_WEIGHT:
        shown = f"{given!a}" if isinstance(given, str) else "what was given"  # a whole number may be a long one
        raise InvalidField(f"{shown} is no weight", hint="a weight is a number above 0, like 1, 2.5 or 10")
    return weight


def _max_uses(text: str) -> str:
    from ringlet_py.limits import Rate  # slow to import, and who lists keys reads no rate

    return str(Rate.parse(text))


_READING: dict[str, Callable[[str], Any]] = {
    "active": _active,
    "owner": _owner,
    "tier": lambda text: check_name("tier", text),
    "max_uses": _max_uses,
    "base_url": _base_url,
    "weight": _weight,
}


def written(name: str) -> str:
    """The field's name as people write it."""
    return WRITTEN.get(name, name.replace("_", "-"))


def text_of(entry: Entry, name: str) -> str:
    """What the entry's field says, for people."""
    value = getattr(entry, name)
    if name == "active":
        return "yes" if value else "no"
    if name == "expires_at":
        return value or NEVER
    if name == "secrets":
        return ", ".join(value)
    return f"{value:g}" if name == "weight" else str(value)


def differences(before: Entry, after: Entry) -> list[tuple[str, str, str]]:
    """The fields that differ: name, text before and text after, as people write them."""
    shown = [name for name in FIELDS if name != "fingerprint"]
    changed = [name for name in shown if getattr(before, name) != getattr(after, name)]
    return [(written(name), text_of(before, name), text_of(after, name)) for name in changed]


# filters

_NAMES = {
    written(name): name for name in ("provider", "alias", "backend", *FIELDS) if name not in ("fingerprint", "active")
}
_FLAGS = ("active", "expired")
FILTERS = (*_NAMES, *_FLAGS)


def parse_filter(text: str) -> Filter:
    """The filter written as FIELD=VALUE; UsageError with the nearest name for a field that there is not."""
    name, equals, value = text.partition("=")
    name = WRITTEN.get(name, name.replace("_", "-"))
    if name not in FILTERS:
        shown = f" {name!a}" if len(name) < LONG_NAME else ""  # a longer one may be a key
        raise UsageError(f"there is no field{shown} to choose keys by", why=did_you_mean(name, FILTERS), hint=_EXAMPLE)
    if not equals:
        raise UsageError(f"the filter on {name} says no value", hint=_EXAMPLE)
    if name in _FLAGS and value not in _TRUTH:
        raise UsageError(f"{name} is yes or no", hint=f"--where {name}=yes")
    return Filter(name, value)


_EXAMPLE = "for example --where org=acme, --where expires=2027-06, --where active=no"


def chosen(entries: Iterable[Entry], filters: Iterable[Filter], *, now: float) -> list[Entry]:
    """The entries that all filters fit; `now` is in seconds since 1970."""
    conditions = tuple(filters)
    return [entry for entry in entries if all(_fits(entry, one, now) for one in conditions)]


def _fits(entry: Entry, one: Filter, now: float) -> bool:
    if one.field == "active":
        return entry.active is _TRUTH[one.text]
    if one.field == "expired":
        return has_expired(entry, int(now * 1000)) is _TRUTH[one.text]
    if one.field in ("provider", "alias"):
        return str(getattr(entry.address, one.field)) == one.text
    if one.field == "secret":
        return one.text in entry.secrets if one.text else not entry.secrets
    said = text_of(entry, _NAMES[one.field])
    if one.field in ("created", "replaced", "expires") and one.text:
        return said.startswith(one.text)
    return said == one.text
