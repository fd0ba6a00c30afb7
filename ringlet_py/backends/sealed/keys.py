"""The data keys of one ledger in one process: unwrapped when first needed, then kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py.backends.sealed import seals
from ringlet_py.backends.sealed.masters import SLOTS
from ringlet_py.errors import KeychainBroken, MasterKeyMissing, MasterKeyWrong, StoreCorrupt
from ringlet_py.files.private import Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.backends.sealed.masters import Master
    from ringlet_py.backends.sealed.seals import DataKey
    from ringlet_py.ledger.sealed import SealedValues, WrappedKey

ATTEMPTS = 20  # each of them lost against another process that changed the very same thing


class DataKeys:
    """Opens data keys with the master key that their rows name; `chosen` is the kind of a new ledger's master key."""

    def __init__(self, values: SealedValues, masters: Mapping[str, Master], *, chosen: str, lock_path: str) -> None:
        self.values = values
        self.masters = masters
        self.chosen = chosen
        self.lock_path = lock_path
        # the keys and the current one's id, in one name: another thread sees the old pair or the new one
        self._held: tuple[dict[str, DataKey], str] = ({}, "")

    def opened(self, key_id: str) -> DataKey | None:
        """The data key of that id, or None if the ledger has none such."""
        if key_id not in self._held[0]:
            self.load()
        return self._held[0].get(key_id)

    def current(self) -> DataKey:
        """The data key for new values, made with the ledger's first value."""
        if not self._held[1] and not self.load():
            self._make_first()
        opened, current = self._held
        return opened[current]

    def load(self) -> bool:
        """Opens the keys that the ledger has now, if it has any; raises what finding the master key raises."""
        for _ in range(ATTEMPTS):
            wrapped = self.values.keys()
            if not wrapped:
                return False
            try:
                raw = self.unwrapped(wrapped)
            except (MasterKeyMissing, MasterKeyWrong):
                # somebody may have rotated between our reading the row and our looking for its master key
                if self.values.keys() == wrapped:
                    raise
                continue
            self.take(wrapped, raw)
            return True
        raise rotated_again_and_again()

    def unwrapped(self, wrapped: list[WrappedKey]) -> list[bytes]:
        """The keys themselves; one master key opens all of them, so a person is asked once."""
        master = self.master(wrapped[-1].master).find(wrapped[-1])
        return [seals.unwrap(key, master) for key in wrapped]

    def master(self, kind: str) -> Master:
        """Where master keys of that kind are; StoreCorrupt for a kind that this ringlet does not know."""
        if kind not in self.masters:
            hint = "install the newest ringlet"
            raise StoreCorrupt("the ledger names a kind of master key that is not known here", hint=hint)
        return self.masters[kind]

    def take(self, wrapped: list[WrappedKey], raw: list[bytes]) -> None:
        """Keeps the keys, the last one as the current one."""
        pairs = zip(wrapped, raw, strict=True)
        opened = {key.id: seals.DataKey(one, id=key.id, store=key.store) for key, one in pairs}
        self._held = (opened, wrapped[-1].id)

    def _make_first(self) -> None:
        with Lock(self.lock_path):
            # another process may have been first
            if not self.load():
                self._make()

    def _make(self) -> None:
        if self.values.addresses():
            raise StoreCorrupt(
                "the ledger has sealed values, and has lost the data key that opens them",
                hint="bring the ledger back from a backup; ringlet sealed status",
            )
        store, slot = os.urandom(8).hex(), SLOTS[0]
        raw = os.urandom(seals.KEY_LENGTH)
        master = self.master(self.chosen)
        opener, salt = master.make(store, slot, rotating=False)
        wrapped = seals.wrap(raw, opener, id=new_id(), store=store, kind=self.chosen, slot=slot, salt=salt)
        if self.values.add_key(wrapped, after=None):
            self.take([wrapped], [raw])
            return
        # on another machine somebody was first
        master.forget(store, slot)
        if not self.load():
            raise rotated_again_and_again()


def new_id() -> str:
    """A name for a data key."""
    return os.urandom(4).hex()


def rotated_again_and_again() -> KeychainBroken:
    """The error for a ledger whose keys change whenever one looks."""
    return KeychainBroken("the sealed values' keys change again and again", hint="try again; ringlet sealed status")
