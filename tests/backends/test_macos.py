"""The macOS Keychain: on a fake of Apple's frameworks on Linux, on the real one in its own CI job."""

from __future__ import annotations

import os
import pathlib
import secrets
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.backends.system import system_backend
from ringlet_py.backends.system.macos import MacKeychain
from ringlet_py.entry import Address
from ringlet_py.errors import (
    InvalidSecret,
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    KeychainError,
    KeychainLocked,
    KeychainTimeout,
    KeyNotFound,
)
from ringlet_py.secret import Secret
from tests.backends.contract import BackendContract
from tests.fakes.security import DATA, FakeSecurity, fake_security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORK = Address("anthropic", "work")
OLD = "sk-ant-old-0000"
NEW = "sk-ant-new-1111"
WINDOW_CLOSED = -128
NO_KEYCHAINS = -25291
REFUSED = -25293
NO_SUCH_KEYCHAIN = -25294
NOT_FOUND = -25300
NO_DEFAULT = -25307
NO_WINDOW = -25308
VERBS: dict[str, Callable[[MacKeychain], object]] = {
    "get": lambda backend: backend.get(WORK),
    "set": lambda backend: backend.set(WORK, Secret(NEW)),
    "remove": lambda backend: backend.remove(WORK),
    "names": lambda backend: backend.names(),
}
ROOT = pathlib.Path(__file__).parents[2]
CALLS = {
    "get": "SecItemCopyMatching",
    "set": "SecItemUpdate",
    "remove": "SecItemDelete",
    "names": "SecItemCopyMatching",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSecurity]:
    if sys.platform in ("darwin", "win32"):
        pytest.skip("the fake of Apple's frameworks is for Linux")
    with fake_security(tmp_path_factory.mktemp("security")) as library:
        yield library


@pytest.fixture
def security(library: FakeSecurity) -> Iterator[FakeSecurity]:
    library.reset()
    yield library
    library.answer()
    for thread in threading.enumerate():
        if thread.name == "macos-keychain":
            thread.join()
    library.reset()


@pytest.fixture
def keyring_class(security: FakeSecurity) -> Any:
    from keyring.backends.macOS import Keyring

    return Keyring


@pytest.fixture
def backend(security: FakeSecurity) -> MacKeychain:
    return MacKeychain(timeout=20)


class TestMacKeychain(BackendContract):
    @pytest.fixture
    def another(self, backend: MacKeychain) -> MacKeychain:
        return MacKeychain(timeout=20)


def test_the_systems_keychain_has_patience_where_none_was_configured(
    security: FakeSecurity, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "platform", "darwin")
    backend = system_backend({}, timeout=0.0, can_ask=False, say=print)

    backend.set(WORK, Secret(NEW))
    assert backend.get(WORK).same_as(Secret(NEW))


def test_an_entry_has_the_service_the_account_and_the_label_that_people_look_for(
    backend: MacKeychain, security: FakeSecurity, keyring_class: Any
) -> None:
    backend.set(WORK, Secret(NEW))

    assert keyring_class().get_password("ringlet", "anthropic/work") == NEW
    assert security.label() == "ringlet/anthropic/work"


def test_an_entry_that_keyring_made_is_read(backend: MacKeychain, keyring_class: Any) -> None:
    keyring_class().set_password("ringlet", "anthropic/work", OLD)

    assert backend.get(WORK).reveal() == OLD
    assert backend.names() == [WORK]


def test_keyring_loses_the_old_key_when_the_new_one_cannot_be_added(security: FakeSecurity, keyring_class: Any) -> None:
    from keyring.errors import PasswordSetError

    keyring_class().set_password("ringlet", "anthropic/work", OLD)
    security.fail_once("SecItemAdd", NO_WINDOW)

    with pytest.raises(PasswordSetError):
        keyring_class().set_password("ringlet", "anthropic/work", NEW)

    assert keyring_class().get_password("ringlet", "anthropic/work") is None


@pytest.mark.parametrize("call", ["SecItemUpdate", "SecItemAdd", "SecItemDelete"])
def test_a_replacement_leaves_the_old_key_or_the_new_one_whichever_call_fails(
    backend: MacKeychain, security: FakeSecurity, call: str
) -> None:
    backend.set(WORK, Secret(OLD))
    security.fail_once(call, NO_WINDOW)
    outcome = OLD

    try:
        backend.set(WORK, Secret(NEW))
        outcome = NEW
    except KeychainLocked:
        pass

    assert backend.get(WORK).reveal() == outcome
    assert (security.count(), outcome) == (1, OLD if call == "SecItemUpdate" else NEW)


