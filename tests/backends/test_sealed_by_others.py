"""What other programs sealed is opened with their master key, and no failure shows either."""

from __future__ import annotations

import os
import sys

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringlet_py.backends.sealed.elsewhere import unseal_fernet, unseal_gcm
from ringlet_py.errors import InvalidSecret, KeychainAbsent, MasterKeyWrong
from ringlet_py.secret import Secret

VALUE = "sk-proj-0123456789abcdef"
FERNET = Fernet.generate_key().decode()
GCM = "0f" * 32


def gcm(value: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(bytes.fromhex(GCM)).encrypt(nonce, value.encode(), None)


def fernet(value: str) -> bytes:
    return Fernet(FERNET.encode()).encrypt(value.encode())


def test_it_opens() -> None:
    assert unseal_fernet(fernet(VALUE), FERNET).same_as(Secret(VALUE))
    assert unseal_gcm(gcm(VALUE), GCM).same_as(Secret(VALUE))


@pytest.mark.parametrize("sealed", [b"", b"short", gcm(VALUE)[:-1]], ids=["nothing", "short", "cut"])
def test_what_was_changed_or_is_another_s_does_not_open(sealed: bytes) -> None:
    with pytest.raises(MasterKeyWrong):
        unseal_gcm(sealed, GCM)
    with pytest.raises(MasterKeyWrong):
        unseal_fernet(sealed, FERNET)


@pytest.mark.parametrize("master", ["", "short", "\N{SNOWMAN}", "f" * 63])
def test_what_is_no_master_key_is_told_apart(master: str) -> None:
    for unseal, sealed in ((unseal_gcm, gcm(VALUE)), (unseal_fernet, fernet(VALUE))):
        with pytest.raises(MasterKeyWrong, match="is not one") as caught:
            unseal(sealed, master)
        assert caught.value.__suppress_context__
        assert not master or master not in f"{caught.value} {caught.value.why}"


def test_what_comes_out_must_be_a_key() -> None:
    with pytest.raises(InvalidSecret):
        unseal_gcm(gcm("two words"), GCM)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(KeychainAbsent) as caught:
        unseal_fernet(b"", FERNET)
    assert "pip install 'ringlet-py[sealed]'" in caught.value.hint
