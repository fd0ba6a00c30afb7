"""New master keys and new data keys, while others read and write; whatever stops it, every value stays readable."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.backends.sealed import seals
from ringlet_py.backends.sealed.keys import new_id, rotated_again_and_again
from ringlet_py.backends.sealed.masters import SLOTS
from ringlet_py.backends.system.stored import address_of
from ringlet_py.errors import KeychainBroken, KeychainError, NotFound, StoreCorrupt, UsageError
from ringlet_py.files.private import Lock

if TYPE_CHECKING:
    from ringlet_py.backends.sealed.keys import DataKeys
    from ringlet_py.ledger.sealed import WrappedKey


@dataclass(frozen=True, kw_only=True)
class KeyStatus:
    """One data key: its id, how many values it seals, and whether new ones are sealed with it."""

    id: str
    values: int
    current: bool


@dataclass(frozen=True, kw_only=True)
class SealedStatus:
    """The kind of master key in use ("" if nothing was ever sealed), that of config.toml, and the data keys."""

    master: str
    chosen: str
    keys: tuple[KeyStatus, ...]


def status(keys: DataKeys) -> SealedStatus:
    """What is sealed with what; needs no master key."""
    wrapped, counts = keys.values.keys(), keys.values.counts()
    current = wrapped[-1].id if wrapped else ""
    ids = list(dict.fromkeys([*(key.id for key in wrapped), *sorted(counts)]))
    return SealedStatus(
        master=wrapped[-1].master if wrapped else "",
        chosen=keys.chosen,
        keys=tuple(KeyStatus(id=one, values=counts.get(one, 0), current=one == current) for one in ids),
    )


def rotate(keys: DataKeys, *, to: str, reseal: bool = False) -> int:
    """Wraps the data keys under a new master key of the kind `to`; with `reseal`, seals all values with a new data key.

    Returns how many values were sealed anew.  A reseal that was stopped goes on where it stood.  Raises
    NotFound if nothing was ever sealed, and whatever finding the old or making the new master key raises.
    """
    with Lock(keys.lock_path):
        wrapped = keys.values.keys()
        if not wrapped:
            raise NotFound("nothing is sealed yet, so there is no master key", hint="ringlet keychain set --help")
        return _Rotation(keys, wrapped).run(to, reseal=reseal)


class _Rotation:
    """One rotation; what it knows of the ledger's keys is kept up to date step by step."""

    def __init__(self, keys: DataKeys, wrapped: list[WrappedKey]) -> None:
        self._keys = keys
        self._values = keys.values
        self._old_master = keys.master(wrapped[-1].master).find(wrapped[-1])
        self._wrapped = wrapped
        self._raw = [seals.unwrap(key, self._old_master) for key in wrapped]

    def run(self, to: str, *, reseal: bool) -> int:
        master = self._rewrap(to)
        if not reseal:
            return 0
        # more than one: an earlier reseal was stopped
        if len(self._wrapped) == 1:
            self._add_key(master)
        self._keys.take(self._wrapped, self._raw)
        return self._reseal()

    def _rewrap(self, to: str) -> bytes:
        """Step by step: the new master key is kept, the rows are changed at once, the old one is forgotten."""
        last = self._wrapped[-1]
        target = self._keys.master(to)
        slot = SLOTS[1] if (to, SLOTS[0]) == (last.master, last.slot) else SLOTS[0]
        master, salt = target.make(last.store, slot, rotating=True)
        if master == self._old_master:
            hint = "put the new one into RINGLET_NEW_MASTER_KEY, and leave RINGLET_MASTER_KEY as it is"
            raise UsageError("the new master key is the old one", hint=hint)
        named = [(key.id, raw) for key, raw in zip(self._wrapped, self._raw, strict=True)]
        new = [seals.wrap(raw, master, id=i, store=last.store, kind=to, slot=slot, salt=salt) for i, raw in named]
        if not self._values.rewrap(list(zip(self._wrapped, new, strict=True))):
            target.forget(last.store, slot)
            raise rotated_again_and_again()
        self._wrapped = new
        self._forget(last)
        return master

    def _forget(self, old: WrappedKey) -> None:
        try:
            self._keys.master(old.master).forget(old.store, old.slot)
        except KeychainError as problem:
            what = "the data key is under its new master key, but the old one could not be taken away"
            raise KeychainBroken(what, why=problem.what, hint="ringlet sealed rotate") from None

    def _add_key(self, master: bytes) -> None:
        last, raw = self._wrapped[-1], os.urandom(seals.KEY_LENGTH)
        place = {"store": last.store, "kind": last.master, "slot": last.slot}
        key = seals.wrap(raw, master, id=new_id(), salt=last.salt, **place)
        if not self._values.add_key(key, after=last):
            raise rotated_again_and_again()
        self._wrapped = [*self._wrapped, key]
        self._raw = [*self._raw, raw]

    def _reseal(self) -> int:
        """One value at a time, each replaced only if nobody else did; then the old keys are dropped."""
        current, done = self._wrapped[-1].id, 0
        for name in self._values.not_under(current):
            done += self._reseal_one(name)
        # nothing is sealed with an old key any longer: `put` refuses it since the new one is there
        for key in self._wrapped[:-1]:
            if not self._values.drop_key(key.id):
                raise rotated_again_and_again()
        return done

    def _reseal_one(self, name: str) -> bool:
        address, value = address_of(name), self._values.value(name)
        if value is None:
            return False
        if address is None:
            raise StoreCorrupt("the ledger has a sealed value whose name cannot be one", hint="ringlet sealed status")
        key, current = self._keys.opened(value.key_id), self._keys.current()
        if key is None:
            raise StoreCorrupt(
                f"the sealed value of {address} names a data key that is not in the ledger",
                hint=address.to_set(replace=True),
            )
        return key is not current and self._values.swap(value, current.seal(address, key.unseal(value, address)))
