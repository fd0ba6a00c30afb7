"""The main job on Windows, with its real Credential Manager: under Wine here, on the real thing in the workflow."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.windows, pytest.mark.skipif(sys.platform != "win32", reason="runs on Windows")]

KEY = "sk-ant-api03-" + "aB3-_x" * 16


class Windows:
    def __init__(self, home: Path) -> None:
        self.environ = {
            **os.environ,
            "USERPROFILE": str(home),
            "APPDATA": str(home / "Roaming"),
            "LOCALAPPDATA": str(home / "Local"),
        }
        self.alias = "ringlet-test-" + os.urandom(4).hex()

    def ringlet(self, *argv: str) -> int:
        return run(list(argv), self.environ)


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = Windows(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(KEY.encode())))
    assert made.ringlet("keychain", "set", "anthropic", made.alias) == 0
    yield made
    made.ringlet("keychain", "remove", "anthropic", made.alias, "--yes")


def test_a_stored_key_is_listed_and_never_shown(windows: Windows, capsys: pytest.CaptureFixture[str]):
    assert windows.ringlet("keychain", "list") == 0

    out, err = capsys.readouterr()
    assert f"anthropic/{windows.alias}" in out.splitlines()
    assert KEY not in out + err


def test_a_profile_runs_a_program_with_the_key_and_has_its_exit_status(
    windows: Windows, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    code = "import os, sys; sys.exit(7 if os.environ['ANTHROPIC_API_KEY'][-6:] == 'aB3-_x' else 1)"
    words = ["--command", sys.executable, "--command=-c", "--command", code]
    created = windows.ringlet(
        "profiles", "create", "w", "--agent", "generic", "--provider", "anthropic", "--key-alias", windows.alias, *words
    )

    assert created == 0
    assert windows.ringlet("run", "w") == 7
    assert KEY not in "".join(capfd.readouterr())


def test_the_audit_says_so_and_verifies(windows: Windows, capsys: pytest.CaptureFixture[str]):
    assert windows.ringlet("audit", "verify") == 0
    capsys.readouterr()
    assert windows.ringlet("audit", "list", "--json") == 0

    records = json.loads(capsys.readouterr().out)["records"]
    assert [(record["action"], record["outcome"]) for record in records] == [("set", "ok")]


def test_a_missing_program_is_127(windows: Windows):
    windows.ringlet(
        "profiles", "create", "w", "--agent", "generic", "--provider", "self", "--command", "no-such-program"
    )

    assert windows.ringlet("run", "w") == 127