def test_an_entry_made_by_somebody_else_in_the_middle_of_set_is_changed(
    backend: MacKeychain, security: FakeSecurity
) -> None:
    security.plant("anthropic/work", OLD.encode())
    security.fail_once("SecItemUpdate", NOT_FOUND)

    backend.set(WORK, Secret(NEW))

    assert (backend.get(WORK).reveal(), security.count()) == (NEW, 1)


def test_a_value_that_the_keychain_does_not_give_back_is_an_error(backend: MacKeychain, security: FakeSecurity) -> None:
    backend.set(WORK, Secret(OLD))
    security.ignore_changes()

    with pytest.raises(KeychainBroken, match="gave something else back"):
        backend.set(WORK, Secret(NEW))


def test_remove_takes_the_entries_of_every_keychain(backend: MacKeychain, security: FakeSecurity) -> None:
    for value in (b"one", b"two", b"three"):
        security.plant("anthropic/work", value)
    security.plant("anthropic/home", b"other")

    backend.remove(WORK)

    assert backend.names() == [Address("anthropic", "home")]
    with pytest.raises(KeyNotFound):
        backend.get(WORK)


def test_remove_does_not_go_on_for_ever(
    backend: MacKeychain, security: FakeSecurity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringlet_py.backends.system.macos.MOST_DUPLICATES", 2)
    for _ in range(4):
        security.plant("anthropic/work", b"again")

    with pytest.raises(KeychainBroken, match="anthropic/work is still"):
        backend.remove(WORK)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (NO_WINDOW, KeychainLocked),
        (-25315, KeychainLocked),
        (WINDOW_CLOSED, KeychainDenied),
        (REFUSED, KeychainDenied),
        (NO_KEYCHAINS, KeychainAbsent),
        (NO_SUCH_KEYCHAIN, KeychainAbsent),
        (NO_DEFAULT, KeychainAbsent),
        (-67030, KeychainBroken),
        (-50, KeychainBroken),
    ],
)
def test_each_status_has_its_own_outcome_and_shows_its_number(
    backend: MacKeychain, security: FakeSecurity, verb: str, status: int, error: type[KeychainError]
) -> None:
    backend.set(WORK, Secret(OLD))
    security.fail_once(CALLS[verb], status)

    with pytest.raises(KeychainError) as raised:
        VERBS[verb](backend)

    assert type(raised.value) is error
    assert f"OSStatus {status}" in raised.value.why
    assert backend.get(WORK).reveal() == OLD


@pytest.mark.parametrize("verb", ["get", "set"])
def test_over_ssh_a_locked_keychain_names_the_command_that_unlocks_it(
    backend: MacKeychain, security: FakeSecurity, verb: str
) -> None:
    backend.set(WORK, Secret(OLD))
    security.lock()

    with pytest.raises(KeychainLocked) as raised:
        VERBS[verb](backend)

    assert raised.value.hint == "security unlock-keychain"


def test_closing_the_window_that_asks_to_unlock_is_locked_and_not_denied(
    backend: MacKeychain, security: FakeSecurity
) -> None:
    backend.set(WORK, Secret(OLD))
    security.lock()
    security.fail_once("SecItemCopyMatching", WINDOW_CLOSED)

    with pytest.raises(KeychainLocked, match="anthropic/work"):
        backend.get(WORK)


@pytest.mark.parametrize("verb", VERBS)
def test_a_person_without_a_keychain_has_an_absent_one_and_no_missing_key(
    backend: MacKeychain, security: FakeSecurity, verb: str
) -> None:
    security.take_away()

    with pytest.raises(KeychainAbsent):
        VERBS[verb](backend)


def test_check_tells_usable_locked_and_absent_apart_and_reads_no_secret(
    backend: MacKeychain, security: FakeSecurity
) -> None:
    security.plant("anthropic/work", OLD.encode())

    backend.check()
    security.lock()
    with pytest.raises(KeychainLocked):
        backend.check()
    security.take_away()
    with pytest.raises(KeychainAbsent):
        backend.check()

    assert security.data_reads() == 0


