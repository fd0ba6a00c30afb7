"""What starts the daemon with a login: written and shown, and used only when that is asked for."""

from __future__ import annotations

import os
import plistlib
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.app import App
from ringlet_py.daemon.install import restarting, unit_of
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


def recording(home: Home, name: str, status: int = 0, quiet: int = 0) -> Path:
    """A program of that name that notes how it was called; `quiet` is its status where it is only asked something."""
    calls = home.path / "calls"
    home.program(name, f'#!/bin/sh\necho "$@" >> {calls}\n[ "$1" = print ] && exit {quiet}\nexit {status}\n')
    return calls


def recording_systemctl(home: Home, status: int = 0) -> Path:
    return recording(home, "systemctl", status)


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


# taking it away again


@pytest.fixture
def path(home: Home) -> Path:
    return home.path / ".config/systemd/user/ringlet.service"


def enabled(path: Path) -> Path:
    """The link that systemd makes."""
    link = path.parent / "default.target.wants/ringlet.service"
    link.parent.mkdir(parents=True)
    link.symlink_to(path)
    return link


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_what_was_installed_is_shown_and_goes_with_a_yes_alone(home: Home, path: Path):
    calls = recording_systemctl(home)
    home.here("daemon", "install", "--socket")
    text = path.read_text()

    refused = home.here("daemon", "uninstall")
    assert (refused.status, path.read_text(), calls.exists()) == (4, text, False)
    assert "ringlet daemon uninstall --yes" in refused.err

    done = home.here("daemon", "uninstall", "--yes")
    assert (done.status, path.exists()) == (0, False)
    assert done.out.startswith(f"to remove: {path}\n{text}")
    assert "to run: systemctl --user disable --now ringlet.service && systemctl --user daemon-reload\n" in done.out
    assert done.out.endswith(f"removed: {path}\n")
    assert calls.read_text() == "--user disable --now ringlet.service\n--user daemon-reload\n"
    assert path.parent.is_dir()  # others have theirs there


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_where_nothing_was_installed_nothing_is_done(home: Home):
    calls = recording_systemctl(home)

    assert home.here("daemon", "uninstall", "--yes").status == 3
    assert not calls.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_a_file_that_was_changed_by_hand_goes_only_when_forced(home: Home, path: Path):
    recording_systemctl(home)
    home.here("daemon", "install")
    path.write_text(path.read_text().replace("[Service]", "[Service]\nNice=5"))

    refused = home.here("daemon", "uninstall", "--yes")
    assert (refused.status, path.exists()) == (4, True)
    assert home.here("daemon", "uninstall", "--yes", "--force").status == 0
    assert not path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_one_that_cannot_be_disabled_stays_whole(home: Home, path: Path):
    recording_systemctl(home, status=1)
    home.here("daemon", "install")
    enabled(path)

    done = home.here("daemon", "uninstall", "--yes")

    assert (done.status, path.exists()) == (16, True)
    assert "systemctl could not disable it" in done.err


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_one_that_was_never_enabled_goes_where_there_is_no_systemd_too(home: Home, path: Path):
    home.here("daemon", "install")
    (home.path / "empty").mkdir()

    assert home.here("daemon", "uninstall", "--yes", environ={"PATH": str(home.path / "empty")}).status == 0
    assert not path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_a_file_that_was_deleted_by_hand_is_disabled_all_the_same(home: Home, path: Path):
    calls = recording_systemctl(home)
    home.here("daemon", "install")
    enabled(path)
    path.unlink()

    assert home.here("daemon", "uninstall", "--yes").status == 0
    assert "disable --now ringlet.service" in calls.read_text()


def with_path(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    monkeypatch.setenv("PATH", home.environ["PATH"])


@pytest.mark.skipif(sys.platform == "win32", reason="the fake is a shell script")
@pytest.mark.parametrize(("loaded", "status", "left"), [(0, 0, False), (0, 5, True), (113, 3, False)])
def test_launchd_is_asked_to_let_it_go(
    home: Home, monkeypatch: pytest.MonkeyPatch, loaded: int, status: int, *, left: bool
):
    calls = recording(home, "launchctl", status, quiet=loaded)
    with_path(monkeypatch, home)
    unit = unit_of(App(home.environ), [], platform="darwin")
    unit.write()

    assert unit.is_enabled() is (loaded == 0)
    if left:
        with pytest.raises(DaemonError):
            unit.disable()
    else:
        unit.disable()
        unit.remove()

    assert (unit.read() is not None) is left
    assert f"bootout gui/{os.getuid()}/ringlet.daemon\n" in calls.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="the fakes are shell scripts")
def test_how_it_is_restarted_is_told_where_it_is_in_use(home: Home, monkeypatch: pytest.MonkeyPatch, path: Path):
    recording(home, "launchctl", quiet=0)
    with_path(monkeypatch, home)
    app = App(home.environ)

    assert restarting(app, platform="linux") == ""
    enabled(path)
    assert restarting(app, platform="linux") == "systemctl --user restart ringlet.service"
    assert restarting(app, platform="darwin").startswith("launchctl kickstart -k gui/")
    assert restarting(app, platform="win32") == ""
