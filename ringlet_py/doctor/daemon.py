"""Checks of the daemon: which version runs, and what one that was killed has left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ringlet_py import __version__
from ringlet_py.doctor.finding import NOTE, REMOVE, Finding, Repair, fine, mendable, warning
from ringlet_py.files.folders import runtime_folder

if TYPE_CHECKING:
    from ringlet_py.doctor.surroundings import Surroundings

_OF_RUNNING = ("daemon.sock", "daemon.json")  # what only a running daemon has


def state(surroundings: Surroundings) -> list[Finding]:
    """Whether one runs, and whether it is of this version."""
    app, version = surroundings.app, surroundings.daemon()
    if version == __version__:
        return [fine("the daemon runs")]
    if version:
        what = f"the daemon that runs is ringlet {version}, and this is {__version__}"
        return [warning(what, mend="ringlet daemon stop && ringlet daemon start")]
    folder = runtime_folder(app.environ, app.folders)
    left = [path for name in _OF_RUNNING if os.path.lexists(path := os.path.join(folder, name))]
    if not left:
        return [fine("no daemon is running")]
    repairs = [Repair(verb=REMOVE, path=path) for path in left]
    return [mendable(NOTE, f"a daemon that was killed has left {' and '.join(left)}", *repairs)]
