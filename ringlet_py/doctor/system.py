"""Which system this is, as far as the commands that mend something differ."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LINUX = "linux"
MACOS = "macos"
WINDOWS = "windows"
MOST = 1024 * 1024  # bytes of a file of the system that are read
_KINDS = {"darwin": MACOS, "win32": WINDOWS, "cygwin": WINDOWS}
# ID and ID_LIKE of /etc/os-release, by the tool that installs packages there
_FAMILIES = {
    "debian": ("debian", "ubuntu", "raspbian"),
    "fedora": ("fedora", "rhel", "centos"),
    "arch": ("arch", "manjaro"),
    "suse": ("suse", "opensuse", "sles"),
    "alpine": ("alpine",),
}
# files that a container engine makes in each container
_ENGINES = {".dockerenv": "docker", "run/.containerenv": "podman"}


@dataclass(frozen=True, kw_only=True)
class System:
    """The facts; `family` is "" where the distribution is not known, `container` names what it is run by.

    `shell` is the name of the person's own one, "" where that is not known; `gnome_keyring` is whether it is installed.
    """

    kind: str = LINUX
    family: str = ""
    wsl: bool = False
    container: str = ""
    ssh: bool = False
    desktop: bool = False
    bus: bool = False
    shell: str = ""
    gnome_keyring: bool = True

    def __str__(self) -> str:
        parts = [self.kind, self.family, *(["WSL"] if self.wsl else [])]
        parts += [f"container ({self.container})"] if self.container else []
        return ", ".join(filter(None, [*parts, "over SSH" if self.ssh else ""]))


def system_of(platform: str, environ: Mapping[str, str], *, root: str = "/") -> System:
    """The system of `sys.platform` and this environment; `root` is where its files hang from."""
    kind = _KINDS.get(platform, LINUX)
    ssh = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    shell = os.path.basename(environ.get("SHELL", ""))
    if kind != LINUX:
        return System(kind=kind, ssh=ssh, desktop=not ssh, shell=shell)
    return System(
        family=_family(text_of(os.path.join(root, "etc/os-release"))),
        wsl="microsoft" in text_of(os.path.join(root, "proc/version")).lower(),
        container=_container(environ, root),
        ssh=ssh,
        desktop=bool(environ.get("WAYLAND_DISPLAY") or environ.get("DISPLAY")),
        bus=_has_bus(environ, root),
        shell=shell,
        gnome_keyring=shutil.which("gnome-keyring-daemon", path=environ.get("PATH", "")) is not None,
    )


def text_of(path: str) -> str:
    """The text of a file of the system, "" if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MOST)
    except OSError:
        return ""


def _family(release: str) -> str:
    """The family in an os-release, whose values are quoted as a shell's."""
    names: list[str] = []
    for line in release.splitlines():
        key, _, value = line.partition("=")
        if key in ("ID", "ID_LIKE"):
            names += " ".join(_words(value)).lower().split()
    for family, members in _FAMILIES.items():
        if any(name.startswith(members) for name in names):
            return family
    return ""


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return []


def _container(environ: Mapping[str, str], root: str) -> str:
    for name, engine in _ENGINES.items():
        if os.path.exists(os.path.join(root, name)):
            return engine
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    return environ.get("container", "")  # which systemd-nspawn, LXC and podman set


def _has_bus(environ: Mapping[str, str], root: str) -> bool:
    """Whether something says where the session bus is; whether it answers is seen by asking it."""
    given = environ.get("DBUS_SESSION_BUS_ADDRESS")
    if given is not None:
        return bool(given)
    folder = environ.get("XDG_RUNTIME_DIR", "")
    return bool(folder) and os.path.exists(os.path.join(root, folder.lstrip("/"), "bus"))
