from __future__ import annotations

import copy
import os
import pickle
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.backends.sealed import seals
from ringlet_py.entry import Address
from ringlet_py.errors import KeychainAbsent, KeyNotFound, MasterKeyMissing, MasterKeyWrong, StoreCorrupt
from ringlet_py.ledger.sealed import SealedValue
from ringlet_py.secret import Secret
from tests.backends.contract import HOME, NEW, OLD, WEBHOOK, WORK, BackendContract
from tests.backends.sealed_cases import KINDS, SealedHome
from tests.encodings import encodings

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.backends.sealed.backend import SealedBackend


@pytest.fixture
def sealed(tmp_path: Path) -> SealedHome:
    return SealedHome(tmp_path)


@pytest.fixture
def backend(sealed: SealedHome) -> SealedBackend:
    return sealed.open()


class TestSealed(BackendContract):
    @pytest.fixture
    def another(self, sealed: SealedHome, backend: SealedBackend) -> SealedBackend:
        return sealed.open()


# what lies on disk


def test_no_file_holds_the_value(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))

    for folder, _, names in os.walk(sealed.path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            assert not [form for form in encodings(OLD) if form in content]


def test_one_value_is_never_sealed_twice_in_the_same_way(sealed: SealedHome, backend: SealedBackend):
    found = set()
    for _ in range(3):
        backend.set(WORK, Secret(OLD))
        found.update(sealed.sql("SELECT nonce, ciphertext FROM sealed_values"))

    assert len({nonce for nonce, _ in found}) == len({text for _, text in found}) == 3
    assert {len(nonce) for nonce, _ in found} == {12}


def test_the_row_says_scheme_and_key(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))

    [(scheme, key_id)] = sealed.sql("SELECT scheme, key_id FROM sealed_values")
    assert scheme == "s1"
    assert len(key_id) == 8
    assert int(key_id, 16) >= 0


# tampering


def refused(sealed: SealedHome, address: Address = WORK) -> StoreCorrupt:
    with pytest.raises(StoreCorrupt) as caught:
        sealed.open().get(address)
    assert str(address) in caught.value.what
    text = f"{caught.value!r} {caught.value.why} {caught.value.hint}"
    assert OLD not in text
    assert NEW not in text
    return caught.value


@pytest.mark.parametrize("source", [HOME, WEBHOOK, Address("openai", "work")], ids=str)
def test_a_value_moved_to_another_row_does_not_open(sealed: SealedHome, backend: SealedBackend, source: Address):
    backend.set(source, Secret(OLD))
    sealed.sql("UPDATE sealed_values SET address = ?", str(WORK))

    assert refused(sealed).hint == "ringlet keychain set anthropic work --replace"


