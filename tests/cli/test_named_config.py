"""`--config FILE`: another config.toml for one command, and for nothing else."""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.__main__ import plain_run
from ringlet_py.app import App
from ringlet_py.daemon.running import Running
from tests.end_to_end.program import FILE_BACKEND, store_key
from tests.light_door import plan_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.program import Home

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
PROFILE = 'agent = "generic"\nprovider = "anthropic"\ncommand = ["true"]\n'


@pytest.fixture
def other(home: Home) -> Path:
    """A config.toml elsewhere, whose audit is off."""
    path = home.path / "work/other.toml"
    path.write_text(f"{FILE_BACKEND}[audit]\nenabled = false  # not here\n")
    return path


# where it may stand, and what it does


@pytest.mark.parametrize(
    "words",
    [
        "-c other.toml config get audit.enabled",
        "--config=other.toml config get audit.enabled",
        "config -c other.toml get audit.enabled",
        "config get --config other.toml audit.enabled",
        "config get audit.enabled -qc other.toml",
        "-c missing-later-wins.toml config get audit.enabled -c other.toml",
    ],
)
def test_it_stands_anywhere(home: Home, other: Path, words: str) -> None:
    (other.parent / "missing-later-wins.toml").touch()

    assert home.here(*words.split()).out == "false\n"
    assert home.here("config", "get", "audit.enabled").out == "true\n"


def test_every_option_of_ringlet_stands_between_the_words_of_a_command_too(home: Home) -> None:
    assert home.here("config", "--no-audit-log", "get", "audit.enabled").out == "false\n"


def test_a_run_is_known_as_one_behind_it(home: Home, other: Path) -> None:
    assert home.here("-c", str(other), "run", "nothing").status == 125
    assert home.here("--config", str(other), "profiles", "run", "nothing", "--", "-c", "x").status == 125
    assert "did you mean 'config'?" in home.here("-c", str(other), "confg", "list").err


def test_everything_else_stays_in_its_place(home: Home, other: Path) -> None:
    said = home.here("-v", "-c", "other.toml", "keychain", "list").err.splitlines()

    assert {f"config: {other}", f"state: {home.state}", f"keychain: {home.credentials}", "audit: off"} <= {*said}


def test_a_key_is_used_by_what_it_says(home: Home, other: Path) -> None:
    store_key(home)
    before = home.here("audit", "list").out
    home.here("keychain", "edit", "anthropic", "default", "--label", "x", "-c", str(other))

    assert home.here("audit", "list").out == before


def test_the_commands_of_config_work_on_it_and_say_so(home: Home, other: Path) -> None:
    ordinary = (home.config / "config.toml").read_text()
    explained = home.here("config", "explain", "audit.enabled", "-c", "other.toml").out
    changed = home.here("-c", "other.toml", "config", "set", "audit.enabled", "true")
    weakened = home.here("-c", "other.toml", "config", "set", "audit.enabled", "false")

    assert home.here("config", "path", "-c", "other.toml").out == f"{other}\n"
    assert f"* config.toml ({other}, line 4): false" in explained
    assert f"changed {other}\n" in changed.err
    assert f"undo it: ringlet config unset audit.enabled --config {other}\n" in weakened.err
    assert "# not here" in other.read_text()
    assert (home.config / "config.toml").read_text() == ordinary


def test_the_record_of_a_change_names_the_file(home: Home, other: Path) -> None:
    home.here("-c", "other.toml", "config", "set", "audit.enabled", "true")
    records = json.loads(home.here("audit", "list", "--json").out)["records"]

    assert records[-1]["purpose"] == f"audit.enabled: false -> true (in {other})"


# what is wrong with it


def test_one_that_is_not_there_is_no_file_of_defaults(home: Home) -> None:
    (home.path / "work/config-of-mine.toml").touch()
    done = home.here("keychain", "list", "-c", "config-of-mein.toml")

    assert done.status == 11
    assert f"there is no {home.path}/work/config-of-mein.toml\n" in done.err
    assert "did you mean config-of-mine.toml?" in done.err
    assert home.here("keychain", "list", "-c", "").status == 2


def test_what_is_wrong_in_it_is_told_with_its_name(home: Home, other: Path) -> None:
    other.write_text("[credentials]\nbackend = 1\n")
    done = home.here("keychain", "list", "-c", "other.toml")
    found = home.here("doctor", "-c", "other.toml").out

    assert done.status == 11
    assert str(other) in done.err
    assert f"{other}" in found
    assert "$(ringlet config path)" not in found


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_nobody_else_may_be_able_to_write_it(home: Home, other: Path) -> None:
    other.chmod(0o666)

    assert home.here("keychain", "list", "-c", "other.toml").status == 10
    assert stat.S_IMODE(other.stat().st_mode) == 0o666


