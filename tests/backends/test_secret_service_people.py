"""When a person is asked to unlock, what they are told, and what a service may answer that no real one does here."""

from __future__ import annotations

import concurrent.futures
import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.backends.system.secret_service import Timeouts
from ringlet_py.entry import Address
from ringlet_py.errors import (
    KeychainAbsent,
    KeychainBroken,
    KeychainDenied,
    KeychainError,
    KeychainLocked,
    KeychainTimeout,
)
from ringlet_py.secret import Secret
from tests.secret_services import PrivateBus, requires

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.secret_service import FakeSecretService

pytest.importorskip("jeepney", reason="jeepney comes with keyring on Linux only")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.keychain,
    pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's"),
]

ADDRESS = Address("anthropic")
LIMITS = Timeouts(call=1, activation=1, prompt=1)
BUS_ERROR = "org.freedesktop.DBus.Error."


@pytest.fixture(scope="module")
def bus_of_module() -> Iterator[PrivateBus]:
    requires("gnome-keyring")  # it brings dbus-daemon
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def bus(bus_of_module: PrivateBus) -> PrivateBus:
    return bus_of_module


@pytest.fixture
def service(bus: PrivateBus) -> Callable[..., FakeSecretService]:
    from tests.fakes.secret_service import FakeSecretService

    def start(**options: Any) -> FakeSecretService:
        return FakeSecretService(bus.environ["DBUS_SESSION_BUS_ADDRESS"], **options)

    return start


def failure(bus: PrivateBus, *, can_ask: bool = False, said: list[str] | None = None) -> KeychainError:
    with pytest.raises(KeychainError) as caught:
        bus.backend(can_ask=can_ask, timeouts=LIMITS, said=said).get(ADDRESS)
    return caught.value


class TestAPersonAtATerminal:
    def test_is_told_of_the_window_and_waited_for(self, bus: PrivateBus, service: Any) -> None:
        said: list[str] = []
        with service(prompts=(0.5, False)):
            secret = bus.backend(can_ask=True, timeouts=LIMITS, said=said).get(ADDRESS)

        assert secret.reveal() == "sk-fake"
        assert said == ["waiting up to 1 s for you to let ringlet unlock the keychain, in the keychain's window"]

    def test_is_told_nothing_where_the_service_answers_by_itself(self, bus: PrivateBus, service: Any) -> None:
        said: list[str] = []
        with service(prompts=(0, False)):
            secret = bus.backend(can_ask=True, timeouts=LIMITS, said=said).get(ADDRESS)

        assert secret.reveal() == "sk-fake"
        assert said == []

    def test_who_closes_the_window_has_denied_it(self, bus: PrivateBus, service: Any) -> None:
        with service(prompts=(0.5, True)):
            assert type(failure(bus, can_ask=True)) is KeychainDenied

    def test_a_window_that_could_not_open_is_locked(self, bus: PrivateBus, service: Any) -> None:
        said: list[str] = []
        with service(prompts=(0, True)):
            error = failure(bus, can_ask=True, said=said)

        assert type(error) is KeychainLocked
        assert said == []

    def test_who_does_not_answer_is_waited_for_no_longer_than_said(self, bus: PrivateBus, service: Any) -> None:
        start = time.monotonic()
        with service(prompts=(-1, False)) as fake:
            assert type(failure(bus, can_ask=True)) is KeychainTimeout
            assert "Dismiss" not in fake.calls

        assert time.monotonic() - start < 3

    def test_is_asked_once_by_several_ringlets_at_once(self, bus: PrivateBus, service: Any) -> None:
        def read(_: int) -> str:
            return bus.backend(can_ask=True, timeouts=Timeouts(prompt=5)).get(ADDRESS).reveal()

        with service(prompts=(0.6, False)) as fake, concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert list(pool.map(read, range(4))) == ["sk-fake"] * 4

        assert fake.calls.count("Prompt") == 1


