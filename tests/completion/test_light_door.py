from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py import __version__
from ringlet_py.__main__ import light_answer
from ringlet_py.completion.scripts import SHELLS, script
from tests.completion.world import PROFILE
from tests.end_to_end.program import PACKAGE_ROOT, store_key

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

SLOW = """typer rich keyring tomlkit platformdirs pathlib dataclasses typing json subprocess logging re enum socket
    tomllib hashlib shutil tempfile click"""
# what Python itself has loaded before ringlet is not ringlet's doing
PROBE = f"""
import sys
before = set(sys.modules)
from ringlet_py.__main__ import light_answer
status = light_answer(sys.argv[1:], __import__("os").environ)
assert status is not None
print(sorted(set({SLOW!r}.split()) & (set(sys.modules) - before)), file=sys.stderr)
"""
LIGHT = [
    ["--version"],
    ["--help"],
    ["-h"],
    ["completion", "zsh"],
    ["__complete", ""],
    ["__complete", "run", "--"],
    ["__complete", "run", ""],
    ["__complete", "profiles", "create", "x", "--agent", ""],
    ["__complete", "profiles", "create", "x", "--from", ""],
    ["__complete", "keychain", "set", ""],
    ["__complete", "keychain", "set", "openai", ""],
    ["__complete", "run", "--key", ""],
    ["__complete", "run", "work", "--", ""],
]


@pytest.fixture
def used(home: Home) -> Home:
    """A home with a profile and a key."""
    home.profile("work", PROFILE)
    store_key(home, "openai/office")
    return home


@pytest.mark.slow
@pytest.mark.parametrize("argv", LIGHT, ids=" ".join)
def test_nothing_slow_is_imported(used: Home, argv: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROBE, *argv],
        capture_output=True,
        text=True,
        env=used.environ,
        check=True,
    )

    assert done.stderr == "[]\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_is_the_same_through_both_doors(home: Home, option: str) -> None:
    light, full = home.ringlet(option), home.here(option)

    assert light.out == full.out
    assert (light.status, light.err) == (full.status, full.err) == (0, "")


@pytest.mark.parametrize("columns", ["40", "79", "none"])
def test_a_terminal_that_is_narrow_gets_its_own_help(columns: str) -> None:
    assert light_answer(["--help"], {"COLUMNS": columns}) is None


def test_the_version_is_the_same_through_both_doors(home: Home) -> None:
    light, full = home.ringlet("--version"), home.here("--version")

    assert (
        (light.status, light.out, light.err) == (full.status, full.out, full.err) == (0, f"ringlet {__version__}\n", "")
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_the_same_through_both_doors(home: Home, shell: str) -> None:
    light, full = home.ringlet("completion", shell), home.here("completion", shell)

    assert (light.status, light.out, light.err) == (full.status, full.out, full.err) == (0, script(shell), "")


def test_a_shell_that_ringlet_does_not_know_is_an_error(home: Home) -> None:
    done = home.ringlet("completion", "tcsh")

    assert done.status == 2
    assert done.out == ""
    assert "'tcsh'" in done.err
    assert "ringlet completion bash|zsh|fish|powershell|nu" in done.err


def test_candidates_come_one_a_line_with_what_they_are(used: Home) -> None:
    assert used.ringlet("__complete", "run", "").out == "work\n"
    assert used.ringlet("__complete", "catalog", "providers", "--agent", "cod").out == "codex\tCodex CLI\n"


def test_a_status_tells_the_shell_to_offer_what_it_would_offer_itself(used: Home) -> None:
    assert used.ringlet("__complete", "run", "nothing").status == 0
    done = used.ringlet("__complete", "run", "work", "--", "wo")

    assert (done.status, done.out, done.err) == (1, "", "")


def test_no_variable_turns_a_command_into_completion(home: Home) -> None:
    environ = {"_RINGLET_COMPLETE": "complete_bash", "_TYPER_COMPLETE_ARGS": "ringlet "}

    assert home.here("keychain", "list", environ=environ) == home.here("keychain", "list")


@pytest.mark.slow
def test_the_hidden_command_is_in_no_help(home: Home) -> None:
    assert "__complete" not in home.here("--help").out
    assert "__complete" not in home.ringlet("__complete", "").out


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("argv", [["--version"], ["completion", "bash"]], ids=" ".join)
def test_what_cannot_be_printed_is_an_error(home: Home, argv: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        child = home.start(*argv, stdout=full)
        _, errors = child.communicate(timeout=60)

    assert child.returncode == 1
    assert b"No space left" in errors
    assert b"Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="a closed standard output as on POSIX")
def test_a_closed_standard_output_is_no_trouble(home: Home) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m ringlet_py --version >&-', sys.executable],
        capture_output=True,
        text=True,
        env=home.environ | {"PYTHONPATH": PACKAGE_ROOT},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a bus is a socket in a folder")
def test_completion_calls_nobody_and_changes_nothing(used: Home) -> None:
    used.configure("")  # as for somebody who keeps keys in the keychain
    used.credentials.chmod(0o644)  # whoever opened it would complain
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(used.path / "bus"))
        bus.listen()
        bus.setblocking(False)  # noqa: FBT003 - the socket's own signature
        used.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={used.path}/bus"
        before = {path: path.stat().st_mtime_ns for path in used.files()}
        assert [used.ringlet(*argv).err for argv in LIGHT] == [""] * len(LIGHT)
        with pytest.raises(BlockingIOError):
            bus.accept()

    assert {path: path.stat().st_mtime_ns for path in used.files()} == before
