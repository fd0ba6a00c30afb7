"""The installed program in a polluted environment: hostile folders, odd variables, closed and full streams."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import FILE_BACKEND, KEY, PACKAGE_ROOT, PATIENCE, Home, command, store_key

if TYPE_CHECKING:
    from collections.abc import Mapping

# what an installer writes for [project.scripts]; used where ringlet runs from its source
CONSOLE_SCRIPT = (
    "#!{python}\nimport sys\nfrom ringlet_py.__main__ import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
)
HOSTILE_MODULE = "import sys\nsys.stderr.write('HOSTILE CODE RAN\\n')\nraise SystemExit(99)\n"
HOSTILE_PROFILE = '[credentials]\nbackend = "none"\n[audit]\nenabled = false\n'


@pytest.fixture
def script(home: Home) -> str:
    """The installed console script."""
    installed = Path(sysconfig.get_path("scripts")) / "ringlet"
    return str(
        installed if installed.exists() else home.program("ringlet", CONSOLE_SCRIPT.format(python=sys.executable))
    )


def run(
    home: Home, *argv: str, streams: str = "", environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program in the home's project folder, through a shell's redirections if some are given."""
    words = ["sh", "-c", f'exec "$@" {streams}', "sh", *argv] if streams else list(argv)
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**home.environ, **(environ or {})},
        cwd=home.path / "work",
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.slow
def test_a_hostile_project_folder_changes_nothing(home: Home, script: str) -> None:
    store_key(home)
    for name in ("typer.py", "sitecustomize.py", "usercustomize.py", "ringlet_py.py", "tomlkit.py", "os.py"):
        (home.path / "work" / name).write_text(HOSTILE_MODULE)
    for name in ("ringlet.toml", "config.toml", ".ringlet.toml", "pyproject.toml"):
        (home.path / "work" / name).write_text(HOSTILE_PROFILE)
    (home.path / "work/.env").write_text(
        "RINGLET_CONFIG=x\nHOME=/nonexistent\nANTHROPIC_BASE_URL=https://example.com\n"
    )
    done = run(home, script, "keychain", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "anthropic/default\n", "")
    done = run(home, script, "run", "--key", "anthropic/default", "--", "env")
    assert "ANTHROPIC_BASE_URL=https://api.anthropic.com\n" in done.stdout
    assert len(home.here("audit", "list").out.splitlines()) == 2


@pytest.mark.slow
def test_no_setting_of_keyrings_chooses_another_backend(home: Home, script: str) -> None:
    home.configure("")
    (home.path / ".config/python_keyring").mkdir()
    (home.path / ".config/python_keyring/keyringrc.cfg").write_text(
        "[backend]\ndefault-keyring=keyrings.alt.file.PlaintextKeyring\n"
    )
    for name in ("keyrings.alt.file.PlaintextKeyring", "keyring.backends.null.Keyring"):
        environ = {"PYTHON_KEYRING_BACKEND": name, "KEYRING_PROPERTY_SCHEME": "KeePassXC"}
        environ |= {"KEYRING_PROPERTY_FILE_PATH": str(home.path / "stolen")}
        done = run(
            home, script, "keychain", "set", "anthropic", "--replace", "--from-env", "K", environ=environ | {"K": KEY}
        )
        assert done.returncode == 0
        assert done.stderr.startswith(f"⚠ Using file-backed credentials ({home.credentials}).\n")
    holders = [path for path in home.files() if KEY.encode() in path.read_bytes()]
    assert holders == [home.credentials]