class TestNobodyAtATerminal:
    def test_no_window_is_opened(self, bus: PrivateBus, service: Any) -> None:
        with service() as fake:
            for verb in (lambda: bus.backend().get(ADDRESS), lambda: bus.backend().remove(ADDRESS)):
                with pytest.raises(KeychainLocked):
                    verb()

        assert "Prompt" not in fake.calls

    def test_neither_check_nor_names_opens_one_for_anybody(self, bus: PrivateBus, service: Any) -> None:
        locked = ("v", (("b", True),))
        hashed = ("v", (("a{ss}", {"gkr:compat:hashed:username": "0123"}),))
        with service(Get=locked) as fake, pytest.raises(KeychainLocked):
            bus.backend(can_ask=True).check()
        with service(Get=hashed) as another, pytest.raises(KeychainLocked):
            bus.backend(can_ask=True).names()

        assert "Prompt" not in fake.calls + another.calls


class TestAListThatWouldBePartial:
    def test_is_locked_where_the_default_collection_may_hide_some(self, bus: PrivateBus, service: Any) -> None:
        with service(Get=("v", (("b", True),)), Unlock=("aoo", ([], "/prompt/1"))) as fake:
            fake.unlocked = True

            with pytest.raises(KeychainLocked):
                bus.backend().names()


class TestTheOrder:
    def test_of_a_lookup_is_the_safe_one_and_no_longer_than_needed(self, bus: PrivateBus, service: Any) -> None:
        with service() as fake:
            fake.unlocked = True
            bus.backend().get(ADDRESS)

        assert fake.calls == ["SearchItems", "OpenSession", "GetSecret"]

    @pytest.mark.parametrize("verb", ["get", "names", "check", "remove"])
    def test_of_every_verb_begins_with_a_search(self, bus: PrivateBus, service: Any, verb: str) -> None:
        with service() as fake:
            arguments = [ADDRESS] if verb in {"get", "remove"} else []
            with contextlib.suppress(KeychainError):
                getattr(bus.backend(), verb)(*arguments)

        assert fake.calls[0] == "SearchItems"


