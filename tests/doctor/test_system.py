from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py import errors
from ringlet_py.doctor.mending import of_trouble, to_mend
from ringlet_py.doctor.system import System, system_of

if TYPE_CHECKING:
    from pathlib import Path

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'
UBUNTU = "ID=ubuntu\nID_LIKE=debian\n"
FEDORA = "ID=fedora\nVERSION_ID=42\n"
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\n'
ARCH = "ID=arch\n"
MANJARO = "ID=manjaro\nID_LIKE=arch\n"
SUSE = 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n'
ALPINE = "ID=alpine\n"
WSL = "Linux version 6.6.87.2-microsoft-standard-WSL2 (root@x) (gcc 11) #1 SMP\n"
ABSENT = errors.KeychainAbsent("there is none")
LOCKED = errors.KeychainLocked("it is locked")
DENIED = errors.KeychainDenied("no")
LATE = errors.KeychainTimeout("late")
BROKEN = errors.KeychainBroken("broken")


def at(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


@pytest.mark.parametrize(
    ("release", "family"),
    [
        (DEBIAN, "debian"),
        (UBUNTU, "debian"),
        (FEDORA, "fedora"),
        (ROCKY, "fedora"),
        (ARCH, "arch"),
        (MANJARO, "arch"),
        (SUSE, "suse"),
        (ALPINE, "alpine"),
        ("ID=plan9\n", ""),
        ("ID='unterminated\n", ""),
        ("", ""),
    ],
)
def test_a_distribution_is_known_by_what_it_is_like(tmp_path: Path, release: str, family: str) -> None:
    assert system_of("linux", {}, root=at(tmp_path, {"etc/os-release": release})).family == family


def test_a_keyring_daemon_is_looked_for_on_path(tmp_path: Path) -> None:
    program = tmp_path / "gnome-keyring-daemon"
    program.write_text("#!/bin/sh\n")
    for mode, there in ((0o644, False), (0o755, True)):
        program.chmod(mode)
        assert system_of("linux", {"PATH": str(tmp_path)}, root=str(tmp_path)).gnome_keyring is there


def test_nothing_is_known_of_a_system_without_files(tmp_path: Path) -> None:
    assert system_of("linux", {}, root=str(tmp_path)) == System(gnome_keyring=False)


def test_wsl_is_told_from_linux(tmp_path: Path) -> None:
    assert system_of("linux", {}, root=at(tmp_path, {"proc/version": WSL})).wsl


@pytest.mark.parametrize(
    ("files", "environ", "container"),
    [
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({}, {"container": "lxc"}, "lxc"),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({}, {}, ""),
    ],
)
def test_a_container_is_told_by_what_its_engine_leaves(
    tmp_path: Path, files: dict[str, str], environ: dict[str, str], container: str
) -> None:
    assert system_of("linux", environ, root=at(tmp_path, files)).container == container


def test_a_session_over_ssh_and_a_desktop_are_told_by_the_environment(tmp_path: Path) -> None:
    root = str(tmp_path)

    assert system_of("linux", {"SSH_CONNECTION": "1.2.3.4 1 2.3.4.5 22"}, root=root).ssh
    assert system_of("linux", {"WAYLAND_DISPLAY": "wayland-0"}, root=root).desktop
    assert not system_of("linux", {}, root=root).desktop


@pytest.mark.parametrize(
    ("environ", "there"),
    [
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus"}, True),
        ({"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": "/run/user/7"}, False),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, True),
        ({"XDG_RUNTIME_DIR": "/run/user/8"}, False),
        ({}, False),
    ],
)
def test_a_session_bus_is_told_by_its_address_or_its_socket(
    tmp_path: Path, environ: dict[str, str], there: object
) -> None:
    assert system_of("linux", environ, root=at(tmp_path, {"run/user/7/bus": ""})).bus is there


@pytest.mark.parametrize(("platform", "kind"), [("darwin", "macos"), ("win32", "windows"), ("freebsd14", "linux")])
def test_each_platform_has_a_kind(tmp_path: Path, platform: str, kind: str) -> None:
    assert system_of(platform, {}, root=str(tmp_path)).kind == kind


@pytest.mark.parametrize(
    ("error", "system", "mend"),
    [
        (ABSENT, System(family="debian"), "sudo apt install gnome-keyring dbus-user-session"),
        (ABSENT, System(family="fedora"), "sudo dnf install gnome-keyring"),
        (ABSENT, System(family="arch"), "sudo pacman -S gnome-keyring"),
        (ABSENT, System(family="suse"), "sudo zypper install gnome-keyring"),
        (ABSENT, System(family="alpine"), "sudo apk add gnome-keyring dbus"),
        (ABSENT, System(), "install gnome-keyring, or: ringlet config set credentials.backend file"),
        (ABSENT, System(family="debian", wsl=True), "sudo tee -a /etc/wsl.conf && wsl.exe --shutdown"),
        (ABSENT, System(family="debian", wsl=True, bus=True), "sudo apt install gnome-keyring"),
        (ABSENT, System(family="debian", container="docker"), "ringlet config set credentials.backend file"),
        (ABSENT, System(kind="macos"), "security default-keychain"),
        (ABSENT, System(kind="windows"), "ringlet config set credentials.backend file"),
        (LOCKED, System(family="debian", ssh=True), "gnome-keyring-daemon --replace --unlock"),
        (LOCKED, System(family="debian", gnome_keyring=False), "unlock it in the program that keeps it"),
        (LATE, System(family="arch", gnome_keyring=False), LATE.hint),
        (LOCKED, System(kind="macos", ssh=True), "security unlock-keychain"),
        (LOCKED, System(kind="windows"), "unlock it in the program that keeps it"),
        (LATE, System(family="arch"), "systemctl --user restart gnome-keyring-daemon.service"),
        (LATE, System(kind="macos"), LATE.hint),
        (DENIED, System(family="fedora"), DENIED.hint),
        (DENIED, System(kind="macos"), "open -a 'Keychain Access'"),
        (BROKEN, System(), BROKEN.hint),
    ],
)
def test_each_system_has_its_own_command(error: errors.KeychainError, system: System, mend: str) -> None:
    assert mend in to_mend(error, system)


def test_the_doctor_never_says_to_ask_the_doctor_alone() -> None:
    systems = [
        System(kind=kind, gnome_keyring=there) for kind in ("linux", "macos", "windows") for there in (True, False)
    ]
    mends = {of_trouble(error, system).mend for error in (ABSENT, LOCKED) for system in systems}

    assert not {mend for mend in mends if mend.startswith("ringlet doctor")}
    assert of_trouble(errors.KeychainLocked("x", hint="type it"), System()).mend == "type it"


def test_a_system_says_what_it_is() -> None:
    assert str(System(family="debian", wsl=True, ssh=True)) == "linux, debian, WSL, over SSH"
    assert str(System(kind="macos")) == "macos"
    assert str(System(container="docker")) == "linux, container (docker)"