def test_names_shows_what_is_there_and_reads_no_secret_even_while_locked(
    backend: MacKeychain, security: FakeSecurity
) -> None:
    for account in ("openai/default", "anthropic/work", "anthropic/work", "Anthropic/work"):
        security.plant(account, b"value")
    for foreign in ("anthropic", "a/b/c", "", "/x", "ringlet-work", "a/b c", "a/" + "x" * 1500):
        security.plant(foreign, b"value")
    security.plant("anthropic/bytes", b"value", kind=DATA)
    security.plant("anthropic/other", b"value", service="other")
    security.lock()

    assert [str(name) for name in backend.names()] == ["Anthropic/work", "anthropic/work", "openai/default"]
    assert security.data_reads() == 0


def test_an_empty_keychain_has_no_names(backend: MacKeychain) -> None:
    assert backend.names() == []


def test_listing_gives_back_what_apple_allocated(backend: MacKeychain, security: FakeSecurity) -> None:
    def growth() -> int:
        before = security.live_objects()
        backend.names()
        return security.live_objects() - before

    security.plant("a/one", b"value")
    with_one = growth()
    for alias in range(50):
        security.plant(f"a/{alias}", b"value")

    assert growth() == with_one


@pytest.mark.parametrize("raw", [b"", b"two\nlines", b"sk-1 sk-2", b"\xff\xfe", "schlüssel".encode(), b"Bearer x"])
def test_a_value_that_cannot_be_a_key_is_broken_and_is_not_repeated(
    backend: MacKeychain, security: FakeSecurity, raw: bytes
) -> None:
    security.plant("anthropic/work", raw)

    with pytest.raises(KeychainBroken) as raised:
        backend.get(WORK)

    error = raised.value
    assert "anthropic/work" in str(error)
    assert error.hint == "ringlet keychain set anthropic work --replace"
    assert error.__cause__ is error.__context__ is None
    assert not raw or raw.decode(errors="replace") not in f"{error} {error.why} {error.hint}"


@pytest.mark.parametrize("verb", VERBS)
def test_no_error_of_keyring_hangs_on_ours(backend: MacKeychain, security: FakeSecurity, verb: str) -> None:
    backend.set(WORK, Secret(OLD))
    security.fail_once(CALLS[verb], REFUSED)

    with pytest.raises(KeychainDenied) as raised:
        VERBS[verb](backend)

    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("verb", ["get", "set"])
def test_a_window_that_nobody_answers_ends_the_wait_in_time(
    backend: MacKeychain, security: FakeSecurity, verb: str
) -> None:
    backend.set(WORK, Secret(OLD))
    security.block()
    started = time.monotonic()

    with pytest.raises(KeychainTimeout, match=r"0\.1 seconds.*anthropic/work"):
        VERBS[verb](MacKeychain(timeout=0.1))

    assert time.monotonic() - started < 5


def test_a_window_answered_after_the_time_still_has_its_effect_as_the_error_says(
    backend: MacKeychain, security: FakeSecurity
) -> None:
    backend.set(WORK, Secret(OLD))
    security.block()
    with pytest.raises(KeychainTimeout) as raised:
        MacKeychain(timeout=0.1).set(WORK, Secret(NEW))
    security.answer()
    for thread in threading.enumerate():
        if thread.name == "macos-keychain":
            thread.join()

    assert "still has its effect" in raised.value.why
    assert (backend.get(WORK).reveal(), security.count()) == (NEW, 1)


@pytest.mark.slow
def test_a_process_ends_although_a_window_is_still_open(tmp_path: pathlib.Path, security: FakeSecurity) -> None:
    program = (
        "import pathlib, sys\n"
        "from ringlet_py.backends.system.macos import MacKeychain\n"
        "from ringlet_py.entry import Address\n"
        "from ringlet_py.errors import KeychainTimeout\n"
        "from tests.fakes.security import fake_security\n"
        "with fake_security(pathlib.Path(sys.argv[1])) as security:\n"
        "    security.block()\n"
        "    try: MacKeychain(timeout=0.1).get(Address('anthropic'))\n"
        "    except KeychainTimeout: print('timed out')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=30, cwd=ROOT
    )

    assert done.stdout == "timed out\n"