class TestWhatAServiceMayAnswer:
    @pytest.mark.parametrize("member", ["SearchItems", "OpenSession", "GetSecret"])
    def test_one_unknown_method_is_asked_again(self, bus: PrivateBus, service: Any, member: str) -> None:
        with service() as fake:
            fake.unlocked = True
            sound = fake._answers[member]
            fake._answers[member] = [BUS_ERROR + "UnknownMethod", sound() if callable(sound) else sound]

            assert bus.backend().get(ADDRESS).reveal() == "sk-fake"

        # that call alone, and not the whole lookup again
        assert len(fake.calls) == 4
        assert fake.calls.count(member) == 2

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("org.freedesktop.Secret.Error.IsLocked", KeychainLocked),
            (BUS_ERROR + "ServiceUnknown", KeychainAbsent),
            (BUS_ERROR + "NameHasNoOwner", KeychainAbsent),
            (BUS_ERROR + "Spawn.ExecFailed", KeychainAbsent),
            (BUS_ERROR + "Spawn.ChildExited", KeychainBroken),
            (BUS_ERROR + "Spawn.ChildSignaled", KeychainBroken),
            (BUS_ERROR + "TimedOut", KeychainTimeout),
            (BUS_ERROR + "NoReply", KeychainBroken),
            (BUS_ERROR + "AccessDenied", KeychainDenied),
            (BUS_ERROR + "LimitsExceeded", KeychainBroken),
            (BUS_ERROR + "UnknownMethod", KeychainBroken),
            ("org.freedesktop.Secret.Error.NoSuchObject", KeychainBroken),
            ("x.y", KeychainBroken),
        ],
    )
    @pytest.mark.parametrize("member", ["SearchItems", "GetSecret"])
    def test_each_error_has_its_meaning(
        self, bus: PrivateBus, service: Any, member: str, name: str, expected: type[KeychainError]
    ) -> None:
        with service(**{member: name}) as fake:
            fake.unlocked = True

            assert type(failure(bus)) is expected

    def test_an_item_that_goes_away_in_between_is_searched_again(self, bus: PrivateBus, service: Any) -> None:
        sound = ("(oayays)", (("/session/1", b"", b"sk-fake", "text/plain"),))
        with service(GetSecret=["org.freedesktop.Secret.Error.NoSuchObject", sound]) as fake:
            fake.unlocked = True

            assert bus.backend().get(ADDRESS).reveal() == "sk-fake"

        assert fake.calls.count("SearchItems") == 2

    def test_an_empty_value_of_a_locked_item_is_locked(self, bus: PrivateBus, service: Any) -> None:
        empty = ("(oayays)", (("/session/1", b"", b"", "text/plain"),))
        with service(GetSecret=empty, Get=("v", (("b", True),))) as fake:
            fake.unlocked = True

            assert type(failure(bus)) is KeychainLocked

    def test_an_empty_value_of_an_unlocked_item_is_broken(self, bus: PrivateBus, service: Any) -> None:
        empty = ("(oayays)", (("/session/1", b"", b"", "text/plain"),))
        with service(GetSecret=empty) as fake:
            fake.unlocked = True

            error = failure(bus)

        assert type(error) is KeychainBroken
        assert error.hint == "ringlet keychain set anthropic default --replace"

    def test_a_session_of_another_type_is_understood(self, bus: PrivateBus, service: Any) -> None:
        with service(OpenSession=("vo", (("ay", b""), "/session/1"))) as fake:
            fake.unlocked = True

            assert bus.backend().get(ADDRESS).reveal() == "sk-fake"

    @pytest.mark.parametrize("verb", ["get", "names", "check"])
    def test_a_property_of_another_type_is_broken(self, bus: PrivateBus, service: Any, verb: str) -> None:
        number = ("v", (("u", 7),))
        two: Any = ("aoao", (["/collection/fake/1", "/collection/fake/2"], []))
        with service(Get=number, SearchItems=two), pytest.raises(KeychainBroken):
            getattr(bus.backend(), verb)(*([ADDRESS] if verb == "get" else []))

    def test_a_write_that_does_not_last_is_broken(self, bus: PrivateBus, service: Any) -> None:
        with service(SetSecret=("", ())) as fake:
            fake.unlocked = True

            with pytest.raises(KeychainBroken) as caught:
                bus.backend().set(ADDRESS, Secret("sk-another"))

        assert "sk-another" not in f"{caught.value} {caught.value.why}"
        assert "anthropic/default" in caught.value.what

    @pytest.mark.parametrize(("times", "newest"), [((5, 9), "/item/2"), ((9, 5), "/item/1"), ((7, 7), "/item/2")])
    def test_of_several_entries_the_one_changed_last_is_read(
        self, bus: PrivateBus, service: Any, times: tuple[int, int], newest: str
    ) -> None:
        moments: Any = [("v", (("t", moment),)) for moment in times]
        with service(SearchItems=("aoao", (["/item/1", "/item/2"], [])), Get=moments) as fake:
            bus.backend().get(ADDRESS)

        assert fake.read == [newest]

    def test_a_new_entry_that_does_not_last_is_broken(self, bus: PrivateBus, service: Any) -> None:
        searches: Any = [("aoao", ([], [])), ("aoao", (["/collection/fake/1"], []))]
        created = ("oo", ("/collection/fake/1", "/"))
        with service(SearchItems=searches, CreateItem=created), pytest.raises(KeychainBroken) as caught:
            bus.backend().set(ADDRESS, Secret("sk-another"))

        assert "anthropic/default" in caught.value.what

    def test_no_other_entry_is_deleted_before_the_new_value_was_read_back(self, bus: PrivateBus, service: Any) -> None:
        two: Any = ("aoao", (["/collection/fake/1", "/collection/fake/2"], []))
        fake = service(SearchItems=two, Get=("v", (("t", 5),)), SetSecret=("", ()), Delete=("o", ("/",)))
        with fake, pytest.raises(KeychainBroken):
            bus.backend().set(ADDRESS, Secret("sk-another"))

        assert "SetSecret" in fake.calls
        assert "Delete" not in fake.calls
