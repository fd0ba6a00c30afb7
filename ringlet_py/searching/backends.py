"""Which backends hold a value, at its own address or at another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainAbsent, KeyNotFound, RingletError
from ringlet_py.searching.search import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ringlet_py.backends import Backend
    from ringlet_py.entry import Address, Entry
    from ringlet_py.secret import Secret

KEYCHAIN = "keychain"


def in_backends(
    address: Address, secret: Secret, backends: Iterable[Callable[[], Backend]], problems: list[str]
) -> Iterator[Finding]:
    """A finding for each backend that has the value at the address; what cannot be asked is a problem.

    None is asked that would first have to ask a person.
    """
    seen: set[str] = set()
    for made in backends:
        try:
            backend = made()
            if backend.name in seen:
                continue
            seen.add(backend.name)
            backend.check()
            if backend.get(address).same_as(secret):
                yield _held(address, backend.place)
        except (KeyNotFound, KeychainAbsent):  # where there is no store, nothing lies in it
            continue
        except RingletError as problem:
            problems.append(f"{problem.what}{problem.why and f' ({problem.why})'}")


def at_other_addresses(address: Address, entries: Iterable[Entry], place: str) -> Iterator[Finding]:
    """A finding for each other entry of the same fingerprint: it holds the same value."""
    known = {entry.address: entry for entry in entries}
    mark = known[address].fingerprint if address in known else ""
    for other, entry in sorted(known.items()):
        if mark and entry.fingerprint == mark and other != address:
            yield _held(other, place)


def _held(address: Address, place: str) -> Finding:
    return Finding(kind=KEYCHAIN, place=place, line=0, address=str(address), form="stored")
