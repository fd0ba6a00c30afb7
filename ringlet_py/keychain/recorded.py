"""The keychain: checks what it is given, changes it under one lock between processes, and records every change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py import values
from ringlet_py.entry import Address
from ringlet_py.errors import InvalidSecret, KeyDuplicate, RingletError, UsageError
from ringlet_py.fields import checked, differences
from ringlet_py.files.private import Lock
from ringlet_py.keychain.changes import Changes, NoCounts
from ringlet_py.keychain.fingerprints import check_key, fingerprint
from ringlet_py.keychain.inventory import Inventory, bound_to

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from ringlet_py.audit import Recorder
    from ringlet_py.entry import Entry
    from ringlet_py.keychain.changes import Counts
    from ringlet_py.secret import Secret

    T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Keychain(Inventory):
    """Entries in the ledger, secrets in the backend; `known_tier` raises TierNotFound for a tier that there is not.

    `counts` gives what is counted of keys, which follows a new value or address.
    """

    audit: Recorder
    lock_path: str
    generation_path: str
    clock: Callable[[], float]
    known_tier: Callable[[str], object]
    counts: Callable[[], Counts] = NoCounts

    def set(
        self,
        address: Address,
        secret: Secret,
        *,
        replace: bool = False,
        force: bool = False,
        fields: Mapping[str, Any] | None = None,
        bound: Mapping[str, Secret] | None = None,
    ) -> list[str]:
        """Stores the secret, with fields as people write them and bound secrets, and returns warnings about it.

        A replaced key keeps the fields that are not given, but for its expiry, which was the old value's.  Raises
        KeyExists without `replace`; without `force` KeySuspicious, ProviderSuspicious and KeyDuplicate; InvalidSecret
        for a value the backend cannot take; InvalidField; KeychainErrors.
        """
        secrets = {**_addressed(address, bound or {}), address: secret}
        before: frozenset[Address] = frozenset()
        try:
            check_key(address)
            warnings = values.check(address, secret, self.catalog.providers, force=force)
            self._check_lengths(*secrets.values())
            given = {"expires_at": "", **self._checked(fields or {})}
            with Lock(self.lock_path):
                existed = self._exists(address, replace=replace)
                before = self._held(address) if existed else before
                given["fingerprint"] = self._fingerprint(address, secret, force=force)
                self._changes.store(address, secrets, given, existed=existed)
        except RingletError as problem:
            self._record("replace" if replace else "set", address, problem.code, secret)
            raise
        for each, value in secrets.items():
            self._record("replace" if each in before else "set", each, "ok", value)
        return warnings

    def edit(
        self,
        addresses: Sequence[Address],
        fields: Mapping[str, Any],
        *,
        bound: Mapping[str, Secret] | None = None,
        drop: Sequence[str] = (),
    ) -> list[tuple[Entry, Entry]]:
        """Changes these fields of the keys, all or none; returns each entry as it was and as it is.

        Bound secrets are stored and dropped for one key at a time.  Raises KeyNotFound, InvalidField, InvalidSecret,
        KeychainErrors.
        """
        if len(addresses) > 1 and (bound or drop):
            hint = "name the key: ringlet keychain edit PROVIDER ALIAS --secret NAME"
            raise UsageError("a bound secret is stored or dropped for one key at a time", hint=hint)
        secrets = {a: s for address in addresses for a, s in _addressed(address, bound or {}).items()}
        try:
            for address in addresses:
                check_key(address)
            self._check_lengths(*secrets.values())
            given = self._checked(fields)
            with Lock(self.lock_path):
                changed = self._changes.edit(addresses, given, drop=tuple(drop))
                if bound or drop:
                    changed = [(b, self._changes.bind(b, a, secrets, tuple(drop))) for b, a in changed]
        except RingletError as problem:
            for address in addresses:
                self._record("edit", address, problem.code)
            raise
        for before, after in changed:
            self._record_edit(before, after, secrets, drop)
        return changed

    def remove(self, address: Address) -> None:
        """Takes the key away, its bound secrets first; raises KeyNotFound, KeychainErrors."""
        try:
            with Lock(self.lock_path):
                removed = self._changes.remove(address)
        except RingletError as problem:
            self._record("remove", address, problem.code)
            raise
        for each in removed:
            self._record("remove", each, "ok")

    def rename(self, address: Address, new: Address, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Gives the key another address; begun again, it finishes what was interrupted.

        `meanwhile` runs while both addresses hold the key.  Raises KeyNotFound, KeyExists, KeychainErrors.
        """
        try:
            check_key(new)
            if new == address:
                raise UsageError(f"{address} has that alias already", hint="choose another alias")
            with Lock(self.lock_path):
                self._changes.rename(address, new, meanwhile)
        except RingletError as problem:
            self._record("rename", address, problem.code, purpose=f"to {new}")
            raise
        self._record("rename", address, "ok", purpose=f"to {new}")

    @property
    def _changes(self) -> Changes:
        return Changes(
            backend=self.backend,
            ledger=self.ledger,
            catalog=self.catalog,
            generation_path=self.generation_path,
            clock=self.clock,
            counts=self.counts,
        )

    def check_fields(self, fields: Mapping[str, Any]) -> None:
        """Raises InvalidField or LimitInvalid for what an entry cannot hold: asked before a person types a value."""
        self._checked(fields)

    def _checked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        given = checked(fields, providers=self.catalog.providers, now=self.clock())
        if given.get("tier"):
            self.known_tier(given["tier"])
        return given

    def _check_lengths(self, *secrets: Secret) -> None:
        if any(secret.length > self.backend.max_length for secret in secrets):
            raise InvalidSecret(
                f"the value is longer than {self.backend.place} takes ({self.backend.max_length} characters)"
            )

    def _held(self, address: Address) -> frozenset[Address]:
        """The address of the key that is there, and those of its bound secrets."""
        entry = self.ledger.entry(address)
        return frozenset([address, *(bound_to(entry) if entry else ())])

    def _fingerprint(self, address: Address, secret: Secret, *, force: bool) -> str:
        """The value's fingerprint; KeyDuplicate if another key that is there has it, unless forced."""
        found = fingerprint(secret, self.backend)
        others = [entry.address for entry in self.ledger.same(found) if entry.address != address]
        if not others or force:
            return found
        there = self.backend.names()
        twins = [str(other) for other in others if there is None or other in there]
        if twins:
            raise KeyDuplicate(f"the value for {address} is already stored as {', '.join(twins)}")
        return found

    def _record_edit(self, before: Entry, after: Entry, secrets: Mapping[Address, Secret], drop: Sequence[str]) -> None:
        names = ", ".join(name for name, _, _ in differences(before, after))
        if names:
            self._record("edit", after.address, "ok", purpose=f"fields: {names}")
        for each, value in secrets.items():
            self._record("replace" if each.field in before.secrets else "set", each, "ok", value)
        for each in _addressed(after.address, dict.fromkeys(drop)):
            self._record("remove", each, "ok")

    def _record(self, action: str, address: Address, outcome: str, *secrets: Secret, purpose: str = "") -> None:
        self.audit.append(
            action, outcome, address=str(address), backend=self.backend.name, purpose=purpose, secrets=secrets
        )


def _addressed(address: Address, bound: Mapping[str, T]) -> dict[Address, T]:
    """The bound secrets of the key by their addresses."""
    return {Address(address.provider, address.alias, name): each for name, each in bound.items()}
