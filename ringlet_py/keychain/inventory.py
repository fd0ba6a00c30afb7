"""What is in the keychain: the entries of the keys that are really there, and the errors for those that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.entry import Address, Entry
from ringlet_py.errors import KeychainBroken, KeyExists, KeyNotFound, RingletError
from ringlet_py.keychain.fingerprints import RESERVED
from ringlet_py.suggest import nearest

if TYPE_CHECKING:
    from ringlet_py.backends import Backend
    from ringlet_py.catalog import Catalog
    from ringlet_py.ledger import Ledger

FEW = 10  # keys that a message can list
MOVABLE = frozenset(("system", "file", "sealed"))  # the backends that `ringlet keychain move` knows


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Entries in the ledger, secrets in the backend; looks at them, and changes nothing."""

    backend: Backend
    ledger: Ledger
    catalog: Catalog

    def entries(self) -> list[Entry]:
        """The keys that are really there, sorted, with what the ledger knows of them; bound secrets by their names."""
        known = {entry.address: entry for entry in self.ledger.entries()}
        there = sorted(self.there())
        bound: dict[Address, list[str]] = {}
        for address in there:
            if address.field:
                bound.setdefault(address.key(), []).append(address.field)
        return [self._entry(key, known.get(key), bound.get(key, [])) for key in there if not key.field]

    def there(self) -> set[Address]:
        """Every address that holds something, bound secrets too."""
        names = self.backend.names()
        if names is not None:
            return set(names) - {RESERVED}
        known = (address for entry in self.ledger.entries() for address in (entry.address, *bound_to(entry)))
        return {address for address in known if self._is_there(address)}

    def missing(self, there: list[Entry]) -> list[Address]:
        """What the ledger says is in this backend, but is not: removed with another tool, or a crash."""
        found = {entry.address for entry in there}
        return [e.address for e in self.ledger.entries() if e.backend == self.backend.name and e.address not in found]

    def elsewhere(self, there: list[Entry]) -> list[Entry]:
        """What the ledger says is in a backend that is not this one, and is not here too, sorted."""
        found = {entry.address for entry in there}
        others = (e for e in self.ledger.entries() if e.backend != self.backend.name and e.address not in found)
        return sorted(others, key=lambda entry: entry.address)

    def strays(self, there: list[Entry]) -> list[Address]:
        """The bound secrets whose key is not there."""
        keys = {entry.address for entry in there}
        return sorted(address for address in self.there() if address.field and address.key() not in keys)

    def entry(self, address: Address) -> Entry:
        """One entry; raises KeyNotFound if the key is not there."""
        for entry in self.entries():
            if entry.address == address:
                return entry
        raise self.not_found(address)

    def check_free(self, address: Address) -> None:
        """Raises KeyExists if there is a key at the address: asked before a person types a value."""
        self._exists(address, replace=False)

    def check_there(self, address: Address) -> None:
        """Raises KeyNotFound if there is no key at the address."""
        if not self._exists(address, replace=True):
            raise self.not_found(address)

    def not_found(self, address: Address) -> KeyNotFound:
        """The error for a key that is not there: what there is instead, how to store it, where to make one."""
        if other := self._other_backend(address):
            return KeyNotFound(
                f"{address} is not in the keychain ({self.backend.place})",
                why=f"as the ledger has it, it is in the backend {other}, and {self.backend.name} is in use",
                hint=f"ringlet keychain move --from {other} --to {self.backend.name} --select {address}",
            )
        there = self._known_to_be_there()
        near = _near(address, there or [])
        meant = near or self._of_known_provider(address, there or [])
        return KeyNotFound(
            f"{address} is not in the keychain ({self.backend.place})",
            why=_what_there_is(meant, there),
            hint=_to_look_at(near) if near else self._to_make(meant or address),
        )

    def _other_backend(self, address: Address) -> str:
        """The backend that the key is in as the ledger has it, "" if that is this one or none."""
        try:
            known = self.ledger.entry(address.key())
        except RingletError:
            return ""
        return known.backend if known and known.backend in MOVABLE - {self.backend.name} else ""

    def _known_to_be_there(self) -> list[Address] | None:
        """What there is, sorted; None where that cannot be told."""
        try:
            return sorted(name for name in self.backend.names() or [] if name != RESERVED)
        except RingletError:
            return None

    def _of_known_provider(self, wanted: Address, there: list[Address]) -> Address | None:
        """The same address at the provider of the catalog that was probably meant; None if it is one that is known."""
        known = self.catalog.providers
        near = nearest(wanted.provider, known)
        if not near or wanted.provider in {*known, *(each.provider for each in there)}:
            return None
        return Address(near, wanted.alias, wanted.field)

    def _to_make(self, address: Address) -> str:
        provider = self.catalog.providers.get(address.provider)
        page = f" (make a key at {provider.sign_up})" if provider and provider.sign_up and not address.field else ""
        return f"{address.to_set()}{page}"

    def _entry(self, address: Address, known: Entry | None, bound: list[str]) -> Entry:
        if known is None or known.backend != self.backend.name:
            return Entry(address, backend=self.backend.name, secrets=tuple(bound))
        return known.changed(secrets=tuple(sorted({*known.secrets, *bound})))

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
            what = f"{address} is already in the keychain ({self.backend.place})"
            raise KeyExists(what, hint=address.to_set(replace=True))
        return True

    def _is_there(self, address: Address) -> bool:
        try:
            self.backend.get(address)
        except KeyNotFound:
            return False
        return True


def _what_there_is(meant: Address | None, there: list[Address] | None) -> str:
    question = f"did you mean {meant}?" if meant else ""
    if there is None:
        return question
    if not there:
        return f"{question} there are no keys yet".lstrip()
    if len(there) <= FEW and there != [meant]:
        return f"{question} you have: {', '.join(map(str, there))}".lstrip()
    return question or f"you have {len(there)} others"


def _near(wanted: Address, there: list[Address]) -> Address | None:
    """The address that was probably meant: of its provider, else its alias elsewhere, else a provider's only key."""
    own = {str(each).partition("/")[2]: each for each in there if each.provider == wanted.provider}
    near = nearest(str(wanted).partition("/")[2], own)
    if near:
        return own[near]
    others = {each.provider: each for each in there if (each.alias, each.field) == (wanted.alias, wanted.field)}
    near = nearest(wanted.provider, others)
    if near:
        return others[near]
    return None if own else _only_one(nearest(wanted.provider, {each.provider for each in there}), there)


def _only_one(provider: str, there: list[Address]) -> Address | None:
    """The provider's key, if it has just one."""
    keys = [each for each in there if each.provider == provider and not each.field]
    return keys[0] if len(keys) == 1 else None


def _to_look_at(address: Address) -> str:
    return f"use {address}; what is known about it: ringlet keychain status {address.provider} {address.alias}"


def bound_to(entry: Entry) -> list[Address]:
    """The addresses of the entry's bound secrets."""
    address = entry.address
    return [Address(address.provider, address.alias, name) for name in entry.secrets]
