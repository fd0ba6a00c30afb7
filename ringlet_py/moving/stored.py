"""Which values the keychain has already, told by fingerprint: no key is read for it, and nobody is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.errors import KeyNotFound, RingletError
from ringlet_py.keychain.fingerprints import RESERVED
from ringlet_py.secret import REDACTED, Secret
from ringlet_py.values import KEY_LENGTH

if TYPE_CHECKING:
    from ringlet_py.entry import Address
    from ringlet_py.keychain import Keychain

_WORD = re.compile(rf"[A-Za-z0-9_.+/~-]{{{KEY_LENGTH},}}=*")


class Stored:
    """The keychain as far as it can be known; `note` says why it is not known, "" if it is."""

    def __init__(self, keychain: Keychain) -> None:
        self.note = ""
        self.there: set[Address] = set()
        self._addresses: dict[str, str] = {}
        self._key: Secret | None = None
        try:
            self._look(keychain)
        except RingletError as problem:
            self.note = f"what is stored already could not be told: {problem.what}"

    def address(self, value: Secret) -> str:
        """The address of the key that has this value, or ""."""
        return self._addresses.get(value.fingerprint(self._key), "") if self._key is not None else ""

    def redacted(self, text: str) -> str:
        """The text without the words that are stored values, which may read like no key."""
        return _WORD.sub(lambda word: REDACTED if self.address(Secret(word[0])) else word[0], text)

    def _look(self, keychain: Keychain) -> None:
        keychain.backend.check()  # raises where a person would have to be asked
        self.there = {address.key() for address in keychain.there()}
        try:
            self._key = keychain.backend.get(RESERVED)
        except KeyNotFound:
            return
        for entry in keychain.ledger.entries():
            if entry.fingerprint and entry.backend == keychain.backend.name and entry.address in self.there:
                self._addresses.setdefault(entry.fingerprint, str(entry.address))
