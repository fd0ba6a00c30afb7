"""The Windows Credential Manager: on a fake of pywin32-ctypes, and on the real one under Windows and Wine."""

from __future__ import annotations

import os
import pathlib
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.backends.system.windows import CredentialManager
from ringlet_py.entry import Address
from ringlet_py.errors import (
    InvalidName,
    InvalidSecret,
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    KeyNotFound,
    RingletError,
)
from ringlet_py.secret import Secret
from tests.backends.contract import BackendContract
from tests.fakes.credentials import FakeCredentials, fake_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORK = Address("anthropic", "work")
TARGET = "ringlet/anthropic/work"
OLD = "sk-ant-old-0000"
NEW = "sk-ant-new-1111"
VERBS: dict[str, Callable[[CredentialManager], object]] = {
    "get": lambda backend: backend.get(WORK),
    "set": lambda backend: backend.set(WORK, Secret(NEW)),
    "remove": lambda backend: backend.remove(WORK),
    "names": lambda backend: backend.names(),
    "check": lambda backend: backend.check(),
}
ROOT = pathlib.Path(__file__).parents[2]
CALLS = {
    "get": "CredRead",
    "set": "CredWrite",
    "remove": "CredDelete",
    "names": "CredEnumerate",
    "check": "CredEnumerate",
}


@pytest.fixture
def windows() -> Iterator[FakeCredentials]:
    with fake_credentials() as fake:
        yield fake


@pytest.fixture
def keyring_class(windows: FakeCredentials) -> Any:
    from keyring.backends.Windows import WinVaultKeyring

    return WinVaultKeyring


@pytest.fixture
def backend(windows: FakeCredentials) -> CredentialManager:
    return CredentialManager()


class TestCredentialManager(BackendContract):
    @pytest.fixture
    def another(self, backend: CredentialManager) -> CredentialManager:
        return CredentialManager()


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_a_key_is_one_credential_with_the_exact_target_that_stays_on_this_machine(
    backend: CredentialManager, windows: FakeCredentials
) -> None:
    backend.set(WORK, Secret(OLD))
    backend.set(WORK, Secret(NEW))

    [kept] = windows.kept.values()
    assert (kept["TargetName"], kept["UserName"]) == (TARGET, "work")
    assert (kept["CredentialBlob"], kept["Persist"]) == (utf16(NEW), windows.CRED_PERSIST_LOCAL_MACHINE)


def test_keyring_leaves_the_old_secret_behind_and_lets_it_roam(windows: FakeCredentials, keyring_class: Any) -> None:
    keyring_class().set_password("ringlet", "anthropic/work", OLD)
    keyring_class().set_password("ringlet", "anthropic/work", NEW)

    left_behind = windows.kept["anthropic/work@ringlet"]
    assert left_behind["CredentialBlob"] == utf16(OLD)
    assert left_behind["Persist"] == windows.CRED_PERSIST_ENTERPRISE


def test_a_credential_made_by_hand_is_read_whatever_its_user_is_called(
    backend: CredentialManager, windows: FakeCredentials
) -> None:
    windows.plant(TARGET, utf16(OLD), UserName="me@example.com")

    assert backend.get(WORK).reveal() == OLD
    assert backend.names() == [WORK]


def test_a_second_name_that_keyring_may_have_left_is_not_read(
    backend: CredentialManager, windows: FakeCredentials
) -> None:
    windows.plant(f"work@{TARGET}", utf16(OLD), UserName="work")

    with pytest.raises(KeyNotFound):
        backend.get(WORK)


@pytest.mark.parametrize("length", [1, 1279, 1280])
def test_a_value_up_to_the_limit_of_windows_is_kept(backend: CredentialManager, length: int) -> None:
    backend.set(WORK, Secret("k" * length))

    assert len(backend.get(WORK).reveal()) == length


def test_a_longer_value_is_refused_before_anything_is_called(
    backend: CredentialManager, windows: FakeCredentials
) -> None:
    backend.set(WORK, Secret(OLD))
    windows.fail("CredWrite", 5)

    with pytest.raises(InvalidSecret) as raised:
        backend.set(WORK, Secret("k" * (backend.max_length + 1)))

    assert "1280 characters" in raised.value.why
    assert backend.get(WORK).reveal() == OLD


