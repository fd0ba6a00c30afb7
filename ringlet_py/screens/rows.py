"""What the table shows of each key, and which keys a filter leaves in it; pure, and never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py import status
from ringlet_py.errors import RingletError
from ringlet_py.fields import NEVER, chosen, parse_filter, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.entry import Address, Entry
    from ringlet_py.status import Group, Status

HEADER = ("ADDRESS", "STATE", "EXPIRES", "LAST USED", "LABEL", "PROFILES")
COUNTS = ("PROVIDER", status.USABLE, status.RESTING, status.EXPIRED, status.INACTIVE, "total")
# the fields of an entry that a person may change, in the order of the form
EDITABLE = (
    "label", "org", "owner", "tier", "source", "login", "batch", "expires_at", "max_uses", "base_url", "weight",
)  # fmt: skip
_DAY = len("2027-06-15")


@dataclass(frozen=True, kw_only=True)
class View:
    """What is known at one moment: the keys, how many of each provider can be used, and what is amiss."""

    place: str
    keys: tuple[Status, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    def entry(self, address: str) -> Entry | None:
        """The entry at that address."""
        return next((one.entry for one in self.keys if str(one.entry.address) == address), None)

    def expired(self) -> list[Address]:
        """The addresses of all keys whose date has come, active or not."""
        return [one.entry.address for one in self.keys if one.state == status.EXPIRED]


def printable(text: str) -> str:
    """The text without control characters, which could rewrite what stands on the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def words(problem: RingletError | OSError) -> str:
    """What went wrong, why, and what to do next, in one paragraph."""
    if not isinstance(problem, RingletError):
        return printable(f"{problem.filename or 'a file'}: {problem.strerror or problem}")
    why = f" ({problem.why})" if problem.why else ""
    hint = f". next: {problem.hint}" if problem.hint else ""
    return printable(f"{problem.what}{why}{hint}")


def cells(one: Status) -> tuple[str, ...]:
    """One row of the table."""
    entry = one.entry
    expires, used = text_of(entry, "expires_at"), one.last_used_at
    shown = (str(entry.address), one.state, expires[:_DAY], used[:_DAY], entry.label, ", ".join(one.profiles))
    return tuple(printable(cell) or "-" for cell in shown)


def count_cells(group: Group) -> tuple[str, ...]:
    """One row of the counts: how many of a provider's keys are in each state, and how many there are."""
    numbers = (group.usable, group.resting, group.expired, group.total - group.active, group.total)
    return (printable(group.provider), *map(str, numbers))


def filtered(keys: Sequence[Status], text: str, *, now: float, held: str = "") -> list[Status]:
    """The keys that fit every word: FIELD=VALUE as `keychain list --where` has it, else any text that is shown.

    The key at the address `held` stays, whether it fits or not.  Raises UsageError for a field that there is not;
    `now` is in seconds since 1970.
    """
    given = text.split()
    wanted = [parse_filter(word) for word in given if "=" in word]
    left = {entry.address for entry in chosen((one.entry for one in keys), wanted, now=now)}
    plain = [word.lower() for word in given if "=" not in word]
    fitting = {one.entry.address for one in keys if one.entry.address in left and _holds(cells(one), plain)}
    return [one for one in keys if one.entry.address in fitting or str(one.entry.address) == held]


def checked_filter(text: str) -> str:
    """Nothing; raises UsageError for a filter that cannot be."""
    filtered((), text, now=0)
    return ""


def _holds(row: tuple[str, ...], plain: Iterable[str]) -> bool:
    shown = " ".join(row).lower()
    return all(word in shown for word in plain)


def form_of(entry: Entry) -> dict[str, str]:
    """The fields that may be changed, as they are written into the form."""
    said = {name: text_of(entry, name) for name in EDITABLE}
    return said | {"expires_at": "" if said["expires_at"] == NEVER else said["expires_at"]}


def further(texts: dict[str, str]) -> dict[str, str]:
    """The fields of a new key that were written, but for its address."""
    return {name: text for name, text in texts.items() if text and name not in ("provider", "alias")}


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """The fields that were written anew."""
    return {name: text for name, text in after.items() if text != before[name]}
