"""Changes to entries and their secrets, in an order that leaves nothing hidden wherever it is cut off.

A secret is named in the ledger before it is stored, and is gone before its name goes: so a crash leaves at worst an
entry without its key, which says how to set it, never a secret that no list shows.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.entry import Address, Entry, utc
from ringlet_py.errors import KeychainBroken, KeyExists, KeyNotFound, RingletError
from ringlet_py.files.private import write_private
from ringlet_py.keychain.inventory import Inventory, bound_to
from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Protocol

    from ringlet_py.secret import Secret

    Secrets = Mapping[Address, Secret]

    class Counts(Protocol):
        """What is counted of keys (see `ringlet_py.ledger.claims`), where it has to follow a change."""

        def renewed(self, address: str) -> None: ...

        def renamed(self, old: str, new: str) -> None: ...


class NoCounts:
    """Where nothing is counted, nothing has to follow."""

    def renewed(self, address: str) -> None:
        """The key has a new value."""

    def renamed(self, old: str, new: str) -> None:
        """The key has another address."""


@dataclass(frozen=True, kw_only=True)
class Changes(Inventory):
    """The changes; whoever calls them holds the keychain's lock."""

    generation_path: str
    clock: Callable[[], float]
    counts: Callable[[], Counts]

    def store(self, address: Address, secrets: Secrets, fields: Mapping[str, Any], *, existed: bool) -> None:
        """Stores the key (the last of `secrets`) and its bound secrets, with these fields of the entry."""
        before = self.ledger.entry(address)
        kept = self._moved_here(before) or Entry(address, backend=self.backend.name)
        now = utc(self.clock())
        dates = {"replaced_at": now} if existed else {"created_at": now, "replaced_at": ""}
        named = _with_names(kept, secrets)
        after = named.changed(**dates, **fields)
        # until it is replaced nobody knows which of the two values is there
        self._put(named.changed(fingerprint="") if existed else after)
        try:
            for each, secret in secrets.items():
                self.backend.set(each, secret)
        except RingletError:
            self._take_back(address, before, [each for each in secrets if each.field])
            raise
        if existed:
            self._put(after)
        # last, so that no key rests for good because of a value that is no longer there
        self.counts().renewed(str(address))

    def edit(
        self, addresses: Sequence[Address], fields: Mapping[str, Any], *, drop: tuple[str, ...] = ()
    ) -> list[tuple[Entry, Entry]]:
        """Changes these fields of the keys, all or none; returns each entry as it was and as it is.

        Raises KeyNotFound, also where a bound secret that is to be dropped next is not there.
        """
        there = {entry.address: entry for entry in self.entries()}
        for address in addresses:
            if address not in there:
                raise self.not_found(address)
            self._check_names(there[address], drop)
        changed = [(there[address], there[address].changed(**fields)) for address in addresses]
        if fields:
            self._put(*(after for _, after in changed))
        return changed

    def bind(self, before: Entry, entry: Entry, secrets: Secrets, drop: tuple[str, ...]) -> Entry:
        """Stores these bound secrets of the key, and takes away those to drop; returns the entry as it is then.

        Where a secret cannot be stored, the entry is again as it was before.
        """
        address = entry.address
        after = _with_names(entry, secrets)
        if after != entry:
            self._put(after)
        try:
            for each, secret in secrets.items():
                self.backend.set(each, secret)
        except RingletError:
            self._take_back(address, before, secrets)
            raise
        for name in drop:
            self._discard(Address(address.provider, address.alias, name))
        if not drop:
            return after
        after = after.changed(secrets=tuple(name for name in after.secrets if name not in drop))
        self._put(after)
        return after

    def remove(self, address: Address) -> list[Address]:
        """Takes the key away, its bound secrets first; returns every address that held something."""
        known = self.ledger.entry(address) or Entry(address, backend=self.backend.name)
        named = {*bound_to(known), *(each for each in self.there() if each.field and each.key() == address)}
        gone = [each for each in sorted(named) if self._discard(each)]
        there = self._discard(address)
        if not (there or gone) and known.backend != self.backend.name:
            raise self.not_found(address)  # it is in another one, and its entry with it
        self._put_back(address, None)
        if not (there or gone):
            raise self.not_found(address)
        return [*gone, address]

    def rename(self, address: Address, new: Address, meanwhile: Callable[[], None]) -> None:
        """Gives the key another address, with everything that belongs to it.

        `meanwhile` runs while both addresses hold the key.  Begun again, it finishes what was interrupted.
        """
        if self._only_old_entry_is_left(address, new):
            meanwhile()
            self.counts().renamed(str(address), str(new))
            self._put_back(address, None)
            return
        entry = self.entry(address)
        before = self.ledger.entry(new)
        moved = entry.changed(address=new)
        self._refuse_taken(address, new, resumed=before == moved)
        self._put(moved)
        try:
            for old, target in zip(bound_to(entry), bound_to(moved), strict=True):
                with suppress(KeyNotFound):  # it went on before this began again
                    self._copy(old, target)
            self._copy(address, new)
        except RingletError:
            self._take_back(new, before, [*bound_to(moved), new])
            raise
        meanwhile()
        # while both are there: begun again, it would be done again, which changes nothing
        self.counts().renamed(str(address), str(new))
        for old in [*bound_to(entry), address]:
            self._discard(old)
        self._put_back(address, None)

    def _check_names(self, entry: Entry, drop: tuple[str, ...]) -> None:
        for name in drop:
            if name not in entry.secrets:
                what = f"{entry.address} has no bound secret {name!a}"
                raise KeyNotFound(what, why=did_you_mean(name, entry.secrets), hint="ringlet keychain list --json")

    def _only_old_entry_is_left(self, address: Address, new: Address) -> bool:
        """Whether a renaming was cut off when all but the old entry was gone."""
        old, there = self.ledger.entry(address), self.ledger.entry(new)
        same = old is not None and there is not None and old.changed(address=new) == there
        return same and not self._is_there(address) and self._is_there(new)

    def _refuse_taken(self, address: Address, new: Address, *, resumed: bool) -> None:
        if not self._is_there(new):
            return
        if not resumed or not self.backend.get(new).same_as(self.backend.get(address)):
            hint = f"choose another alias, or first: ringlet keychain remove {new.provider} {new.alias}"
            raise KeyExists(f"{new} is already in the keychain ({self.backend.place})", hint=hint)

    def _copy(self, old: Address, new: Address) -> None:
        secret = self.backend.get(old)
        self.backend.set(new, secret)
        if not self.backend.get(new).same_as(secret):
            raise KeychainBroken(f"{new} does not hold what {old} does", hint="try again")

    def _discard(self, address: Address) -> bool:
        """Whether there was something to take away."""
        try:
            self.backend.remove(address)
        except KeyNotFound:
            return False
        return True

    def _moved_here(self, entry: Entry | None) -> Entry | None:
        """An entry of another backend has its bound secrets there."""
        if entry is None or entry.backend == self.backend.name:
            return entry
        return entry.changed(backend=self.backend.name, secrets=())

    def _take_back(self, address: Address, before: Entry | None, stored: Iterable[Address]) -> None:
        """As it was, as far as that goes, where the backend failed: what is new is gone, what was replaced stays."""
        known = {*bound_to(before), address} if before else set()
        for each in set(stored) - known:
            with suppress(RingletError):
                self._discard(each)
        self._put_back(address, before)

    def _put_back(self, address: Address, entry: Entry | None) -> None:
        if entry is not None:
            self._put(entry)
            return
        with self._new_generation():
            self.ledger.forget(address)

    def _put(self, *entries: Entry) -> None:
        with self._new_generation():
            self.ledger.put(*entries)

    @contextmanager
    def _new_generation(self) -> Iterator[None]:
        """Tells compiled plans that the entries change: before, in case we die within, and after, as they are then."""
        write_private(self.generation_path, os.urandom(16).hex().encode())
        yield
        write_private(self.generation_path, os.urandom(16).hex().encode())


def _with_names(entry: Entry, secrets: Secrets) -> Entry:
    """The entry with the names of these secrets too."""
    return entry.changed(secrets=tuple(sorted({*entry.secrets, *(each.field for each in secrets if each.field)})))