def test_the_fake_refuses_what_windows_refuses(windows: FakeCredentials, keyring_class: Any) -> None:
    with pytest.raises(Exception, match="1783"):
        keyring_class().set_password("ringlet", "anthropic/work", "k" * 1281)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("number", "error"),
    [(5, KeychainDenied), (1312, KeychainAbsent), (1783, InvalidSecret), (87, KeychainBroken)],
)
def test_each_error_of_windows_has_its_own_outcome(
    backend: CredentialManager, windows: FakeCredentials, verb: str, number: int, error: type[RingletError]
) -> None:
    backend.set(WORK, Secret(OLD))
    windows.fail(CALLS[verb], number)

    with pytest.raises(RingletError) as raised:
        VERBS[verb](backend)

    assert type(raised.value) is error
    assert str(number) in raised.value.why or number == 1783
    assert raised.value.__cause__ is raised.value.__context__ is None
    windows.failing.clear()
    assert backend.get(WORK).reveal() == OLD


@pytest.mark.parametrize("verb", ["get", "remove"])
def test_what_is_not_there_is_not_found(backend: CredentialManager, verb: str) -> None:
    with pytest.raises(KeyNotFound, match="anthropic/work is not in the Windows Credential Manager"):
        VERBS[verb](backend)


@pytest.mark.parametrize("verb", ["get", "remove"])
@pytest.mark.parametrize("stored", ["ringlet/anthropic/Work", "Ringlet/anthropic/work", "ringlet/ANTHROPIC/work"])
def test_a_name_that_differs_in_case_is_another_name(
    backend: CredentialManager, windows: FakeCredentials, verb: str, stored: str
) -> None:
    windows.plant(stored, utf16(OLD))

    with pytest.raises(KeyNotFound):
        VERBS[verb](backend)

    assert len(windows.kept) == 1


def test_a_name_that_differs_in_case_is_not_overwritten(backend: CredentialManager) -> None:
    backend.set(WORK, Secret(OLD))

    with pytest.raises(InvalidName) as raised:
        backend.set(Address("anthropic", "Work"), Secret(NEW))

    assert TARGET in raised.value.why
    assert raised.value.hint == "ringlet keychain set anthropic work --replace"
    assert backend.get(WORK).reveal() == OLD


def test_names_shows_only_targets_that_are_exactly_ours(backend: CredentialManager, windows: FakeCredentials) -> None:
    for alias in ("work", "default"):
        backend.set(Address("anthropic", alias), Secret(NEW))
    for target in (
        "Ringlet/a/b",
        "Ringlet/c",
        "ringlet/a",
        "ringlet/a/b/c",
        "ringlet/",
        "ringlet/a/b c",
        "other/a/b",
        "ringlet",
    ):
        windows.plant(target, utf16(OLD))
    windows.plant("ringlet/domain/password", utf16(OLD), Type=2)

    assert [str(name) for name in backend.names()] == ["anthropic/default", "anthropic/work"]


def test_an_alias_that_begins_another_one_is_not_taken_for_it(backend: CredentialManager) -> None:
    backend.set(Address("anthropic", "work2"), Secret(NEW))

    with pytest.raises(KeyNotFound):
        backend.get(WORK)
    backend.set(WORK, Secret(OLD))
    assert backend.get(WORK).reveal() == OLD


def test_an_empty_store_has_no_names_and_is_usable(backend: CredentialManager) -> None:
    backend.check()

    assert backend.names() == []


@pytest.mark.parametrize(
    "blob",
    [b"", utf16("two\nlines"), utf16("sk-1 sk-2"), "schlüssel".encode(), b"\xff\xdf\xff", utf16("Bearer x")],
)
def test_a_value_that_cannot_be_a_key_is_broken_and_is_not_repeated(
    backend: CredentialManager, windows: FakeCredentials, blob: bytes
) -> None:
    windows.plant(TARGET, blob)

    with pytest.raises(KeychainBroken) as raised:
        backend.get(WORK)

    error = raised.value
    assert error.hint == "ringlet keychain set anthropic work --replace"
    assert error.__cause__ is error.__context__ is None
    value = blob.decode("utf-16-le", errors="ignore")
    assert not value or value not in f"{error} {error.why} {error.hint}"


def test_a_broken_entry_can_be_replaced_and_removed(backend: CredentialManager, windows: FakeCredentials) -> None:
    windows.plant(TARGET, b"\xff\xdf\xff")

    backend.set(WORK, Secret(NEW))
    assert backend.get(WORK).reveal() == NEW
    windows.plant(TARGET, b"\xff\xdf\xff")
    backend.remove(WORK)
    assert backend.names() == []


