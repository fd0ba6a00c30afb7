"""Keeps an entry and its secret together; every set, replace and remove is recorded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py import values
from ringlet_py.entry import Entry, utc
from ringlet_py.errors import InvalidSecret, KeychainBroken, KeyExists, KeyNotFound, RingletError
from ringlet_py.files.private import Lock, write_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.audit import Recorder
    from ringlet_py.backends import Backend
    from ringlet_py.catalog import Catalog
    from ringlet_py.entry import Address
    from ringlet_py.ledger import Ledger
    from ringlet_py.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Keychain:
    """Entries in the ledger, secrets in the backend; one lock between processes covers every change."""

    backend: Backend
    ledger: Ledger
    audit: Recorder
    catalog: Catalog
    lock_path: str
    generation_path: str
    clock: Callable[[], float]

    def set(self, address: Address, secret: Secret, *, replace: bool = False, force: bool = False) -> list[str]:
        """Stores the secret and returns warnings about it.

        The ledger comes first, so that a crash leaves at worst an entry without its key, never a key that
        no list shows.  Raises KeyExists without `replace`; without `force` KeySuspicious and
        ProviderSuspicious; InvalidSecret for a value the backend cannot take; KeychainErrors.
        """
        try:
            warnings = values.check(address, secret, self.catalog.providers, force=force)
            self._check_length(secret)
            with Lock(self.lock_path):
                existed = self._exists(address, replace=replace)
                self._store(address, secret, existed=existed)
        except RingletError as problem:
            self._record("replace" if replace else "set", address, problem.code, secret)
            raise
        self._record("replace" if existed else "set", address, "ok", secret)
        return warnings

    def remove(self, address: Address) -> None:
        """Takes the key away, secret first; raises KeyNotFound, KeychainErrors."""
        try:
            with Lock(self.lock_path):
                self._remove(address)
        except RingletError as problem:
            self._record("remove", address, problem.code)
            raise
        self._record("remove", address, "ok")

    def check_free(self, address: Address) -> None:
        """Raises KeyExists if there is a key at the address: asked before a person types a value."""
        self._exists(address, replace=False)

    def check_there(self, address: Address) -> None:
        """Raises KeyNotFound if there is no key at the address."""
        if not self._exists(address, replace=True):
            raise self.not_found(address)

    def entries(self) -> list[Entry]:
        """What is really there, sorted, with what the ledger knows of it."""
        known = {entry.address: entry for entry in self.ledger.entries()}
        there = self.backend.names()
        if there is None:
            there = [address for address in known if self._is_there(address)]
        return [self._entry(address, known.get(address)) for address in sorted(set(there))]

    def missing(self, there: list[Entry]) -> list[Address]:
        """What the ledger says is in this backend, but is not: removed with another tool, or a crash."""
        found = {entry.address for entry in there}
        return [e.address for e in self.ledger.entries() if e.backend == self.backend.name and e.address not in found]

    def entry(self, address: Address) -> Entry:
        """One entry; raises KeyNotFound if the key is not there."""
        for entry in self.entries():
            if entry.address == address:
                return entry
        raise self.not_found(address)

    def not_found(self, address: Address) -> KeyNotFound:
        """The error for a key that is not there: what there is instead, how to store it, where to make one."""
        provider = self.catalog.providers.get(address.provider)
        page = f" (make a key at {provider.sign_up})" if provider and provider.sign_up else ""
        return KeyNotFound(
            f"{address} is not in the keychain ({self.backend.place})",
            why=self._what_there_is(),
            hint=f"ringlet keychain set {address.provider} {address.alias}{page}",
        )

    def _what_there_is(self) -> str:
        try:
            there = self.backend.names() or []
        except RingletError:
            return ""
        return f"you have: {', '.join(map(str, sorted(there)))}" if there else "there are no keys yet"

    def _entry(self, address: Address, known: Entry | None) -> Entry:
        if known is not None and known.backend == self.backend.name:
            return known
        return Entry(address, backend=self.backend.name)

    def _exists(self, address: Address, *, replace: bool) -> bool:
        try:
            self.backend.get(address)
        except KeyNotFound:
            return False
        except KeychainBroken:
            if not replace:
                raise
            return True  # a damaged value (empty, say) is what --replace is there to mend
        if not replace:
            raise KeyExists(
                f"{address} is already in the keychain ({self.backend.place})",
                hint=f"ringlet keychain set {address.provider} {address.alias} --replace",
            )
        return True

    def _is_there(self, address: Address) -> bool:
        try:
            self.backend.get(address)
        except KeyNotFound:
            return False
        return True

    def _check_length(self, secret: Secret) -> None:
        if secret.length > self.backend.max_length:
            raise InvalidSecret(
                f"the value is longer than {self.backend.place} takes ({self.backend.max_length} characters)"
            )

    def _store(self, address: Address, secret: Secret, *, existed: bool) -> None:
        before = self.ledger.entry(address)
        now = utc(self.clock())
        if existed:
            self.backend.set(address, secret)
            created = before.created_at if before else ""
            self._put(address, Entry(address, backend=self.backend.name, created_at=created, replaced_at=now))
            return
        self._put(address, Entry(address, backend=self.backend.name, created_at=now))
        try:
            self.backend.set(address, secret)
        except RingletError:
            self._put(address, before)
            raise

    def _put(self, address: Address, entry: Entry | None) -> None:
        """Changes the ledger, and the generation with it, which tells compiled plans of the change."""
        if entry is None:
            self.ledger.forget(address)
        else:
            self.ledger.put(entry)
        write_private(self.generation_path, os.urandom(16).hex().encode())

    def _remove(self, address: Address) -> None:
        try:
            self.backend.remove(address)
        except KeyNotFound:
            self._put(address, None)
            raise self.not_found(address) from None
        self._put(address, None)

    def _record(self, action: str, address: Address, outcome: str, *secrets: Secret) -> None:
        self.audit.append(action, outcome, address=str(address), backend=self.backend.name, secrets=secrets)
