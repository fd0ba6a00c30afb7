"""Keys that other programs put into a real gnome-keyring, and into KWallet and KeePassXC."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.system.secret_service_objects import COLLECTION
from ringlet_py.entry import Address
from ringlet_py.moving.stores.envchain import Envchain
from ringlet_py.moving.stores.go_keyring import GoKeyring
from ringlet_py.moving.stores.plain_items import PlainItems
from ringlet_py.secret import Secret
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, OPENAI, PROVIDERS, assert_nothing_leaks, found, holds, named
from tests.moving.stores.shown import note as only_note
from tests.other_secret_services import KeePassXC, KWallet
from tests.secret_services import GnomeKeyring, PrivateBus, requires

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.moving.stores import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.keychain,
    pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's"),
]

ENVCHAIN = {"xdg:schema": "envchain.EnvironmentVariable"}
GENERIC = {"xdg:schema": "org.freedesktop.Secret.Generic"}
PYTHON = {"application": "Python keyring library"}


@pytest.fixture(scope="module")
def gnome_of_module() -> Iterator[GnomeKeyring]:
    with GnomeKeyring() as keyring:
        yield keyring


@pytest.fixture
def gnome(gnome_of_module: GnomeKeyring) -> PrivateBus:
    """A gnome-keyring that tests may fill, but not lock."""
    collection = gnome_of_module.property(gnome_of_module.default_collection(), COLLECTION, "Items")
    for item in collection:
        gnome_of_module.delete(item)
    return gnome_of_module


def all_of(bus: PrivateBus) -> list[Store]:
    home = str(bus.folder / "home")
    return [
        PlainItems(bus.environ, PROVIDERS),
        Envchain(bus.environ, PROVIDERS),
        GoKeyring(home, bus.environ, PROVIDERS),
    ]


def stored(bus: PrivateBus, value: str, *attributes: str) -> None:
    """Stored with secret-tool."""
    requires("secret-tool")
    done = bus.run("secret-tool", "store", "--label=x", *attributes, stdin=value)
    assert done.returncode == 0, done.stderr


def jsoned(value: str) -> bytes:
    """An item's value as the library keyring of 99designs writes it."""
    data = base64.b64encode(value.encode()).decode()
    item = {"Key": "k", "Data": data, "Label": "", "Description": "", "KeychainNotTrustApplication": False}
    return json.dumps(item).encode()


class TestPlainItems:
    def test_keys_of_providers_are_offered_and_the_passwords_of_their_pages_are_not(self, gnome: PrivateBus) -> None:
        stored(gnome, OPENAI, "service", "openai", "username", "work")
        stored(gnome, MISTRAL, "service", "llm", "account", "mistral")
        stored(gnome, ANTHROPIC, "service", "ANTHROPIC_API_KEY", "username", "me")
        stored(gnome, "correct-horse", "service", "openai", "username", "me@example.org")
        stored(gnome, OPENAI, "service", "mail", "username", "openai")
        keys = found(PlainItems(gnome.environ, PROVIDERS))

        assert sorted(named(keys)) == [
            ("ANTHROPIC_API_KEY me", "anthropic", "me"),
            ("llm mistral", "mistral", ""),
            ("openai work", "openai", "work"),
        ]
        assert keys[0].place == "Secret Service, login collection"
        command = next(key.remove for key in keys if holds(key, OPENAI)).split()
        assert {command[2]: command[3], command[4]: command[5]} == {"service": "openai", "username": "work"}
        assert (command[:2], len(command)) == (["secret-tool", "clear"], 6)

    def test_what_ringlet_itself_keeps_is_not_offered(self, gnome: PrivateBus) -> None:
        stored(gnome, OPENAI, "service", "ringlet", "username", "openai/default", "application", PYTHON["application"])
        assert found(PlainItems(gnome.environ, PROVIDERS)) == []

    def test_several_keys_in_one_value_are_told_apart(self, gnome: PrivateBus) -> None:
        value = json.dumps({"OPENAI_API_KEY": OPENAI, "ANTHROPIC_API_KEY": ANTHROPIC, "GOOSE_MODE": "auto", "X": {}})
        gnome.create(value.encode(), service="goose", username="secrets")
        keys = found(PlainItems(gnome.environ, PROVIDERS))

        assert named(keys) == [("OPENAI_API_KEY", "openai", ""), ("ANTHROPIC_API_KEY", "anthropic", "")]
        assert keys[0].remove.endswith("secret-tool clear service goose username secrets")

    @pytest.mark.parametrize("attributes", [{}, PYTHON, GENERIC])
    def test_the_command_removes_just_that_item(self, gnome: PrivateBus, attributes: dict[str, str]) -> None:
        gnome.create(OPENAI.encode(), service="openai", username="two words", **attributes)
        gnome.create(MISTRAL.encode(), service="mistral", username="key", **attributes)
        items = PlainItems(gnome.environ, PROVIDERS)
        command = next(key.remove for key in found(items) if holds(key, OPENAI))

        if attributes is PYTHON:
            assert command == "keyring del openai 'two words'"
            return
        assert "xdg:schema" not in command
        requires("secret-tool")
        gnome.run("sh", "-c", command)
        assert [holds(key, MISTRAL) for key in found(items)] == [True]

    def test_a_value_that_is_no_key_is_a_note(self, gnome: PrivateBus) -> None:
        gnome.create(b"two words", service="openai", username="api key")
        assert only_note(PlainItems(gnome.environ, PROVIDERS)) == (
            "keyring entries: an item in the login collection was left out: the value holds a blank: "
            "keys are printable ASCII without blanks, quotes and backslashes"
        )

    def test_what_pythons_keyring_stored_is_offered_and_its_command_removes_it(self, gnome: PrivateBus) -> None:
        keyring = (sys.executable, "-m", "keyring", "-b", "keyring.backends.SecretService.Keyring")
        for service, name, value in (("openai", "work", OPENAI), ("my tool", "claude api key", ANTHROPIC)):
            done = gnome.run(*keyring, "set", service, name, stdin=value)
            assert done.returncode == 0, done.stderr
        items = PlainItems(gnome.environ, PROVIDERS)
        keys = found(items)

        assert sorted(provider for _, provider, _ in named(keys)) == ["anthropic", "openai"]
        command = next(key.remove for key in keys if holds(key, OPENAI))
        assert gnome.run(*keyring, *command.split()[1:]).returncode == 0
        assert [holds(key, ANTHROPIC) for key in found(items)] == [True]