def test_no_folder_and_no_variable_names_one(home: Home, other: Path) -> None:
    for name in ("config.toml", ".ringlet.toml", "ringlet.toml"):
        (home.path / "work" / name).write_text(other.read_text())
    named = {"RINGLET_CONFIG": str(other), "RINGLET_CONFIG_FILE": str(other)}

    assert home.here("config", "path", environ=named).out == f"{home.config}/config.toml\n"


# compiled plans


@pytest.mark.parametrize("words", ["run -c other.toml x", "run x --config=other.toml", "-c other.toml run x"])
def test_the_light_door_leaves_it_to_the_other(words: str) -> None:
    assert plain_run(words.split()) is None


def test_no_plan_is_compiled_or_used_under_it(home: Home, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringlet_py.plans.SETTLED", 0)
    home.profile("x", PROFILE)
    home.program("true", "#!/bin/sh\n")
    environ = {**home.environ, "PATH": f"{home.path}/bin"}
    assert home.here("run", "x", "--dry-run", "-c", str(other), environ=environ).status == 0
    assert not plan_of(home).exists()
    assert home.here("run", "x", "--dry-run", environ=environ).status == 0
    assert plan_of(home).exists()
    assert App(environ).compiled("x")
    assert App(environ, config=str(other)).compiled("x") is None


# the daemon


class Background:
    """What the daemon would be started with."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def start(self, _: object, words: list[str], **__: Any) -> Running:
        self.words = words
        return Running(pid=2, born="", started=1.0, version="0", urls=("http://127.0.0.1:1",))


@pytest.fixture
def background(monkeypatch: pytest.MonkeyPatch) -> Background:
    made = Background()
    monkeypatch.setattr("ringlet_py.daemon.background.start", made.start)
    return made


def test_a_daemon_goes_by_it(home: Home, other: Path, background: Background) -> None:
    done = home.here("-c", "other.toml", "daemon", "start", "--json")

    assert background.words[1:3] == ["--config", str(other)]
    assert json.loads(done.out) == {"schema_version": 1, "pid": 2, "urls": ["http://127.0.0.1:1"], "socket": ""}


def running(monkeypatch: pytest.MonkeyPatch, *front: str) -> None:
    found = Running(pid=1, born="", started=1.0, version="0", front=front, words=("--socket",), detached=True)
    monkeypatch.setattr("ringlet_py.daemon.running.Runtime.find", lambda _: found)
    monkeypatch.setattr("ringlet_py.daemon.steering.stop", lambda *_, **__: (found, 0.0))


def test_one_that_is_restarted_goes_by_it_still(
    home: Home, other: Path, background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(monkeypatch, "--no-audit-log", "--config", str(other))
    command = ["--non-interactive", "--no-audit-log", "--config", str(other), "daemon", "start"]

    assert json.loads(home.here("daemon", "restart", "--json").out)["stopped"] == 1
    assert background.words == [*command, "--foreground", "--detached", "--socket"]
    home.here("daemon", "restart", "--audit-log")
    assert background.words[1:4] == ["--audit-log", "--config", str(other)]
    home.here("daemon", "restart", "-c", f"{home.config}/config.toml")
    assert background.words[1:4] == ["--no-audit-log", "--config", f"{home.config}/config.toml"]


@pytest.mark.parametrize("text", ["[credentials]\nbackend = 1\n", ""])
def test_one_whose_file_is_wrong_or_gone_is_not_stopped(
    home: Home, other: Path, background: Background, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    running(monkeypatch, "--config", str(other))
    if text:
        other.write_text(text)
    else:
        other.unlink()
    done = home.here("daemon", "restart")

    assert (done.status, done.out, background.words) == (11, "", [])
    assert str(other) in done.err


def test_the_status_shows_it_and_what_is_wrong_in_it(home: Home, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, "--config", str(other))
    monkeypatch.setattr("ringlet_py.daemon.running.answers", lambda _: True)
    right = home.here("daemon", "status")
    other.write_text("[credentials]\nbackend = 1\n")
    wrong = home.here("daemon", "status", "--json")
    other.unlink()
    gone = home.here("daemon", "status")

    assert (right.status, wrong.status, gone.status) == (0, 11, 11)
    assert f"config: {other}\n" in right.out
    assert json.loads(wrong.out)["config"] == str(other)
    assert f"there is no {other}\n" in gone.err


@on_linux
def test_what_a_login_starts_goes_by_it(home: Home, other: Path) -> None:
    shown = json.loads(home.here("daemon", "install", "--config", "other.toml", "--json").out)

    assert f"daemon start --foreground --config {other}\n" in shown["text"]
