"""How a value is sealed and a data key wrapped: AES-256-GCM, with everything that names the place authenticated."""

from __future__ import annotations

import os
import sys
from struct import Struct
from typing import TYPE_CHECKING, NoReturn

from ringlet_py.errors import KeychainAbsent, MasterKeyWrong, StoreCorrupt
from ringlet_py.files.checks import quoted
from ringlet_py.ledger.sealed import SealedValue, WrappedKey
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ringlet_py.entry import Address

SCHEME = "s1"
KEY_LENGTH = 32  # bytes: AES-256
_length = Struct(">I").pack  # of a part of what is authenticated
_NONCE_LENGTH = 12  # bytes, as NIST SP 800-38D (5.2.1.1) recommends; random, so 2**32 values a data key at most (8.3)


class DataKey:
    """An unwrapped data key: seals and opens the values of one ledger, and never shows itself."""

    __slots__ = ("_aead", "_bound", "id", "store")

    def __init__(self, raw: bytes, *, id: str, store: str) -> None:  # noqa: A002 - it is called so everywhere
        self.id = id
        self.store = store
        self._aead = _aead(raw)
        self._bound = _joined("value", SCHEME, store, id)

    def seal(self, address: Address, secret: Secret) -> SealedValue:
        """The secret, to be opened at that address alone."""
        nonce = os.urandom(_NONCE_LENGTH)
        sealed = self._aead.encrypt(nonce, secret.reveal().encode(), self._bound_to(address))
        return SealedValue(address=str(address), scheme=SCHEME, key_id=self.id, nonce=nonce, ciphertext=sealed)

    def unseal(self, value: SealedValue, address: Address) -> Secret:
        """The secret; StoreCorrupt if anything about the value or its place is not as it was sealed."""
        if value.scheme != SCHEME:
            raise _unknown_scheme(f"the sealed value of {address}")
        raw = _opened(self._aead, value.nonce, value.ciphertext, self._bound_to(address))
        if raw is None:
            raise StoreCorrupt(
                f"the sealed value of {address} does not open",
                why="it was changed or moved behind ringlet's back, or the ledger is damaged",
                hint=address.to_set(replace=True),
            )
        return Secret(raw.decode())

    def _bound_to(self, address: Address) -> bytes:
        # `_joined` written out, since every claim needs it
        provider, alias, field = address.provider.encode(), address.alias.encode(), address.field.encode()
        parts = (_length(len(provider)), provider, _length(len(alias)), alias, _length(len(field)), field)
        return self._bound + b"".join(parts)

    def __repr__(self) -> str:
        return f"DataKey({self.id}, ***)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a data key is not pickled or copied")


def wrap(raw: bytes, master: bytes, *, id: str, store: str, kind: str, slot: str, salt: bytes) -> WrappedKey:  # noqa: A002 - a record of named fields
    """The data key, to be opened by that master key alone."""
    nonce = os.urandom(_NONCE_LENGTH)
    bound = _joined("data key", SCHEME, store, id, kind, slot, salt.hex())
    return WrappedKey(
        id=id,
        store=store,
        scheme=SCHEME,
        master=kind,
        slot=slot,
        salt=salt,
        nonce=nonce,
        ciphertext=_aead(master).encrypt(nonce, raw, bound),
    )


def unwrap(key: WrappedKey, master: bytes) -> bytes:
    """The data key; MasterKeyWrong if that master key does not open it."""
    if key.scheme != SCHEME:
        raise _unknown_scheme(f"the data key {key.id}")
    bound = _joined("data key", SCHEME, key.store, key.id, key.master, key.slot, key.salt.hex())
    raw = _opened(_aead(master), key.nonce, key.ciphertext, bound)
    if raw is None or len(raw) != KEY_LENGTH:
        raise MasterKeyWrong(
            f"the master key ({key.master}) does not open the data key {key.id}",
            why="it is another ledger's or an earlier one, or the ledger was changed behind ringlet's back",
            hint="ringlet sealed status",
        )
    return raw


def derived(passphrase: bytes, salt: bytes) -> bytes:
    """The master key out of a passphrase: scrypt with OWASP's first choice, 128 MiB and about half a second."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=KEY_LENGTH, n=2**17, r=8, p=1).derive(passphrase)


def _opened(aead: AESGCM, nonce: bytes, ciphertext: bytes, bound: bytes) -> bytes | None:
    try:
        return aead.decrypt(nonce, ciphertext, bound)
    except Exception as problem:
        from cryptography.exceptions import InvalidTag

        if not isinstance(problem, (InvalidTag, ValueError)):  # the latter for a nonce of a wrong length
            raise
        return None


def _aead(key: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise KeychainAbsent(
            "the sealed backend needs the package cryptography, which is not installed",
            hint=f"{quoted(sys.executable)} -m pip install 'ringlet-py[sealed]'",
        ) from None
    return AESGCM(key)


def _joined(*parts: str) -> bytes:
    """The parts with their lengths before them, so that no two lists of parts give the same bytes."""
    return b"".join([_length(len(part)) + part for part in map(str.encode, parts)])


def _unknown_scheme(what: str) -> StoreCorrupt:
    why = f"this ringlet knows the scheme {SCHEME!r} only"
    return StoreCorrupt(f"{what} has an unknown scheme", why=why, hint="install the newest ringlet")