def test_two_swapped_values_do_not_open(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    backend.set(HOME, Secret(NEW))
    rows = sealed.sql("SELECT nonce, ciphertext, address FROM sealed_values")
    for (nonce, text, _), (_, _, address) in zip(rows, reversed(rows), strict=True):
        sealed.sql("UPDATE sealed_values SET nonce = ?, ciphertext = ? WHERE address = ?", nonce, text, address)

    refused(sealed)
    refused(sealed, HOME)


@pytest.mark.parametrize("column", ["nonce", "ciphertext"])
def test_no_bit_can_be_changed_and_no_byte_be_cut_off(sealed: SealedHome, backend: SealedBackend, column: str):
    backend.set(WORK, Secret(OLD))
    [(sound,)] = sealed.sql(f"SELECT {column} FROM sealed_values")  # noqa: S608 - a name of ours
    changed = [sound[:-1], sound[1:], b"", sound + b"\0"]
    changed += [sound[:at] + bytes([sound[at] ^ 1 << at % 8]) + sound[at + 1 :] for at in range(len(sound))]
    for damage in changed:
        sealed.sql(f"UPDATE sealed_values SET {column} = ?", damage)  # noqa: S608 - as above
        refused(sealed)


def test_a_value_of_a_later_scheme_asks_for_a_newer_ringlet(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    sealed.sql("UPDATE sealed_values SET scheme = 's2'")

    assert refused(sealed).hint == "install the newest ringlet"


def test_a_value_whose_data_key_is_gone_is_not_missing(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    sealed.sql("UPDATE sealed_values SET key_id = 'ffffffff'")

    assert "data key" in refused(sealed).what


def test_a_value_of_another_ledger_does_not_open(sealed: SealedHome, backend: SealedBackend, tmp_path: Path):
    other = SealedHome(tmp_path / "other")
    (tmp_path / "other").mkdir(mode=0o700)
    other.open().set(WORK, Secret(NEW))
    backend.set(WORK, Secret(OLD))
    [row] = other.sql("SELECT nonce, ciphertext FROM sealed_values")
    sealed.sql("UPDATE sealed_values SET nonce = ?, ciphertext = ?", *row)

    refused(sealed)


@pytest.mark.parametrize("column", ["store", "slot", "salt", "id", "ciphertext"])
def test_a_changed_data_key_does_not_open(sealed: SealedHome, backend: SealedBackend, column: str):
    sealed_by = sealed.open("env")
    sealed_by.set(WORK, Secret(OLD))
    damage = b"x" if column in ("salt", "ciphertext") else "x"
    sealed.sql(f"UPDATE sealed_keys SET {column} = ?", damage)  # noqa: S608 - a name of ours

    with pytest.raises((MasterKeyWrong, StoreCorrupt)):
        sealed.open().get(WORK)


def test_a_broken_value_can_be_replaced_and_removed(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    sealed.sql("UPDATE sealed_values SET ciphertext = x'00'")
    sealed.open().set(WORK, Secret(NEW))
    assert sealed.open().get(WORK).reveal() == NEW

    sealed.sql("UPDATE sealed_values SET ciphertext = x'00'")
    sealed.open().remove(WORK)
    with pytest.raises(KeyNotFound):
        sealed.open().get(WORK)


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_what_a_value_is_bound_to_is_unambiguous(first: list[str], second: list[str]):
    assert (seals._joined(*first) == seals._joined(*second)) == (first == second)


@pytest.mark.parametrize(
    ("address", "ciphertext"),
    [
        (Address("anthropic", "work"), "7dd798a8d440f6d8259898072b18a4afe57b6f75eadf549117fba3be005a23facd93f2"),
        (
            Address("anthropic", "work", "hook"),
            "7dd798a8d440f6d8259898072b18a4afe57b6f89fd23b086abc67efa3431badd984696",
        ),
    ],
)
def test_a_value_that_was_sealed_by_an_earlier_ringlet_opens(address: Address, ciphertext: str):
    key = seals.DataKey(bytes(range(32)), id="0a1b2c3d", store="0011223344556677")
    value = SealedValue(str(address), seals.SCHEME, key.id, bytes(12), bytes.fromhex(ciphertext))

    assert key.unseal(value, address).same_as(Secret("sk-value-0123456789"))


# nothing is made or lost silently


@pytest.mark.parametrize("kind", KINDS)
def test_asking_an_empty_ledger_makes_nothing(sealed: SealedHome, kind: str, tmp_path: Path):
    backend = sealed.open(kind)
    with pytest.raises(KeyNotFound):
        backend.get(WORK)
    with pytest.raises(KeyNotFound):
        backend.remove(WORK)
    backend.check()

    assert list(tmp_path.iterdir()) == []
    assert backend.names() == sealed.asked == []


def test_values_without_their_data_key_never_get_a_new_one(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    before = sealed.master_file.read_text()
    sealed.sql("DELETE FROM sealed_keys")

    with pytest.raises(StoreCorrupt, match="lost the data key"):
        sealed.open().set(HOME, Secret(NEW))
    assert sealed.master_file.read_text() == before


@pytest.mark.parametrize("kind", ["system", "file"])
def test_a_lost_master_key_is_never_replaced(sealed: SealedHome, kind: str):
    sealed.open(kind).set(WORK, Secret(OLD))
    sealed.keychain._secrets.clear()
    sealed.master_file.unlink(missing_ok=True)
    for act in (lambda: sealed.open(kind).get(WORK), lambda: sealed.open(kind).set(HOME, Secret(NEW))):
        with pytest.raises(MasterKeyMissing):
            act()

    with pytest.raises(MasterKeyMissing):
        sealed.open(kind).check()
    assert sealed.open(kind).names() == [WORK]


def test_a_data_key_shows_and_copies_itself_nowhere(backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    key = backend.keys.current()

    assert repr(key) == f"DataKey({key.id}, ***)"
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copied(key)
    with pytest.raises(TypeError):
        pickle.dumps(backend)


def test_without_cryptography_the_command_that_installs_it_is_shown(
    sealed: SealedHome, monkeypatch: pytest.MonkeyPatch
):
    sealed.open().set(WORK, Secret(OLD))
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)

    for act in (lambda: sealed.open().get(WORK), sealed.open().check):
        with pytest.raises(KeychainAbsent) as caught:
            act()
        assert caught.value.hint.endswith("-m pip install 'ringlet-py[sealed]'")


def test_the_second_read_opens_nothing_anew(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    reader = sealed.open()
    reader.get(WORK)
    sealed.master_file.unlink()

    assert reader.get(WORK).reveal() == OLD


@pytest.mark.skipif(os.name != "posix", reason="no fork there")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_backend_works_on_both_sides_of_a_fork(sealed: SealedHome, backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    pid = os.fork()
    if pid == 0:
        sound = backend.get(WORK).reveal() == OLD
        backend.set(HOME, Secret(NEW))
        os._exit(0 if sound else 1)
    assert os.waitpid(pid, 0)[1] == 0

    assert backend.get(HOME).reveal() == NEW
    assert backend.get(WORK).reveal() == OLD


# a value that was read before


def test_a_value_that_came_with_a_claim_is_opened_as_it_was_read(backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    value = backend.keys.values.value(str(WORK))
    assert value
    backend.set(WORK, Secret(NEW))

    assert backend.unsealed(value, WORK).reveal() == OLD


def test_one_whose_data_key_is_gone_meanwhile_is_read_again(backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    value = backend.keys.values.value(str(WORK))
    assert value

    assert backend.unsealed(value._replace(key_id="rotated"), WORK).reveal() == OLD


def test_one_of_another_address_does_not_open(backend: SealedBackend):
    backend.set(WORK, Secret(OLD))
    value = backend.keys.values.value(str(WORK))
    assert value

    with pytest.raises(StoreCorrupt, match="does not open"):
        backend.unsealed(value, HOME)
