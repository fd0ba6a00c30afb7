"""A real gnome-keyring on a bus of its own, for as long as it is measured."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from benchmarks.world import Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator

NEEDED = {"dbus-daemon": "dbus-daemon", "gnome-keyring-daemon": "gnome-keyring"}


@contextlib.contextmanager
def keychain() -> Iterator[str]:
    """The address of its bus."""
    require(NEEDED)
    from tests.secret_services import GnomeKeyring

    with GnomeKeyring() as gnome:
        yield gnome.environ["DBUS_SESSION_BUS_ADDRESS"]


def require(programs: dict[str, str]) -> None:
    """Unfit if one of these programs is missing: program to Debian package."""
    missing = {name: package for name, package in programs.items() if not shutil.which(name)}
    if missing:
        packages = " ".join(dict.fromkeys(missing.values()))
        raise Unfit(f"{', '.join(missing)} missing: apt-get install --no-install-recommends {packages}")