def test_a_value_beyond_the_limit_is_refused_before_anything_is_written(
    backend: MacKeychain, security: FakeSecurity
) -> None:
    backend.set(WORK, Secret("k" * backend.max_length))

    with pytest.raises(InvalidSecret, match="anthropic/work"):
        backend.set(WORK, Secret("k" * (backend.max_length + 1)))

    assert len(backend.get(WORK).reveal()) == backend.max_length


def test_no_variable_changes_what_is_called(
    backend: MacKeychain, security: FakeSecurity, monkeypatch: pytest.MonkeyPatch, keyring_class: Any
) -> None:
    for name in ("KEYCHAIN", "GET_PASSWORD", "DELETE_PASSWORD", "PRIORITY"):
        monkeypatch.setenv(f"KEYRING_PROPERTY_{name}", "/tmp/elsewhere")
    monkeypatch.setattr(keyring_class, "keychain", "/tmp/elsewhere")  # what KEYCHAIN_PATH makes of it at import
    with pytest.raises(AttributeError):  # keyring's own constructor already trips over PRIORITY
        keyring_class()

    backend.set(WORK, Secret(NEW))
    assert backend.get(WORK).reveal() == NEW
    backend.remove(WORK)
    assert security.count() == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has the Security framework")
def test_elsewhere_the_module_loads_and_the_keychain_is_absent() -> None:
    program = (
        "from ringlet_py.backends.system.macos import MacKeychain\n"
        "from ringlet_py.errors import KeychainAbsent\n"
        "import sys\n"
        "assert 'keyring' not in sys.modules and 'ctypes' not in sys.modules\n"
        "try: MacKeychain(timeout=20).check()\n"
        "except KeychainAbsent as error: print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "the macOS Keychain is not here"


real = pytest.mark.skipif(
    sys.platform != "darwin" or not os.environ.get("RINGLET_REAL_KEYCHAIN"),
    reason="the real Keychain is used on macOS with RINGLET_REAL_KEYCHAIN=1 only",
)


@pytest.fixture
def real_keychain() -> Iterator[MacKeychain]:
    backend = MacKeychain(timeout=60)
    before = set(backend.names())
    yield backend
    for address in set(backend.names()) - before:
        backend.remove(address)


@pytest.fixture
def own() -> Address:
    return Address("ringlet-test", secrets.token_hex(8))


@real
@pytest.mark.real_keychain
class TestRealKeychain(BackendContract):
    @pytest.fixture
    def backend(self, real_keychain: MacKeychain) -> MacKeychain:
        if real_keychain.names():
            pytest.fail("the contract wants a keychain without keys of ringlet, as CI makes one")
        return real_keychain

    @pytest.fixture
    def another(self, backend: MacKeychain) -> MacKeychain:
        return MacKeychain(timeout=60)


@real
@pytest.mark.real_keychain
def test_a_real_entry_is_made_changed_in_place_listed_and_removed(real_keychain: MacKeychain, own: Address) -> None:
    real_keychain.check()
    for value in (OLD, NEW):
        real_keychain.set(own, Secret(value))
        assert real_keychain.get(own).reveal() == value
        assert real_keychain.names().count(own) == 1

    real_keychain.remove(own)

    assert own not in real_keychain.names()
    with pytest.raises(KeyNotFound):
        real_keychain.get(own)


@real
@pytest.mark.real_keychain
def test_the_security_command_finds_the_real_entry(real_keychain: MacKeychain, own: Address) -> None:
    real_keychain.set(own, Secret(NEW))
    command = ["/usr/bin/security", "find-generic-password", "-s", "ringlet", "-a", str(own)]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert f"ringlet/{own}" in done.stdout  # its label; asking for the value would open a window


@real
@pytest.mark.real_keychain
def test_keyring_reads_the_real_entry_and_makes_one_that_is_read(real_keychain: MacKeychain, own: Address) -> None:
    from keyring.backends.macOS import Keyring

    ring: Any = Keyring.__new__(Keyring)
    real_keychain.set(own, Secret(NEW))
    assert ring.get_password("ringlet", str(own)) == NEW

    ring.set_password("ringlet", str(own), OLD)
    assert real_keychain.get(own).reveal() == OLD
    real_keychain.set(own, Secret(NEW))
    assert ring.get_password("ringlet", str(own)) == NEW