def test_a_write_that_does_not_stick_is_an_error(backend: CredentialManager, windows: FakeCredentials) -> None:
    backend.set(WORK, Secret(OLD))
    windows.forgets_writes = True

    with pytest.raises(KeychainBroken, match="gave something else back"):
        backend.set(WORK, Secret(NEW))


def test_no_variable_changes_what_is_called(
    backend: CredentialManager, windows: FakeCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PERSIST", "GET_CREDENTIAL", "PRIORITY"):
        monkeypatch.setenv(f"KEYRING_PROPERTY_{name}", "enterprise")

    backend.set(WORK, Secret(NEW))

    assert backend.get(WORK).reveal() == NEW
    assert windows.kept[TARGET]["Persist"] == windows.CRED_PERSIST_LOCAL_MACHINE


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a Credential Manager")
def test_elsewhere_the_module_loads_and_the_credential_manager_is_absent() -> None:
    program = (
        "from ringlet_py.backends.system.windows import CredentialManager\n"
        "from ringlet_py.errors import KeychainAbsent\n"
        "import sys\n"
        "assert 'keyring' not in sys.modules and 'ctypes' not in sys.modules\n"
        "try: CredentialManager().check()\n"
        "except KeychainAbsent as error: print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "the Windows Credential Manager is not here"


real = pytest.mark.skipif(
    sys.platform != "win32" or not os.environ.get("RINGLET_REAL_KEYCHAIN"),
    reason="the real Credential Manager is used on Windows with RINGLET_REAL_KEYCHAIN=1 only",
)


@pytest.fixture
def real_manager() -> Iterator[CredentialManager]:
    backend = CredentialManager()
    before = set(backend.names())
    yield backend
    for address in set(backend.names()) - before:
        backend.remove(address)


@pytest.fixture
def own() -> Address:
    return Address("ringlet-test", secrets.token_hex(8))


@real
@pytest.mark.windows
@pytest.mark.real_keychain
class TestRealCredentialManager(BackendContract):
    @pytest.fixture
    def backend(self, real_manager: CredentialManager) -> CredentialManager:
        if real_manager.names():
            pytest.fail("the contract wants a Credential Manager without keys of ringlet, as CI has one")
        return real_manager

    @pytest.fixture
    def another(self, backend: CredentialManager) -> CredentialManager:
        return CredentialManager()


@real
@pytest.mark.windows
@pytest.mark.real_keychain
def test_a_real_credential_is_made_replaced_listed_and_removed(real_manager: CredentialManager, own: Address) -> None:
    real_manager.check()
    for value in (OLD, NEW, "k" * real_manager.max_length):
        real_manager.set(own, Secret(value))
        assert real_manager.get(own).reveal() == value
        assert real_manager.names().count(own) == 1

    real_manager.remove(own)

    assert own not in real_manager.names()
    with pytest.raises(KeyNotFound):
        real_manager.get(own)


@real
@pytest.mark.windows
@pytest.mark.real_keychain
def test_a_real_credential_stays_on_this_machine_and_keyring_reads_it(
    real_manager: CredentialManager, own: Address
) -> None:
    from keyring.backends.Windows import WinVaultKeyring, win32cred  # type: ignore[attr-defined, unused-ignore]

    ring: Any = WinVaultKeyring.__new__(WinVaultKeyring)
    ring.set_password(f"ringlet/{own}", own.alias, OLD)
    assert real_manager.get(own).reveal() == OLD
    real_manager.set(own, Secret(NEW))

    kept = win32cred.CredRead(TargetName=f"ringlet/{own}", Type=win32cred.CRED_TYPE_GENERIC)
    assert (kept["Persist"], kept["UserName"]) == (win32cred.CRED_PERSIST_LOCAL_MACHINE, own.alias)
    assert ring.get_password(f"ringlet/{own}", own.alias) == NEW


@real
@pytest.mark.windows
@pytest.mark.real_keychain
def test_a_real_credential_whose_name_differs_in_case_is_not_taken(
    real_manager: CredentialManager, own: Address
) -> None:
    other = Address("Ringlet-Test", own.alias)
    real_manager.set(own, Secret(OLD))

    with pytest.raises(KeyNotFound):
        real_manager.get(other)
    with pytest.raises(InvalidName):
        real_manager.set(other, Secret(NEW))
    with pytest.raises(KeyNotFound):
        real_manager.remove(other)

    assert real_manager.get(own).reveal() == OLD