@pytest.mark.slow
@pytest.mark.parametrize(
    "environ",
    [
        {"TERM": "dumb", "LANG": "C", "NO_COLOR": "1", "COLUMNS": "1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        {
            "PYTHONPATH": os.pathsep.join(["/nonexistent", "", PACKAGE_ROOT]),
            "PYTHONWARNINGS": "error",
            "PYTHONDEVMODE": "1",
        },
        {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "LINES": "x", "COLUMNS": "x", "_TYPER_STANDARD_TRACEBACK": ""},
    ],
    ids=["plain", "ascii", "python", "colour"],
)
def test_odd_surroundings_make_no_difference(home: Home, script: str, environ: dict[str, str]) -> None:
    store_key(home)
    done = run(home, script, "keychain", "list", environ=environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "anthropic/default\n", "")
    done = run(home, script, "keychain", "remove", "anthropic", "wörk\udcff", environ=environ)
    assert done.returncode == 2
    assert done.stderr.startswith("ringlet: error: the alias ")


@pytest.mark.slow
def test_a_warning_with_a_sign_is_no_problem_where_only_ascii_is_spoken(home: Home, script: str) -> None:
    home.configure("")
    environ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run(home, script, "keychain", "list", environ=environ)
    assert done.returncode == 0
    assert "Using file-backed credentials" in done.stderr


def test_a_home_that_is_relative_is_refused(home: Home, script: str) -> None:
    done = run(home, script, "keychain", "list", environ={"HOME": "somewhere"})
    assert done.returncode == 11
    assert "HOME is not an absolute path" in done.stderr
    assert not list((home.path / "work").iterdir())


@pytest.mark.slow
def test_relative_xdg_folders_are_ignored(home: Home, script: str) -> None:
    store_key(home)
    environ = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), "here")
    assert run(home, script, "keychain", "list", environ=environ).stdout == "anthropic/default\n"


@pytest.mark.slow
def test_without_a_home_the_users_own_is_taken() -> None:
    code = "import os, sys; sys.argv = ['ringlet', '--version']; from ringlet_py.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": PACKAGE_ROOT}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_xdg_folders_are_honoured(tmp_path: Path, script: str) -> None:
    home = Home.at(tmp_path / "other")
    (home.path / "x").mkdir(mode=0o700)
    (home.path / "x/ringlet").mkdir(mode=0o700)
    (home.path / "x/ringlet/config.toml").write_text(FILE_BACKEND)
    home.environ["XDG_CONFIG_HOME"] = str(home.path / "x")
    store_key(home)
    assert (home.path / "x/ringlet/credentials.toml").exists()


def test_a_closed_standard_output_is_no_traceback(home: Home) -> None:
    store_key(home)
    done = run(home, *command(), "keychain", "list", streams=">&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_with_standard_error_closed_no_message_strays_into_the_data(home: Home) -> None:
    done = run(home, *command(), "keychain", "remove", "anthropic", "default", streams="2>&-")
    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.slow
def test_with_standard_input_closed_there_is_no_value(home: Home) -> None:
    done = run(home, *command(), "keychain", "set", "anthropic", streams="<&-")
    assert done.returncode == 2
    assert "the value is empty" in done.stderr


def test_with_all_three_closed_no_file_of_ours_gets_their_numbers(home: Home) -> None:
    store_key(home)
    home.profile("work", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["sh"]\n')
    report = home.path / "descriptors"
    done = run(home, *command(), "run", "work", "--", "-c", f"ls /proc/$$/fd >{report}", streams="<&- >&- 2>&-")
    assert done.returncode == 0
    assert not {"0", "2"}.intersection(report.read_text().split())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_under_standard_output_is_an_error(home: Home) -> None:
    store_key(home)
    done = run(home, *command(), "keychain", "list", streams=">/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("ringlet: error: No space left on device\n")


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(home: Home) -> None:
    done = run(home, "sh", "-c", '"$@" | true', "sh", *command(), "catalog", "providers")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)


@pytest.mark.slow
def test_a_folder_that_is_gone_is_no_obstacle(home: Home) -> None:
    store_key(home)
    home.profile("work", 'agent = "generic"\nprovider = "anthropic"\ncommand = ["true"]\n')
    gone = home.path / "work/gone"
    gone.mkdir()
    done = run(home, "sh", "-c", f'cd {gone}; rmdir {gone}; exec "$@"', "sh", *command(), "run", "work")
    assert done.returncode == 0, done.stderr
