"""The main job, whole: a key in a real keychain, a profile, a real agent, and what the audit says."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.system.dbus import bus_call
from tests.end_to_end.agents import CASES, path_with
from tests.end_to_end.program import KEY, PATIENCE, store_key
from tests.end_to_end.upstream import ANSWER, Upstream
from tests.secret_services import wait_until

if TYPE_CHECKING:
    from tests.end_to_end.program import Home
    from tests.secret_services import GnomeKeyring

pytestmark = pytest.mark.keychain
STALE = {"ANTHROPIC_API_KEY": "stale", "OPENAI_API_KEY": "stale", "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}


@pytest.mark.agents
@pytest.mark.slow
def test_a_key_goes_into_the_keychain_and_reaches_the_provider_through_the_agent(keychain_home: Home) -> None:
    home = keychain_home
    shell = {"PATH": path_with(CASES[0]), **STALE}
    assert home.ringlet("keychain", "set", "anthropic", "default", stdin=KEY.encode()).status == 0
    with Upstream() as upstream:
        options = ("--agent", "claude", "--provider", "anthropic", "--base-url", upstream.url)
        assert home.ringlet("profiles", "create", "work", *options, environ=shell).status == 0
        done = home.ringlet("profiles", "run", "work", "--", "-p", "say hi", "--bare", environ=shell)
    assert (done.status, ANSWER in done.out) == (0, True), done.err
    assert upstream.asked
    assert [request.keys for request in upstream.asked] == [{"x-api-key": KEY}] * len(upstream.asked)
    assert "work     claude" in home.ringlet("audit", "list").out
    assert home.ringlet("audit", "verify").status == 0
    log = home.state / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"claude"', b'"clouds"', 1))
    assert home.ringlet("audit", "verify").status == 12
    assert not [path for path in home.files() if KEY.encode() in path.read_bytes()]


def test_the_keychain_is_used_and_the_file_is_not(keychain_home: Home, gnome: GnomeKeyring) -> None:
    done = keychain_home.here("keychain", "set", "anthropic", stdin=KEY.encode())
    assert done.err == "stored anthropic/default in Secret Service, login collection\n"
    assert not keychain_home.credentials.exists()
    assert len(gnome.search(service="ringlet", username="anthropic/default")) == 1
    assert keychain_home.here("keychain", "list").out == "anthropic/default\n"
    assert keychain_home.here("run", "--key", "anthropic", "--dry-run", "--", "true").status == 0


def test_keys_left_in_the_file_are_named_and_not_used(keychain_home: Home) -> None:
    keychain_home.configure('[credentials]\nbackend = "file"\n')
    store_key(keychain_home, "anthropic/left")
    keychain_home.configure("")
    done = keychain_home.here("keychain", "list")
    assert (done.status, done.out) == (0, "")
    assert f"note: not used, but still in {keychain_home.credentials}: anthropic/left\n" in done.err


def test_a_locked_keychain_is_5_and_nothing_on_standard_output(keychain_home: Home, gnome: GnomeKeyring) -> None:
    store_key(keychain_home)
    gnome.kill()
    gnome.start(unlocked=False)
    done = keychain_home.here("keychain", "list")
    assert (done.status, done.out) == (5, "")
    assert keychain_home.here("run", "--key", "anthropic/default", "--", "true").status == 125


def test_a_keychain_that_refuses_is_6(keychain_home: Home, gnome: GnomeKeyring) -> None:
    store_key(keychain_home)
    config = gnome.folder / "bus.conf"
    deny = '<deny send_destination="org.freedesktop.secrets"/></policy>'
    config.write_text(config.read_text().replace("</policy>", deny))
    gnome.ask(bus_call("ReloadConfig"))
    done = keychain_home.here("keychain", "list")
    assert (done.status, done.out) == (6, "")


def test_no_keychain_at_all_is_7_where_the_file_will_not_do(keychain_home: Home, gnome: GnomeKeyring) -> None:
    keychain_home.configure('[credentials]\nbackend = "system-only"\n')
    gnome.kill()
    assert keychain_home.here("keychain", "list").status == 7


@pytest.mark.slow
def test_a_keychain_that_does_not_answer_is_8(keychain_home: Home, gnome: GnomeKeyring) -> None:
    gnome.daemon.send_signal(signal.SIGSTOP)
    done = keychain_home.here("keychain", "list", environ={"RINGLET_KEYCHAIN_TIMEOUT": "1"})
    assert (done.status, done.out) == (8, "")


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2], ids=["planned", "compiled"])
def test_ctrl_c_while_the_keychain_is_asked_is_130_and_no_traceback(
    keychain_home: Home, gnome: GnomeKeyring, times: int
) -> None:
    store_key(keychain_home)
    keychain_home.profile("work", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["true"]\n')
    for _ in range(times - 1):
        assert keychain_home.ringlet("run", "work").status == 0
    gnome.daemon.send_signal(signal.SIGSTOP)
    with keychain_home.start("run", "work") as child:
        wait_until(lambda: _has_a_socket(child.pid), "ringlet talks to the bus")
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, err) == (130, b"")


def _has_a_socket(pid: int) -> bool:
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(FileNotFoundError):  # it opens and closes others meanwhile
        return any(os.readlink(f"{folder}/{fd}").startswith("socket:") for fd in os.listdir(folder))
    return False
