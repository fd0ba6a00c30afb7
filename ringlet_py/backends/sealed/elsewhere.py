"""Opens what other programs sealed, with the master key that they use: Fernet and AES-256-GCM."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ringlet_py.errors import KeychainAbsent, MasterKeyWrong
from ringlet_py.files.checks import quoted
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

_NONCE = 12  # bytes
_WRONG = "it is of another length or spelling"


def unseal_fernet(sealed: bytes, master: str) -> Secret:
    """What was sealed as https://github.com/fernet/spec says; raises as `unseal_gcm`."""
    return _opened(lambda: _fernet(sealed, master))


def unseal_gcm(sealed: bytes, master: str) -> Secret:
    """What was sealed with AES-256-GCM: a nonce of 12 bytes, then the ciphertext and its tag; the key is in hex.

    Raises MasterKeyWrong if it does not open, KeychainAbsent without the package for it, InvalidSecret if what comes
    out cannot be a key.
    """
    return _opened(lambda: _gcm(sealed, master))


def _fernet(sealed: bytes, master: str) -> bytes:
    from cryptography.fernet import Fernet

    return Fernet(master.encode()).decrypt(sealed)


def _gcm(sealed: bytes, master: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(bytes.fromhex(master)).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)


def _opened(unseal: Callable[[], bytes]) -> Secret:
    try:
        from cryptography.exceptions import InvalidTag
        from cryptography.fernet import InvalidToken
    except ImportError:
        raise KeychainAbsent(
            "what other programs sealed needs the package cryptography, which is not installed",
            hint=f"{quoted(sys.executable)} -m pip install 'ringlet-py[sealed]'",
        ) from None
    try:
        raw = unseal()
    except (InvalidTag, InvalidToken):
        raise MasterKeyWrong("the master key does not open it", why="it was sealed with another", hint="") from None
    except ValueError:  # of a key or nonce that is none
        raise MasterKeyWrong("the master key is not one", why=_WRONG, hint="") from None
    return Secret.from_input(raw)
