"""What starts the daemon with a login: written and shown, and used only when that is asked for."""

from __future__ import annotations

import plistlib
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.app import App
from ringlet_py.daemon.install import unit_of
from ringlet_py.errors import DaemonError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.program import Home

COMMAND = [sys.executable, "-P", "-m", "ringlet_py", "daemon", "start", "--foreground", "--socket"]


def test_systemd_gets_a_unit(home: Home):
    unit = unit_of(App(home.environ), ["--socket"], platform="linux")

    assert unit.path == str(home.path / ".config/systemd/user/ringlet.service")
    assert f"ExecStart={' '.join(COMMAND)}\n" in unit.text
    assert unit.enabling == "systemctl --user daemon-reload && systemctl --user enable --now ringlet.service"


def test_what_systemd_would_read_in_its_own_way_is_quoted(home: Home):
    unit = unit_of(App(home.environ), ["a b", "50%", "$HOME", 'say "x"'], platform="linux")

    assert ' "a b" 50%% $$HOME "say \\"x\\""\n' in unit.text


def test_launchd_gets_an_agent(home: Home):
    unit = unit_of(App(home.environ), ["--socket", "a&b"], platform="darwin")
    found = plistlib.loads(unit.text.encode())

    assert unit.path == str(home.path / "Library/LaunchAgents/ringlet.daemon.plist")
    assert found["ProgramArguments"] == [*COMMAND, "a&b"]
    assert found["Umask"] == 0o077
    assert unit.enabling.startswith("launchctl bootstrap gui/")


def test_other_systems_are_told_what_to_run(home: Home):
    with pytest.raises(DaemonError) as caught:
        unit_of(App(home.environ), [], platform="win32")

    assert "daemon start --foreground" in caught.value.hint


def recording_systemctl(home: Home, status: int = 0) -> Path:
    calls = home.path / "calls"
    home.program("systemctl", f'#!/bin/sh\necho "$@" >> {calls}\nexit {status}\n')
    return calls


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_it_is_written_and_shown_and_not_enabled(home: Home):
    calls = recording_systemctl(home)

    done = home.here("daemon", "install", "--listen", "localhost:9999")

    path = home.path / ".config/systemd/user/ringlet.service"
    assert done.status == 0
    assert path.read_text() in done.out
    assert "--listen localhost:9999" in done.out
    assert "not enabled yet; to do it: systemctl --user" in done.err
    assert not calls.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_it_is_enabled_when_that_is_asked_for(home: Home):
    calls = recording_systemctl(home)

    assert home.here("daemon", "install", "--enable").status == 0

    assert calls.read_text() == "--user daemon-reload\n--user enable --now ringlet.service\n"


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_what_cannot_be_enabled_is_told(home: Home):
    recording_systemctl(home, status=1)

    done = home.here("daemon", "install", "--enable")

    assert done.status == 16
    assert "systemctl could not enable it" in done.err
