"""Ringlet's backend where the keychain is locked, absent, frozen, killed, or another user's."""

from __future__ import annotations

import concurrent.futures
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.backends.system.dbus import Call
from ringlet_py.backends.system.secret_service import SecretService, Timeouts
from ringlet_py.backends.system.secret_service_conversation import SERVICE_NAME
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
from tests.backends.secret_service_cases import (
    ADDRESS,
    ATTRIBUTES,
    CANARY,
    assert_each_verb_raises,
    every_verb,
)
from tests.secret_services import (
    SERVICE_PATH,
    GnomeKeyring,
    PrivateBus,
    open_session_call,
    requires,
    search_call,
    service_call,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.keychain,
    pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's"),
]

AS_NOBODY = ("setpriv", "--pdeathsig", "KILL", "--reuid=65534", "--regid=65534", "--clear-groups")
# all of them are waited for where nothing answers, by each verb
SHORT = Timeouts(connect=0.15, call=0.15, activation=0.15, total=2, prompt=0.3)


@pytest.fixture
def own_gnome() -> Iterator[GnomeKeyring]:
    """A gnome-keyring for one test, with one entry in it."""
    with GnomeKeyring() as keyring:
        keyring.backend().set(ADDRESS, Secret(CANARY))
        yield keyring


class TestLocked:
    def test_every_verb_says_so_at_once(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.lock()
        verbs = every_verb(own_gnome.backend())

        for name in ("get", "set", "remove", "names", "check"):
            start = time.monotonic()
            with pytest.raises(KeychainLocked):
                verbs[name]()
            assert time.monotonic() - start < 1, name

    def test_after_a_restart_every_verb_says_so_also_the_list(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.kill()
        own_gnome.start(unlocked=False)

        assert_each_verb_raises(KeychainLocked, own_gnome.backend())

    def test_an_address_that_is_not_there_is_locked_too_and_never_not_found(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.lock()

        with pytest.raises(KeychainLocked):
            own_gnome.backend().get(Address("openai"))

    @pytest.mark.parametrize("can_ask", [False, True])
    def test_four_at_once_are_told_quickly(self, own_gnome: GnomeKeyring, can_ask: bool) -> None:  # noqa: FBT001
        """Each prompt fails, since there is no screen; four at once would end gnome-keyring's prompts for good."""
        own_gnome.lock()

        def outcome(_: int) -> str:
            try:
                return own_gnome.backend(can_ask=can_ask).get(ADDRESS).reveal()
            except KeychainError as error:
                return type(error).__name__

        for _ in range(3):
            start = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                assert list(pool.map(outcome, range(4))) == ["KeychainLocked"] * 4
            assert time.monotonic() - start < 2

    def test_a_locked_duplicate_in_another_collection_is_not_passed_over(self, own_gnome: GnomeKeyring) -> None:
        """It might be the newer one, so an answer from the unlocked ones alone could be the old key."""
        second = make_collection(own_gnome, "second")
        own_gnome.create(b"sk-second", collection=second, **ATTRIBUTES)
        own_gnome.ask(service_call("Lock", signature="ao", args=([second],), reply="aoo"))

        with pytest.raises(KeychainLocked):
            own_gnome.backend().get(ADDRESS)
        assert len(own_gnome.search(**ATTRIBUTES)) == 2

    def test_a_password_less_keyring_opens_by_itself(self) -> None:
        text = "[keyring]\ndisplay-name=plain\nctime=0\nmtime=0\nlock-on-idle=false\nlock-after=false\n"
        with GnomeKeyring(password=b"", keyrings={"plain.keyring": text, "default": "plain"}) as keyring:
            assert keyring.is_locked()
            keyring.backend().check()
            keyring.backend().set(ADDRESS, Secret(CANARY))
            keyring.kill()
            keyring.start()

            assert keyring.is_locked()
            assert keyring.backend().names() == [ADDRESS]
            assert keyring.backend().get(ADDRESS).reveal() == CANARY

    def test_nothing_is_said_where_nobody_was_asked(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.lock()
        said: list[str] = []

        for verb in every_verb(own_gnome.backend(said=said)).values():
            try:
                verb()
            except KeychainLocked:
                continue

        assert said == []


class TestAbsent:
    def test_a_service_without_a_default_collection(self) -> None:
        with GnomeKeyring(password=b"") as keyring:
            assert_each_verb_raises(KeychainAbsent, keyring.backend())

    def test_a_bus_without_a_service(self) -> None:
        requires("gnome-keyring")
        with PrivateBus() as bus:
            assert_each_verb_raises(KeychainAbsent, bus.backend())

    def test_a_service_whose_package_is_gone(self) -> None:
        requires("gnome-keyring")
        with PrivateBus({SERVICE_NAME: "/nowhere/gnome-keyring-daemon"}) as bus:
            assert_each_verb_raises(KeychainAbsent, bus.backend())

    @pytest.mark.parametrize("address", ["", "tcp:host=localhost,port=1", "autolaunch:", "unix:path=/nowhere/bus", "x"])
    def test_an_address_that_leads_nowhere(self, address: str) -> None:
        environ = {"DBUS_SESSION_BUS_ADDRESS": address}
        assert_each_verb_raises(KeychainAbsent, SecretService(environ=environ, can_ask=False, say=print))

    def test_a_stale_socket(self) -> None:
        requires("gnome-keyring")
        with PrivateBus() as bus:
            bus.bus.kill()
            bus.bus.wait()

            assert_each_verb_raises(KeychainAbsent, bus.backend())


class TestDaemonsThatFail:
    def test_a_service_that_starts_and_ends_at_once_is_broken_not_absent(self) -> None:
        requires("gnome-keyring")
        with PrivateBus({SERVICE_NAME: "/bin/false"}) as bus:
            assert_each_verb_raises(KeychainBroken, bus.backend())

    def test_a_service_that_never_comes_up_is_a_timeout(self) -> None:
        requires("gnome-keyring")
        with PrivateBus({SERVICE_NAME: "/bin/sleep 60"}) as bus:
            assert_each_verb_raises(KeychainTimeout, bus.backend(timeouts=SHORT))

    def test_a_frozen_daemon_is_a_timeout(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.daemon.send_signal(signal.SIGSTOP)

        assert_each_verb_raises(KeychainTimeout, own_gnome.backend(timeouts=SHORT))

        own_gnome.daemon.send_signal(signal.SIGCONT)
        assert own_gnome.backend().get(ADDRESS).reveal() == CANARY

    def test_a_frozen_daemon_is_a_timeout_for_people_too_and_they_are_told(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.daemon.send_signal(signal.SIGSTOP)
        said: list[str] = []

        with pytest.raises(KeychainTimeout):
            own_gnome.backend(timeouts=SHORT, can_ask=True, said=said).get(ADDRESS)

        assert len(said) == 1
        assert "does not answer yet" in said[0]

    def test_a_frozen_bus_is_a_timeout(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.bus.send_signal(signal.SIGSTOP)

        assert_each_verb_raises(KeychainTimeout, own_gnome.backend(timeouts=SHORT))

        own_gnome.bus.send_signal(signal.SIGCONT)

    def test_a_killed_daemon_is_absent_until_it_is_back(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.kill()
        assert_each_verb_raises(KeychainAbsent, own_gnome.backend())

        own_gnome.start()
        assert own_gnome.backend().get(ADDRESS).reveal() == CANARY

    def test_a_daemon_killed_during_a_call_is_broken_at_once(self, own_gnome: GnomeKeyring) -> None:
        own_gnome.daemon.send_signal(signal.SIGSTOP)
        killer = threading.Timer(0.3, own_gnome.daemon.kill)
        killer.start()
        start = time.monotonic()

        with pytest.raises(KeychainBroken):
            own_gnome.backend().get(ADDRESS)

        assert time.monotonic() - start < 2
        killer.join()

    @pytest.mark.slow
    def test_a_daemon_killed_at_any_moment_never_hangs_or_escapes_as_another_error(self) -> None:
        outcomes = set()
        for round_number in range(20):
            with GnomeKeyring() as keyring:
                killer = threading.Timer(0.002 * round_number, keyring.daemon.kill)
                killer.start()
                outcomes.add(outcome_of_many(keyring.backend(timeouts=SHORT)))
                killer.join()

        assert outcomes <= {KeychainBroken, KeychainAbsent}


def test_a_bus_that_never_answers_is_a_timeout(tmp_path: Any) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus"))
        listener.listen()
        environ = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/bus"}

        assert_each_verb_raises(
            KeychainTimeout, SecretService(environ=environ, can_ask=False, say=print, timeouts=SHORT)
        )


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can make another user's bus")
def test_another_users_bus_is_denied() -> None:
    requires("gnome-keyring")
    with PrivateBus() as bus:
        address = str(bus.folder / "foreign")
        shutil.chown(bus.folder, 65534, 65534)
        (bus.folder / "bus.conf").chmod(0o644)
        text = (bus.folder / "bus.conf").read_text().replace("/run/bus", "/foreign")
        (bus.folder / "bus.conf").write_text(text)
        foreign = subprocess.Popen(
            [
                *AS_NOBODY,
                "dbus-daemon",
                f"--config-file={bus.folder}/bus.conf",
                "--nofork",
                "--nopidfile",
                "--print-address=1",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert foreign.stdout
            assert foreign.stdout.readline()
            environ = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={address}"}
            assert_each_verb_raises(KeychainDenied, SecretService(environ=environ, can_ask=False, say=print))
        finally:
            foreign.kill()
            foreign.communicate()


def make_collection(keyring: GnomeKeyring, label: str) -> str:
    """One more collection, with an empty password and without a window; gnome-keyring's own way for tests."""
    interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
    with keyring.connection() as connection:
        connection.call(search_call({}), 5)
        session = connection.call(open_session_call(), 5)[1]
        properties = {"org.freedesktop.Secret.Collection.Label": ("s", label)}
        call = Call(
            SERVICE_NAME,
            (SERVICE_PATH, interface),
            "CreateWithMasterPassword",
            signature="a{sv}(oayays)",
            args=(properties, (session, b"", b"second-pass", "text/plain")),
            reply="o",
        )
        return str(connection.call(call, 5)[0])


def outcome_of_many(backend: SecretService) -> type[Exception] | None:
    """Set and get until that fails, and how it failed."""
    try:
        for number in range(10_000):
            backend.set(ADDRESS, Secret(f"sk-{number}"))
            assert backend.get(ADDRESS).reveal() == f"sk-{number}"
    except KeychainError as error:
        return type(error)
    return None
