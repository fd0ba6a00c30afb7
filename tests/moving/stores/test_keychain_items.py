"""Other programs' keys in the keychains of macOS and Windows, on fakes of what these systems offer to programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.system.others import MacOthers, WindowsOthers
from ringlet_py.errors import InvalidSecret, KeychainDenied, KeychainLocked
from ringlet_py.moving.stores.keychain_items import KeychainItems
from tests.fakes.credentials import FakeCredentials, fake_credentials
from tests.fakes.security import DATA, FakeSecurity, fake_security
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, OPENAI, PROVIDERS, found, holds, named, note

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW_CLOSED = -128
ACCESS_DENIED = 5
ASKING = "a value is read when it is moved, and the keychain may ask you then"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSecurity]:
    if sys.platform in ("darwin", "win32"):
        pytest.skip("the fake of Apple's frameworks is for Linux")
    with fake_security(tmp_path_factory.mktemp("security")) as library:
        yield library


@pytest.fixture
def macos(library: FakeSecurity) -> Iterator[FakeSecurity]:
    library.reset()
    yield library
    library.answer()
    library.reset()


@pytest.fixture
def windows() -> Iterator[FakeCredentials]:
    with fake_credentials() as fake:
        yield fake


def on_macos() -> KeychainItems:
    return KeychainItems(lambda: MacOthers(timeout=20), PROVIDERS)


def on_windows() -> KeychainItems:
    return KeychainItems(WindowsOthers, PROVIDERS)


# macOS


def test_keys_are_found_by_their_names_and_no_value_is_read(macos: FakeSecurity) -> None:
    for service, account in (
        ("llm", "openai"),
        ("openai", "work"),
        ("my-tool", "MISTRAL_API_KEY"),
        ("anthropic-api-key", "me"),
        ("envchain-work", "ANTHROPIC_API_KEY"),
        ("envchain-work", "INTERNAL_TOKEN"),
    ):
        macos.plant(account, OPENAI.encode(), service=service)

    candidates = found(on_macos(), notes=1)
    assert named(candidates) == [
        ("anthropic-api-key me", "anthropic", "me"),
        ("envchain-work ANTHROPIC_API_KEY", "anthropic", "work"),
        ("envchain-work INTERNAL_TOKEN", "", "work-internal"),
        ("llm openai", "openai", ""),
        ("my-tool MISTRAL_API_KEY", "mistral", "tool"),
        ("openai work", "openai", "work"),
    ]
    assert all(each.value is None for each in candidates)
    assert macos.data_reads() == 0


@pytest.mark.parametrize(
    ("service", "account"),
    [
        ("ringlet", "openai/work"),
        ("ringlet", "OPENAI_API_KEY"),
        ("Claude Safe Storage", "Claude"),
        ("com.apple.scopedbookmarksagent.xpc", "com.apple"),
        ("AirPort", "openai guests"),
        ("https://platform.openai.com", "somebody"),
        ("envchain-work", "AWS_REGION"),
        ("goose", "secrets"),
        ("", "openai"),
        ("openai", ""),
    ],
)
def test_what_does_not_say_that_it_is_a_key_is_left(macos: FakeSecurity, service: str, account: str) -> None:
    macos.plant(account, OPENAI.encode(), service=service)

    assert found(on_macos()) == []


def test_a_value_is_read_when_it_is_asked_for(macos: FakeSecurity) -> None:
    macos.plant("ANTHROPIC_API_KEY", ANTHROPIC.encode(), service="envchain-work")
    macos.plant("openai", OPENAI.encode(), service="llm")
    first, second = found(on_macos(), notes=1)

    assert holds(first, ANTHROPIC)
    assert holds(second, OPENAI)
    assert macos.data_reads() == 2
    assert macos.count() == 2
    assert first.remove == "envchain --unset work ANTHROPIC_API_KEY"
    assert second.remove == "security delete-generic-password -s llm -a openai"


def test_a_note_says_that_somebody_will_be_asked(macos: FakeSecurity) -> None:
    macos.plant("openai", OPENAI.encode(), service="llm")

    assert on_macos().finds()[1] == [f"macOS Keychain: 1 entry looks like a key by name; {ASKING}"]


def test_names_are_seen_in_a_locked_keychain_and_values_are_not(macos: FakeSecurity) -> None:
    macos.plant("openai", OPENAI.encode(), service="llm")
    macos.lock()
    (candidate,) = found(on_macos(), notes=1)

    with pytest.raises(KeychainLocked, match="an entry of another program was not read"):
        candidate.secret()


def test_a_window_that_is_closed_gives_no_value(macos: FakeSecurity) -> None:
    macos.plant("openai", OPENAI.encode(), service="llm")
    (candidate,) = found(on_macos(), notes=1)
    macos.fail_once("SecItemCopyMatching", WINDOW_CLOSED)

    with pytest.raises(KeychainDenied):
        candidate.secret()


def test_a_value_that_is_no_key_is_refused_when_it_is_read(macos: FakeSecurity) -> None:
    macos.plant("openai", json.dumps({"OPENAI_API_KEY": OPENAI}).encode(), service="llm")
    (candidate,) = found(on_macos(), notes=1)

    with pytest.raises(InvalidSecret) as raised:
        candidate.secret()
    assert "several values" in raised.value.why
    assert OPENAI not in str(raised.value)


def test_a_machine_without_a_keychain_has_nothing_to_say(macos: FakeSecurity) -> None:
    macos.take_away()

    assert found(on_macos()) == []


def test_a_keychain_that_fails_is_a_note(macos: FakeSecurity) -> None:
    macos.fail_once("SecItemCopyMatching", -1)

    assert note(on_macos()) == "keys of other programs were not looked for: the keys were not listed: OSStatus -1"


def test_a_name_that_is_a_key_itself_is_not_shown(macos: FakeSecurity) -> None:
    macos.plant(OPENAI, b"x", service="openai")
    macos.plant("openai", b"x", service="llm", kind=DATA)

    (candidate,) = found(on_macos(), notes=1)
    assert "***" in candidate.name
    assert OPENAI not in candidate.remove


def test_listing_gives_back_what_apple_allocated(macos: FakeSecurity) -> None:
    def growth() -> int:
        before = macos.live_objects()
        on_macos().finds()
        return macos.live_objects() - before

    macos.plant("one", b"value", service="other")
    with_one = growth()
    for account in range(50):
        macos.plant(f"{account}", b"value", service="other")

    assert growth() == with_one


# Windows


def test_credentials_are_read_whichever_library_wrote_them(windows: FakeCredentials) -> None:
    windows.plant("openai", OPENAI.encode("utf-16-le"), UserName="work")  # Python's keyring
    windows.plant("home@openai", OPENAI.encode("utf-16-le"), UserName="home")
    windows.plant("mistral:me", MISTRAL.encode(), UserName="me")  # a Go library
    windows.plant("keyring:my-tool:anthropic", ANTHROPIC.encode(), UserName=None)  # that of 99designs
    candidates = found(on_windows())

    assert [(each.provider, each.secret().length) for each in candidates] == [
        ("openai", len(OPENAI)),
        ("anthropic", len(ANTHROPIC)),
        ("mistral", len(MISTRAL)),
        ("openai", len(OPENAI)),
    ]
    assert all(each.value is not None for each in candidates)
    assert candidates[0].alias == "home"
    assert candidates[0].remove == 'cmdkey "/delete:home@openai"'


def test_several_keys_in_one_credential_are_taken_apart(windows: FakeCredentials) -> None:
    stored = json.dumps({"OPENAI_API_KEY": OPENAI, "ANTHROPIC_API_KEY": ANTHROPIC, "theme": "dark"})
    windows.plant("secrets.goose", stored.encode("utf-16-le"), UserName="secrets")
    candidates = found(on_windows())

    assert named(candidates) == [("OPENAI_API_KEY", "openai", ""), ("ANTHROPIC_API_KEY", "anthropic", "")]
    assert holds(candidates[0], OPENAI)
    assert holds(candidates[1], ANTHROPIC)


def test_what_is_not_a_providers_is_not_even_read(windows: FakeCredentials, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in ("git:https://github.test", "MicrosoftAccount:user=me", "ringlet/openai/work", "Ringlet/openai/x"):
        windows.plant(target, b"a password", UserName="me")
    windows.plant("openai", OPENAI.encode(), Type=2, UserName="a domain's")
    windows.fail("CredRead", ACCESS_DENIED)

    assert found(on_windows()) == []


def test_the_password_of_a_page_is_left(windows: FakeCredentials) -> None:
    windows.plant("https://platform.openai.com", "correct horse".encode("utf-16-le"), UserName="me@home.test")
    windows.plant("https://console.mistral.test", MISTRAL.encode("utf-16-le"), UserName="me@home.test")
    windows.plant("proxy.openai", b"correct horse", UserName="me")
    windows.plant("proxy.anthropic", b"battery", UserName="me")

    assert found(on_windows()) == []


@pytest.mark.parametrize(("blob", "why"), [(b"\xff\xfe\x00", "it is no text"), (b"", "empty")])
def test_what_is_no_key_is_a_note(windows: FakeCredentials, blob: bytes, why: str) -> None:
    windows.plant("openai", blob, UserName="work")

    assert why in note(on_windows())


def test_a_credential_that_is_refused_is_a_note(windows: FakeCredentials) -> None:
    windows.plant("openai", OPENAI.encode(), UserName="work")
    windows.fail("CredRead", ACCESS_DENIED)

    assert "openai work was left out" in note(on_windows())


def test_credentials_that_cannot_be_listed_are_a_note(windows: FakeCredentials) -> None:
    windows.fail("CredEnumerate", ACCESS_DENIED)

    assert note(on_windows()).startswith("keys of other programs were not looked for: ")


def test_a_windows_without_credentials_has_nothing_to_say(windows: FakeCredentials) -> None:
    assert found(on_windows()) == []
