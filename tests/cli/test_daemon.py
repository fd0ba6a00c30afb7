"""`ringlet daemon` where nothing has to run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon.running import Running, Runtime, born

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


def test_the_status_is_shown_before_a_config_that_is_wrong(home: Home) -> None:
    home.configure("[credentials]\nbackend = 1\n")
    done = home.here("daemon", "status")
    assert done.status == 11
    assert done.out == f"running: no\nfolder: {home.state}/run\ntoken file: {home.config}/http_token\n"
    assert "config.toml" in done.err


@on_linux
def test_what_becomes_of_the_unit_is_said(home: Home) -> None:
    unit = home.path / ".config/systemd/user/ringlet.service"
    first, again, other = (
        home.here("daemon", "install", *options).out.splitlines()[0] for options in ((), (), ("--socket",))
    )
    assert (first, again, other) == (f"written: {unit}", f"unchanged: {unit}", f"replaced: {unit}")
    assert "--socket" in unit.read_text()


@on_linux
def test_a_unit_that_was_changed_by_hand_stays_unless_it_is_forced(home: Home) -> None:
    unit = home.path / ".config/systemd/user/ringlet.service"
    home.here("daemon", "install")
    mine = unit.read_text().replace("[Service]", "[Service]\nNice=5")
    unit.write_text(mine)
    refused = home.here("daemon", "install")
    assert (refused.status, unit.read_text()) == (4, mine)
    assert "changed by hand" in refused.err
    assert "add --force" in refused.err
    assert home.here("daemon", "install", "--force").out.startswith("replaced: ")
    assert "Nice" not in unit.read_text()


@on_linux
def test_a_daemon_that_runs_already_is_to_be_stopped_first(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "daemon stop" not in home.here("daemon", "install").err
    monkeypatch.setattr("ringlet_py.daemon.running.Runtime.find", lambda _: object())
    assert "first: ringlet daemon stop\n" in home.here("daemon", "install").err


@pytest.mark.skipif(sys.platform == "win32", reason="XDG is POSIX's")
def test_one_that_runs_under_another_runtime_folder_is_told_of(home: Home) -> None:
    other = Runtime(str(home.state / "run"), log="")
    here = home.path / "runtime"
    here.mkdir(mode=0o700)
    with other.held():
        other.say(Running(pid=os.getpid(), born=born(os.getpid()), started=1.0, version="0"))
        done = home.here("daemon", "status", environ={"XDG_RUNTIME_DIR": str(here)})

    assert done.status == 16
    assert f"folder: {here}/ringlet\n" in done.out
    assert f"its files would be in {here}/ringlet; one runs whose files are in {home.state}/run\n" in done.err
