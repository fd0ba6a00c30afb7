"""The five verbs over sealed values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.backends.sealed.keys import ATTEMPTS, rotated_again_and_again
from ringlet_py.backends.system.stored import address_of, changed_under_us, missing, refuse_unfit
from ringlet_py.errors import StoreCorrupt

if TYPE_CHECKING:
    from ringlet_py.backends.sealed.keys import DataKeys
    from ringlet_py.entry import Address
    from ringlet_py.ledger.sealed import SealedValue
    from ringlet_py.secret import Secret


class SealedBackend:
    """The values of one ledger; see `ringlet_py.backends` for what the verbs promise.

    It keeps the ledger open and the data keys unwrapped for as long as it lives; it may be shared by threads
    and carried over a fork.
    """

    name = "sealed"
    place = "ledger, sealed"
    max_length = 65_536

    def __init__(self, keys: DataKeys) -> None:
        self.keys = keys
        self._values = keys.values

    def get(self, address: Address) -> Secret:
        """The secret; KeyNotFound, StoreCorrupt for what does not open, or what finding the master key raises."""
        for _ in range(ATTEMPTS):
            value = self._values.value(str(address))
            if value is None:
                raise missing(address, place=self.place)
            key = self.keys.opened(value.key_id)
            if key is not None:
                return key.unseal(value, address)
            self._refuse_orphan(value, address)
        raise rotated_again_and_again()

    def unsealed(self, value: SealedValue, address: Address) -> Secret:
        """The secret in a value that was just read; raises as `get`, which is asked if its data key was rotated."""
        key = self.keys.opened(value.key_id)
        return key.unseal(value, address) if key else self.get(address)

    def set(self, address: Address, secret: Secret) -> None:
        """Makes or replaces; raises as `get`, and InvalidSecret before anything is written."""
        refuse_unfit(secret, address, most=self.max_length, place=self.place)
        for _ in range(ATTEMPTS):
            sealed = self.keys.current().seal(address, secret)
            if self._values.put(sealed):
                self._read_back(sealed, address, secret)
                return
            # a new data key was made meanwhile, and the old one will soon be gone
            self.keys.load()
        raise rotated_again_and_again()

    def remove(self, address: Address) -> None:
        """Takes the value away, without a master key; KeyNotFound."""
        if not self._values.remove(str(address)):
            raise missing(address, place=self.place)

    def names(self) -> list[Address]:
        """What is there, sorted, without a master key."""
        found = (address_of(name) for name in self._values.addresses())
        return sorted(address for address in found if address)

    def check(self) -> None:
        """Returns if the data keys can be opened, or there are none yet; raises as `get`."""
        self.keys.load()

    def _read_back(self, sealed: SealedValue, address: Address, secret: Secret) -> None:
        found = self._values.value(sealed.address)
        # where another process wrote after us, its value counts
        if found == sealed and not self.get(address).same_as(secret):
            raise changed_under_us(address, place=self.place)

    def _refuse_orphan(self, value: SealedValue, address: Address) -> None:
        """A value whose data key is gone is damage, unless it was sealed anew since we read it."""
        if self._values.value(value.address) == value:
            raise StoreCorrupt(
                f"the sealed value of {address} names a data key that is not in the ledger",
                why="the ledger was changed behind ringlet's back, or is damaged",
                hint=address.to_set(replace=True),
            )
