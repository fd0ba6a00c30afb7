from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.sealed import passphrase, seals
from ringlet_py.backends.sealed.masters import Account
from ringlet_py.backends.system.stored import address_of
from ringlet_py.errors import (
    ConfigError,
    InsecurePermissions,
    InvalidSecret,
    KeychainAbsent,
    KeychainDenied,
    KeychainLocked,
    KeychainTimeout,
    MasterKeyMissing,
    MasterKeyWrong,
    RingletError,
)
from ringlet_py.secret import Secret
from tests.backends.contract import HOME, NEW, OLD, WORK
from tests.backends.sealed_cases import KINDS, SealedHome

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing on Windows")


@pytest.fixture
def sealed(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SealedHome:
    if "real_scrypt" not in request.node.name:
        monkeypatch.setattr(seals, "derived", lambda typed, salt: (typed + salt + bytes(32))[:32])
    return SealedHome(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_opens_what_the_first_has_sealed(sealed: SealedHome, kind: str):
    sealed.open(kind).set(WORK, Secret(OLD))

    assert sealed.open(kind).get(WORK).reveal() == OLD
    sealed.open(kind).set(HOME, Secret(NEW))
    assert sealed.sql("SELECT DISTINCT master, count(*) FROM sealed_keys") == [(kind, 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_ledger_says_which_kind_it_is_whatever_was_configured_since(sealed: SealedHome, kind: str):
    sealed.open(kind).set(WORK, Secret(OLD))

    assert all(sealed.open(other).get(WORK).reveal() == OLD for other in KINDS)


@pytest.mark.slow
def test_a_real_scrypt_passphrase(sealed: SealedHome):
    sealed.open("passphrase").set(WORK, Secret(OLD))
    assert sealed.open().get(WORK).reveal() == OLD

    sealed.passphrase += "!"
    with pytest.raises(MasterKeyWrong):
        sealed.open().get(WORK)


# the OS keychain


def test_the_account_in_the_keychain_is_nobodys_address(sealed: SealedHome):
    sealed.open("system").set(WORK, Secret(OLD))

    [account] = sealed.keychain._secrets
    assert isinstance(account, Account)
    assert address_of(str(account)) is None


@pytest.mark.parametrize("failure", [KeychainLocked, KeychainDenied, KeychainTimeout, KeychainAbsent])
def test_what_ails_the_keychain_is_said_as_it_is(sealed: SealedHome, failure: type[RingletError]):
    sealed.open("system").set(WORK, Secret(OLD))
    sealed.keychain.failure = failure("the keychain says no")

    for act in (lambda: sealed.open().get(WORK), lambda: sealed.open().set(HOME, Secret(NEW)), sealed.open().check):
        with pytest.raises(failure):
            act()
    sealed.keychain.failure = None
    assert sealed.open().get(WORK).reveal() == OLD


def test_without_a_keychain_another_kind_is_suggested(sealed: SealedHome):
    sealed.keychain.failure = KeychainAbsent("there is no keychain")

    with pytest.raises(KeychainAbsent) as caught:
        sealed.open("system").set(WORK, Secret(OLD))
    assert 'master-key = "file"' in caught.value.hint
    assert sealed.open("file").names() == []


def test_another_programs_value_in_its_account_is_a_wrong_master_key(sealed: SealedHome):
    sealed.open("system").set(WORK, Secret(OLD))
    [account] = sealed.keychain._secrets
    for text in ("no-hex", "0f" * 31, "0f" * 32):
        sealed.keychain._secrets[account] = Secret(text)
        with pytest.raises(MasterKeyWrong):
            sealed.open().get(WORK)


# the variable


@pytest.mark.parametrize("text", ["0f" * 31, "0f" * 33, "zz" * 32, "0x" + "0f" * 31, "٣" * 64])
def test_a_malformed_variable_is_a_configuration_error_without_its_text(sealed: SealedHome, text: str):
    sealed.environ["RINGLET_MASTER_KEY"] = text

    with pytest.raises(ConfigError, match="RINGLET_MASTER_KEY is not 64 hexadecimal digits") as caught:
        sealed.open("env").set(WORK, Secret(OLD))
    assert text not in f"{caught.value.why} {caught.value.hint}"


def test_an_unset_variable_is_a_missing_master_key_and_another_one_a_wrong_one(sealed: SealedHome):
    sealed.open("env").set(WORK, Secret(OLD))
    sealed.environ["RINGLET_MASTER_KEY"] = "1f" * 32
    with pytest.raises(MasterKeyWrong):
        sealed.open().get(WORK)
    del sealed.environ["RINGLET_MASTER_KEY"]
    with pytest.raises(MasterKeyMissing, match="RINGLET_MASTER_KEY is not set"):
        sealed.open().get(WORK)

    sealed.environ["RINGLET_MASTER_KEY"] = "0F" * 32 + "\n"
    assert sealed.open().get(WORK).reveal() == OLD


# the file


@posix
def test_the_file_is_born_private_and_refused_otherwise(sealed: SealedHome):
    sealed.open("file").set(WORK, Secret(OLD))
    assert stat.S_IMODE(sealed.master_file.stat().st_mode) == 0o600

    sealed.master_file.chmod(0o640)
    with pytest.raises(InsecurePermissions):
        sealed.open().get(WORK)


@posix
def test_a_linked_file_is_refused(sealed: SealedHome, tmp_path: Path):
    sealed.open("file").set(WORK, Secret(OLD))
    sealed.master_file.rename(tmp_path / "elsewhere")
    sealed.master_file.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InsecurePermissions):
        sealed.open().get(WORK)


def test_two_ledgers_share_the_file(sealed: SealedHome, tmp_path: Path):
    sealed.open("file").set(WORK, Secret(OLD))
    sealed.ledger.rename(tmp_path / "first")
    for name in ("-wal", "-shm"):
        sealed.ledger.with_name(sealed.ledger.name + name).unlink(missing_ok=True)
    sealed.open("file").set(WORK, Secret(NEW))
    assert sealed.open().get(WORK).reveal() == NEW

    (tmp_path / "first").rename(sealed.ledger)
    assert sealed.open().get(WORK).reveal() == OLD


def test_a_damaged_line_is_a_wrong_master_key(sealed: SealedHome):
    sealed.open("file").set(WORK, Secret(OLD))
    sealed.master_file.write_text(sealed.master_file.read_text()[:-9] + "\n")

    with pytest.raises(MasterKeyWrong, match=r"master\.key"):
        sealed.open().get(WORK)


# the passphrase


def test_a_new_passphrase_is_typed_twice_and_then_once_a_process(sealed: SealedHome):
    sealed.open("passphrase").set(WORK, Secret(OLD))
    assert len(sealed.asked) == 2
    reader = sealed.open()
    for _ in range(3):
        reader.get(WORK)

    assert len(sealed.asked) == 3


def test_two_different_passphrases_seal_nothing(sealed: SealedHome, monkeypatch: pytest.MonkeyPatch):
    typed = iter(["first passphrase", "other passphrase"])
    monkeypatch.setattr(sealed, "ask", lambda prompt: Secret(next(typed)))

    with pytest.raises(MasterKeyWrong, match="differ"):
        sealed.open("passphrase").set(WORK, Secret(OLD))
    assert not sealed.ledger.exists()


def test_where_nobody_can_type_the_keychain_counts_as_locked():
    with pytest.raises(KeychainLocked, match="terminal"):
        passphrase.asker(can_ask=False)("Passphrase")


def test_it_is_never_read_with_the_echo_on(monkeypatch: pytest.MonkeyPatch):
    def with_echo(prompt: str, stream: object) -> str:
        import getpass
        import warnings

        warnings.warn("echo", getpass.GetPassWarning, stacklevel=2)
        return "echoed passphrase"

    monkeypatch.setattr("getpass.getpass", with_echo)
    with pytest.raises(KeychainLocked):
        passphrase.asker(can_ask=True)("Passphrase")


@pytest.mark.parametrize(("typed", "taken"), [("pa\u0308ssphrase", "p\xe4ssphrase"), ("with some blanks", None)])
def test_every_character_may_be_typed(monkeypatch: pytest.MonkeyPatch, typed: str, taken: str | None):
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: typed)

    assert passphrase.asker(can_ask=True)("Passphrase").same_as(Secret(taken or typed))


def test_a_short_one_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: "seven77")

    with pytest.raises(InvalidSecret, match="at least 8"):
        passphrase.asker(can_ask=True)("Passphrase")
