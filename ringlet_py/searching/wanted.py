"""The values that are looked for, as needles, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.audit.log import OK
from ringlet_py.errors import KeyNotFound, RingletError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.audit import Recorder
    from ringlet_py.backends import Backend
    from ringlet_py.entry import Address
    from ringlet_py.needles import Needle
    from ringlet_py.secret import Secret

SEARCH = "search"  # the audit's action: values were read to be looked for, and none was lent
LEAST = 8  # characters; a shorter value stands in many a text that has nothing to do with it


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Each needle with the addresses of its value, which may be stored several times."""

    needles: tuple[Needle, ...]
    owners: tuple[tuple[Address, ...], ...]
    too_short: tuple[Address, ...]

    @property
    def addresses(self) -> int:
        """How many stored values are looked for."""
        return len({address for owners in self.owners for address in owners})


def read(
    addresses: Iterable[Address], backend: Backend, audit: Recorder, *, purpose: str
) -> list[tuple[Address, Secret]]:
    """The stored values at these addresses; one record says that they were read.

    Raises what reading them raises: a value that cannot be read is never one that is not found.  What is gone
    meanwhile is left out.
    """
    named = sorted(addresses)
    address = str(named[0]) if len(named) == 1 else ""
    try:
        values = _values(named, backend)
    except RingletError as problem:
        audit.append(SEARCH, problem.code, address=address, backend=backend.name, purpose=purpose)
        raise
    secrets = tuple(secret for _, secret in values)
    audit.append(SEARCH, OK, address=address, backend=backend.name, purpose=purpose, secrets=secrets)
    return values


def wanted(values: Iterable[tuple[Address, Secret]]) -> Wanted:
    """The values as what is looked for; one that is stored several times is looked for once."""
    owners: dict[tuple[Needle, ...], list[Address]] = {}
    too_short = []
    for address, secret in values:
        if secret.length < LEAST:
            too_short.append(address)
        else:
            owners.setdefault(secret.needles(), []).append(address)
    flat = [(needle, tuple(those)) for needles, those in owners.items() for needle in needles]
    return Wanted(
        needles=tuple(needle for needle, _ in flat),
        owners=tuple(those for _, those in flat),
        too_short=tuple(too_short),
    )


def _values(addresses: list[Address], backend: Backend) -> list[tuple[Address, Secret]]:
    found = []
    for address in addresses:
        try:
            found.append((address, backend.get(address)))
        except KeyNotFound:
            continue
    return found
