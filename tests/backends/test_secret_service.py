"""Ringlet's backend and a real gnome-keyring that is in order."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.backends.system.secret_service_conversation import ITEM
from ringlet_py.entry import Address
from ringlet_py.errors import InvalidSecret, KeychainBroken, KeyNotFound
from ringlet_py.secret import Secret
from tests.backends.contract import BackendContract
from tests.backends.secret_service_cases import (
    ADDRESS,
    AS_ARGUMENTS,
    ATTRIBUTES,
    CANARY,
    fresh,
)
from tests.secret_services import GnomeKeyring, PrivateBus, requires

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.backends.system.secret_service import SecretService

pytestmark = [pytest.mark.keychain, pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")]

UNFIT = ["", "two\nlines", "tab\there", "back\\slash", "x y", 'a"quote', "\N{SNOWMAN}", "nul\0nul", "cr\r", "\ud800"]


@pytest.fixture(scope="module")
def gnome_of_module() -> Iterator[GnomeKeyring]:
    with GnomeKeyring() as keyring:
        yield keyring


@pytest.fixture
def gnome(gnome_of_module: GnomeKeyring) -> PrivateBus:
    """A gnome-keyring that tests may fill, but not lock or end."""
    return fresh(gnome_of_module)


@pytest.fixture
def own_gnome() -> Iterator[GnomeKeyring]:
    """A gnome-keyring for one test, with one entry in it."""
    with GnomeKeyring() as keyring:
        keyring.backend().set(ADDRESS, Secret(CANARY))
        yield keyring


class TestGnomeKeyring(BackendContract):
    @pytest.fixture
    def backend(self, gnome: PrivateBus) -> SecretService:
        return gnome.backend()

    @pytest.fixture
    def another(self, gnome_of_module: GnomeKeyring) -> SecretService:
        return gnome_of_module.backend()


@pytest.mark.slow
class TestGnomeKeyringAskedAhead(BackendContract):
    """The same contract where every key that is asked for was expected before, or another one was."""

    @pytest.fixture(params=["the same", "another"])
    def backend(self, request: pytest.FixtureRequest, gnome: PrivateBus) -> SecretService:
        backend = gnome.backend()
        get = backend.get

        def get_expected(address: Address) -> Secret:
            backend.expect(address if request.param == "the same" else Address("another", "one"))
            return get(address)

        backend.get = get_expected  # type: ignore[method-assign]
        return backend

    @pytest.fixture
    def another(self, gnome_of_module: GnomeKeyring) -> SecretService:
        return gnome_of_module.backend()

    def test_another_entry_that_is_there_is_not_taken_for_the_one_that_was_asked_for(self, gnome: PrivateBus) -> None:
        backend = gnome.backend()
        other = Address("another", "one")
        backend.set(ADDRESS, Secret(CANARY))
        backend.set(other, Secret("sk-other"))

        backend.expect(other)
        assert backend.get(ADDRESS).reveal() == CANARY
        backend.expect(other)
        assert backend.names() == sorted([ADDRESS, other])
        backend.expect(other)
        backend.remove(ADDRESS)
        assert backend.names() == [other]

    def test_one_that_asks_nobody_does_not_take_up_what_may_ask(self, gnome_of_module: GnomeKeyring) -> None:
        backend = gnome_of_module.backend(can_ask=True)
        backend.expect(ADDRESS)
        assert backend.names() is not None
        backend.dismiss()


class TestWhatIsStored:
    def test_has_exactly_the_attributes_and_the_label_that_other_tools_expect(self, gnome: PrivateBus) -> None:
        gnome.backend().set(ADDRESS, Secret(CANARY))

        (item,) = gnome.search(**ATTRIBUTES)
        assert gnome.label(item) == "ringlet/anthropic/default"
        assert gnome.property(item, ITEM, "Attributes") == {
            **ATTRIBUTES,
            "xdg:schema": "org.freedesktop.Secret.Generic",
        }

    def test_the_place_names_the_collection(self, gnome: PrivateBus) -> None:
        backend = gnome.backend()
        backend.check()

        assert backend.place == "Secret Service, login collection"

    @pytest.mark.parametrize("value", UNFIT, ids=ascii)
    def test_a_value_that_cannot_be_a_key_is_refused_and_the_old_one_stays(self, gnome: PrivateBus, value: str) -> None:
        backend = gnome.backend()
        backend.set(ADDRESS, Secret(CANARY))

        with pytest.raises(InvalidSecret) as caught:
            backend.set(ADDRESS, Secret(value))

        assert not value or value not in f"{caught.value} {caught.value.why}"
        assert backend.get(ADDRESS).reveal() == CANARY

    def test_survives_the_daemon(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.kill()
        own_gnome.start()

        assert own_gnome.backend().get(ADDRESS).reveal() == CANARY


class TestSecretTool:
    @pytest.fixture(autouse=True)
    def _program(self) -> None:
        requires("secret-tool")

    def test_finds_what_ringlet_stored(self, gnome: PrivateBus) -> None:
        gnome.backend().set(ADDRESS, Secret(CANARY))

        assert gnome.run("secret-tool", "lookup", *AS_ARGUMENTS).stdout == CANARY

    @pytest.mark.parametrize("end", ["", "\n"])
    def test_what_it_stored_is_found_replaced_and_removed(self, gnome: PrivateBus, end: str) -> None:
        backend = gnome.backend()
        gnome.run("secret-tool", "store", "--label=by hand", *AS_ARGUMENTS, stdin=CANARY + end)
        assert backend.get(ADDRESS).reveal() == CANARY
        assert backend.names() == [ADDRESS]

        backend.set(ADDRESS, Secret("sk-new"))
        assert gnome.run("secret-tool", "lookup", *AS_ARGUMENTS).stdout == "sk-new"
        (item,) = gnome.search(**ATTRIBUTES)
        assert gnome.label(item) == "by hand"

        backend.remove(ADDRESS)
        assert gnome.run("secret-tool", "lookup", *AS_ARGUMENTS).returncode == 1

    def test_replaces_what_ringlet_stored_and_leaves_one_entry(self, gnome: PrivateBus) -> None:
        gnome.backend().set(ADDRESS, Secret("sk-old"))

        gnome.run("secret-tool", "store", "--label=by hand", *AS_ARGUMENTS, stdin=CANARY)

        assert gnome.backend().get(ADDRESS).reveal() == CANARY
        assert len(gnome.search(**ATTRIBUTES)) == 1

    def test_what_it_cleared_is_gone(self, gnome: PrivateBus) -> None:
        gnome.backend().set(ADDRESS, Secret(CANARY))

        gnome.run("secret-tool", "clear", *AS_ARGUMENTS)

        assert gnome.backend().names() == []
        with pytest.raises(KeyNotFound):
            gnome.backend().get(ADDRESS)


class TestKeyringAsOracle:
    """keyring and SecretStorage, which ringlet does not use on Linux, read and write the same entries."""

    @pytest.fixture
    def keyring(self, gnome: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> Any:
        module = pytest.importorskip("keyring.backends.SecretService")
        pytest.importorskip("secretstorage")
        for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, gnome.environ[name])
        return module.Keyring()

    def test_reads_what_ringlet_stored(self, gnome: PrivateBus, keyring: Any) -> None:
        gnome.backend().set(ADDRESS, Secret(CANARY))

        assert keyring.get_password("ringlet", "anthropic/default") == CANARY

    def test_what_it_stored_is_found_and_replaced_for_it_too(self, gnome: PrivateBus, keyring: Any) -> None:
        keyring.set_password("ringlet", "anthropic/default", "sk-old")
        assert gnome.backend().get(ADDRESS).reveal() == "sk-old"

        gnome.backend().set(ADDRESS, Secret(CANARY))

        assert keyring.get_password("ringlet", "anthropic/default") == CANARY
        assert len(gnome.search(**ATTRIBUTES)) == 1


class TestDuplicates:
    """Entries of one address that differ in further attributes: other programs make them, ringlet does not."""

    @pytest.fixture
    def doubled(self, gnome: PrivateBus) -> PrivateBus:
        for number in range(3):
            gnome.create(f"sk-{number}".encode(), **ATTRIBUTES, made_by=f"tool {number}")
        return gnome

    @pytest.mark.slow
    def test_the_one_that_was_changed_last_is_used_and_this_is_said(self, doubled: PrivateBus) -> None:
        time.sleep(1.1)  # the services keep whole seconds
        doubled.create(b"sk-newest", **ATTRIBUTES, made_by="the last tool")
        said: list[str] = []

        assert doubled.backend(said=said).get(ADDRESS).reveal() == "sk-newest"
        assert len(said) == 1
        assert "4 entries for anthropic/default" in said[0]

    def test_equally_old_ones_give_the_same_answer_each_time(self, doubled: PrivateBus) -> None:
        assert len({doubled.backend().get(ADDRESS).reveal() for _ in range(5)}) == 1

    def test_set_leaves_one_entry_with_the_new_value(self, doubled: PrivateBus) -> None:
        doubled.backend().set(ADDRESS, Secret(CANARY))

        assert len(doubled.search(**ATTRIBUTES)) == 1
        assert doubled.backend().get(ADDRESS).reveal() == CANARY

    def test_remove_takes_all_and_none_comes_back(self, doubled: PrivateBus) -> None:
        doubled.backend().remove(ADDRESS)

        assert doubled.search(**ATTRIBUTES) == []

    def test_they_are_one_name(self, doubled: PrivateBus) -> None:
        assert doubled.backend().names() == [ADDRESS]


class TestNames:
    def test_only_well_formed_names_count(self, gnome: PrivateBus) -> None:
        gnome.backend().set(ADDRESS, Secret(CANARY))
        for username in ("ringlet-work", "a/b/c", "/x", "x/", ".a/b", "a b/c", "ä/b", ""):
            gnome.create(b"x", service="ringlet", username=username)
        gnome.create(b"x", service="ringlet")
        gnome.create(b"x", service="another", username="openai/default")

        assert gnome.backend().names() == [ADDRESS]

    @pytest.mark.slow
    def test_some_hundreds_are_listed(self, own_gnome: GnomeKeyring) -> None:
        for number in range(300):
            own_gnome.create(b"x", service="ringlet", username=f"openai/{number:03}")

        names = own_gnome.backend().names()

        assert [address.alias for address in names] == ["default", *(f"{number:03}" for number in range(300))]


class TestWhatIsNotAKey:
    @pytest.mark.parametrize(
        "value", [b"", "sk-\N{SNOWMAN}".encode(), b"\xff\xfe", b"two\nlines", b"a blank"], ids=ascii
    )
    def test_is_broken_with_its_name_and_the_remedy_and_without_its_value(
        self, gnome: PrivateBus, value: bytes
    ) -> None:
        gnome.create(value, **ATTRIBUTES)

        with pytest.raises(KeychainBroken) as caught:
            gnome.backend().get(ADDRESS)

        assert "anthropic/default" in caught.value.what
        assert caught.value.hint == "ringlet keychain set anthropic default --replace"
        assert caught.value.__context__ is None
        text = f"{caught.value!r} {caught.value.why}"
        assert "\N{SNOWMAN}" not in text
        assert "lines" not in text

    def test_is_mended_by_replacing_it(self, gnome: PrivateBus) -> None:
        gnome.create(b"two\nlines", **ATTRIBUTES)

        gnome.backend().set(ADDRESS, Secret(CANARY))

        assert gnome.backend().get(ADDRESS).reveal() == CANARY

    def test_of_any_size_is_broken(self, gnome: PrivateBus) -> None:
        gnome.create(b"x" * (5 << 20), **ATTRIBUTES)

        with pytest.raises(KeychainBroken):
            gnome.backend().get(ADDRESS)

        gnome.backend().remove(ADDRESS)


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip), ("kwallet gnome-keyring", pytest.fail)])
def test_a_missing_program_skips_and_fails_only_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: Any
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("RINGLET_REQUIRE", required)

    with pytest.raises(outcome.Exception, match="gnome-keyring-daemon or dbus-daemon is not installed"):
        requires("gnome-keyring")