class TestEnvchain:
    def test_the_keys_of_all_namespaces_are_offered_with_the_namespace_as_alias(self, gnome: PrivateBus) -> None:
        for space, variable, value in (
            ("work", "OPENAI_API_KEY", OPENAI),
            ("aws", "AWS_SECRET_ACCESS_KEY", "abcdEFGH0123"),
            ("aws", "AWS_REGION", "not a key"),
        ):
            gnome.create(value.encode(), label=variable, **ENVCHAIN, name=space, key=variable)
        keys = found(Envchain(gnome.environ, PROVIDERS))

        assert sorted(named(keys)) == [
            ("AWS_SECRET_ACCESS_KEY", "", "aws-access"),
            ("OPENAI_API_KEY", "openai", "work"),
        ]
        assert {each.place for each in keys} == {"envchain, namespace work", "envchain, namespace aws"}

    def test_the_command_removes_just_that_variable(self, gnome: PrivateBus) -> None:
        requires("secret-tool")
        for variable, value in (("OPENAI_API_KEY", OPENAI), ("MISTRAL_API_KEY", MISTRAL)):
            gnome.create(value.encode(), **ENVCHAIN, name="work", key=variable)
        envchain = Envchain(gnome.environ, PROVIDERS)
        gnome.run("sh", "-c", next(key.remove for key in found(envchain) if holds(key, OPENAI)))

        assert named(found(envchain)) == [("MISTRAL_API_KEY", "mistral", "work")]


class TestGoKeyring:
    def test_items_named_after_a_provider_are_offered_and_aws_credentials_are_not(self, gnome: PrivateBus) -> None:
        gnome.create(jsoned(OPENAI), profile="openai-work")
        gnome.create(jsoned('{"AccessKeyID": "A"}'), profile="production")
        gnome.create(OPENAI.encode(), profile="openai", other="attribute")
        (key,) = found(GoKeyring("/nowhere", gnome.environ, PROVIDERS))

        assert named([key]) == [("openai-work", "openai", "work")]
        assert holds(key, OPENAI)
        assert key.remove == "secret-tool clear profile openai-work"

    @pytest.mark.parametrize("raw", [b"", b"{", b"{}", b'{"Data": 7}', b'{"Data": "***"}', b"[]"])
    def test_a_value_that_is_not_the_librarys_is_a_note(self, gnome: PrivateBus, raw: bytes) -> None:
        gnome.create(raw, profile="openai")
        assert "it is not as the library writes it" in only_note(GoKeyring("/nowhere", gnome.environ, PROVIDERS))


def test_keys_in_files_with_a_passphrase_are_a_note(gnome: PrivateBus) -> None:
    folder = gnome.folder / "home/.awsvault/keys"
    folder.mkdir(parents=True)
    for name in ("production", "OPENAI%5FAPI%5FKEY"):
        (folder / name).touch()
    assert "has OPENAI_API_KEY: sealed with a passphrase" in only_note(
        GoKeyring(str(gnome.folder / "home"), gnome.environ, PROVIDERS)
    )


def test_without_a_service_there_is_nothing_and_no_note() -> None:
    with PrivateBus() as bus:
        for environ in (bus.environ, {}):
            assert PlainItems(environ, PROVIDERS).finds() == ([], [])
            assert Envchain(environ, PROVIDERS).finds() == ([], [])


def test_a_locked_keychain_is_a_note_and_stays_locked() -> None:
    with GnomeKeyring() as gnome:
        gnome.create(OPENAI.encode(), **ENVCHAIN, name="work", key="OPENAI_API_KEY")
        gnome.create(OPENAI.encode(), service="openai", username="work")
        gnome.lock()

        assert only_note(Envchain(gnome.environ, PROVIDERS)).startswith("envchain: 1 item is locked: unlock")
        assert only_note(PlainItems(gnome.environ, PROVIDERS)).startswith("keyring entries: 1 item is locked: unlock")
        assert GoKeyring("/nowhere", gnome.environ, PROVIDERS).finds() == ([], [])
        assert gnome.is_locked()


@pytest.mark.parametrize("kind", [KWallet, KeePassXC])
def test_other_services_answer_as_well(kind: type[PrivateBus]) -> None:
    with kind() as bus:
        bus.backend().set(Address("groq"), Secret(MISTRAL))  # KWallet calls a wallet locked until somebody asks
        bus.create(OPENAI.encode(), label="a", **ENVCHAIN, name="work", key="OPENAI_API_KEY")
        bus.create(ANTHROPIC.encode(), label="b", service="anthropic", username="work")
        bus.create(jsoned(MISTRAL), label="c", profile="mistral")
        for store in all_of(bus):
            candidates, notes = store.finds()
            assert_nothing_leaks(candidates, notes)
            assert len(candidates) == 1, notes
