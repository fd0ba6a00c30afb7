"""What every test gets: an environment of its own, so that nobody's home, keychain or keys are touched."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import warnings
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import Home, Terminal
from tests.left_running import end_daemons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.secret_services import GnomeKeyring

if sys.platform == "win32":
    # these show what POSIX promises: modes, links, signals, exec, terminals; test_on_windows shows the main job
    collect_ignore = [
        "cli",
        "completion",
        "configuring",
        "docs",
        "doctor",
        "end_to_end",
        "files/test_trusted.py",
        "screens",
        "test_launch_cost.py",
        "test_launcher.py",
        "test_light_door.py",
        "test_starting.py",
    ]

_STEERING = ("XDG_", "RINGLET_", "KEYRING_PROPERTY_", "ANTHROPIC_", "OPENAI_", "CLAUDE")
_STEERING_NAMES = ("PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS", "VISUAL", "EDITOR", "LC_ALL", "COLUMNS")
# the two that steer the tests themselves
_KEPT = ("RINGLET_REQUIRE", "RINGLET_REAL_KEYCHAIN")
_IN_MEMORY = "/dev/shm"  # what has to be on disk is so at once: half of the time was waiting for disks
_ROOM = 2**31  # bytes
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")


def pytest_configure(config: pytest.Config) -> None:
    """A job in a shell's background ignores interrupts, and what it starts inherits that; some tests send them.

    Whoever ends the tests (`timeout` does) ends what their fixtures have started, too.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if _is_roomy(_IN_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _IN_MEMORY)
    if "not slow" in config.option.markexpr:
        _make_up_fewer_examples()


def _is_roomy(folder: str) -> bool:
    """Whether it has room for the tests' homes, and programs can be started from it."""
    if sys.platform == "win32" or not os.path.isdir(folder):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC


def pytest_runtest_logfinish(location: tuple[str, int | None, str]) -> None:
    """What a test leaves open in a circle of objects would stay open until Python happens to look."""
    if (location[1] or 0) % 40 == 0:  # some of them, by their line
        with warnings.catch_warnings():  # outside of a test, it would be the next one's fault
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def _make_up_fewer_examples() -> None:
    """Where slow tests are left out, hypothesis tries a fifth of what it tries else."""
    from hypothesis import settings

    settings.register_profile("quick", max_examples=20)
    settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Thousands of tests stay to the end, and to look for garbage among them takes a seventh of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test's own home is; to number them pytest would look through all that are there, each time."""
    return tmp_path_factory.mktemp("nobodys-homes")


@pytest.fixture(autouse=True)
def _own_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _homes: Path) -> None:
    for name in list(os.environ):
        if name not in _KEPT and (name.startswith(_STEERING) or name in _STEERING_NAMES):
            monkeypatch.delenv(name)
    if request.node.get_closest_marker("real_keychain"):
        return  # macOS finds a keychain by its user's home
    home = tempfile.mkdtemp(dir=_homes)
    for name in _HOMES:
        if name in os.environ or name == "HOME":
            monkeypatch.setenv(name, home)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A throw-away home that keeps its keys in the file backend."""
    made = Home.at(tmp_path / "home")
    yield made
    end_daemons(made.path)


@pytest.fixture
def terminal(home: Home) -> Iterator[Callable[..., Terminal]]:
    """Starts ringlet at a terminal: `terminal("keychain", "set", "anthropic")`."""
    started: list[Terminal] = []

    def start(*argv: str, environ: Mapping[str, str] | None = None) -> Terminal:
        started.append(home.at_terminal(*argv, environ=environ))
        return started[-1]

    yield start
    for each in started:
        each.close(force=True)


@pytest.fixture
def gnome() -> Iterator[GnomeKeyring]:
    """A real gnome-keyring on a bus of its own."""
    from tests.secret_services import GnomeKeyring

    with GnomeKeyring() as gnome:
        yield gnome


@pytest.fixture
def keychain_home(tmp_path: Path, gnome: GnomeKeyring) -> Iterator[Home]:
    """A throw-away home whose keychain is that gnome-keyring, as for somebody who configured nothing."""
    home = Home.at(tmp_path / "home", config="")
    home.environ["DBUS_SESSION_BUS_ADDRESS"] = gnome.environ["DBUS_SESSION_BUS_ADDRESS"]
    yield home
    end_daemons(home.path)
