"""Tells whether a value is stored already, without reading any other key.

An entry keeps its key's fingerprint: an HMAC under a random value that lies beside the keys, in their backend.  So
whoever has the ledger alone cannot try out guesses on it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py.entry import Address
from ringlet_py.errors import InvalidName, KeychainBroken, KeyNotFound
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from ringlet_py.backends import Backend

# a bound secret, so that no list of keys shows it
RESERVED = Address("ringlet", "fingerprints", "key")
KEY_BYTES = 32


def check_key(address: Address) -> None:
    """Raises InvalidName for an address that is not a key's, or the one that ringlet has for itself."""
    if address.field:
        raise InvalidName(f"{address} is a bound secret's address, not a key's", hint=address.to_set())
    if address == RESERVED.key():
        raise InvalidName(f"{address} is ringlet's own", hint="choose another alias")


def fingerprint(secret: Secret, backend: Backend) -> str:
    """The secret's fingerprint in that backend, whose random value is made the first time; KeychainErrors."""
    try:
        key = backend.get(RESERVED)
    except (KeyNotFound, KeychainBroken):
        # a damaged one is made anew: older fingerprints then match nothing, and no key is lost
        key = Secret(os.urandom(KEY_BYTES).hex())
        backend.set(RESERVED, key)
    return secret.fingerprint(key)
