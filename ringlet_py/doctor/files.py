"""Checks of ringlet's own files: whose they are, who else could read or change them, and what was left behind."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.doctor.finding import (
    CHMOD,
    PROBLEM,
    REMOVE,
    WARNING,
    Finding,
    Repair,
    mendable,
    note,
    of_error,
    problem,
)
from ringlet_py.errors import RingletError
from ringlet_py.files.checks import POSIX, check_folder, is_symlink, quoted
from ringlet_py.files.folders import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ringlet_py.doctor.surroundings import Surroundings

MOST_FILES = 10_000  # of one folder, which holds a few hundred
_CHANGED = 0o022  # the permissions by which others could change something
_READ = 0o077  # … or read it
_HOLD_KEYS = ("credentials.toml", "http_token", "master.key")  # how files of the config folder begin that do
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")
_OLD = 600.0  # seconds after which nobody is still writing a temporary file


@dataclass(frozen=True, kw_only=True)
class Place:
    """A file or folder of ringlet's; `forbidden` are the permissions that it may not have."""

    path: str
    status: os.stat_result
    forbidden: int

    @property
    def mode(self) -> int:
        """Its permissions."""
        return stat.S_IMODE(self.status.st_mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)


def modes(surroundings: Surroundings) -> list[Finding]:
    """What belongs to somebody else, or is open to others."""
    if not POSIX:
        return [note("who else can read ringlet's files is not looked at on this system")]
    found = [_judged(place, surroundings.user) for place in _all(surroundings)]
    wrong = [finding for finding in found if finding]
    return wrong or _on_the_way(_folders(surroundings))


def leftovers(surroundings: Surroundings) -> list[Finding]:
    """What writers that were killed have left: parts of files, which may hold keys."""
    now = surroundings.app.clock()
    left = [place.path for place in _all(surroundings) if _is_left(place, now)]
    left += [place.path for place in _beside_moved(surroundings) if _is_old(place, now)]
    what = "an interrupted write has left {}, which may hold a key"
    return [mendable(WARNING, what.format(path), Repair(verb=REMOVE, path=path)) for path in left]


def writable(surroundings: Surroundings) -> list[Finding]:
    """The folders that cannot be written, or made."""
    there = {_nearest(folder) for folder in _folders(surroundings)}
    return [
        problem(
            f"{folder} cannot be written",
            why="keys, records and plans are kept there, or below it",
            mend=_to_write(folder, surroundings),
        )
        for folder in sorted(there)
        if not os.access(folder, os.W_OK | os.X_OK)
    ]


def _folders(surroundings: Surroundings) -> list[str]:
    folders = surroundings.app.folders
    return [folders.config, folders.state, folders.cache, folders.profiles]


def _all(surroundings: Surroundings) -> Iterator[Place]:
    """Every file and folder of ringlet's, but for what agents keep in their profiles."""
    app = surroundings.app
    folders, runtime = app.folders, runtime_folder(app.environ, app.folders)
    yield from _places(_below(folders.config, deep=1, may_be_link=True), _of_config)
    for folder in (folders.state, folders.cache):
        yield from _places(_below(folder, deep=3), lambda _, is_folder: _CHANGED if is_folder else _READ)
    yield from _places(_below(runtime, deep=0), lambda *_: _READ)
    documents = [os.path.join(folders.profiles, name, "ringlet.toml") for name in app.profiles.names()]
    yield from _places([*_below(folders.profiles, deep=0), *documents], lambda *_: _CHANGED)


def _of_config(name: str, is_folder: bool) -> int:  # noqa: FBT001 - as `_places` calls it
    return _READ if name.startswith(_HOLD_KEYS) and not is_folder else _CHANGED


def _below(folder: str, *, deep: int, may_be_link: bool = False) -> Iterator[str]:
    """The folder and what is in it, so many folders deep; what others keep there (`.git`) is theirs.

    Behind a link may be anything of anybody's, which is not looked at, unless people keep it elsewhere on purpose.
    """
    yield folder
    if os.path.islink(folder) and not may_be_link:
        return
    for at, folders, names in os.walk(folder):
        level = 0 if at == folder else os.path.relpath(at, folder).count(os.sep) + 1
        for name in [*sorted(folders), *sorted(names)][:MOST_FILES]:
            yield os.path.join(at, name)
        folders[:] = [name for name in folders if level < deep and not name.startswith(".")]


def _places(paths: Iterable[str], forbidden: Callable[[str, bool], int]) -> Iterator[Place]:
    for path in paths:
        try:
            status = os.lstat(path)
        except OSError:
            continue
        is_folder = stat.S_ISDIR(status.st_mode)
        yield Place(path=path, status=status, forbidden=forbidden(os.path.basename(path), is_folder))


def _judged(place: Place, user: int) -> Finding | None:
    """What is wrong with it; a socket is judged by the folder that it is in, a link may lead to what all may read."""
    if stat.S_ISLNK(place.status.st_mode) and place.forbidden == _READ:
        return of_error(is_symlink(place.path))
    if not (place.is_folder or stat.S_ISREG(place.status.st_mode)):
        return None
    if place.status.st_uid != user:
        mend = f"sudo chown {user} {quoted(place.path)}" if user else f"ls -ld {quoted(place.path)}"
        return problem(f"{place.path} belongs to user {place.status.st_uid}, not to user {user}", mend=mend)
    closed = place.mode & ~place.forbidden
    if closed == place.mode:
        return None
    does = "changed" if place.forbidden == _CHANGED else "read or changed"
    what = f"{place.path} can be {does} by others (mode {place.mode:04o})"
    return mendable(PROBLEM, what, Repair(verb=CHMOD, path=place.path, mode=closed))


def _on_the_way(folders: list[str]) -> list[Finding]:
    """Where others could put another folder in the place of ours."""
    found: list[Finding] = []
    for folder in filter(os.path.isdir, folders):  # what is above a missing one is not ours to judge
        try:
            check_folder(folder)
        except (RingletError, OSError) as error:
            found.append(of_error(error))
    return list({finding.what: finding for finding in found}.values())


def _beside_moved(surroundings: Surroundings) -> Iterator[Place]:
    """What was written to take the place of a file that a key was moved out of, and never did."""
    from ringlet_py.moving import made, replacing  # slow to import

    for real in made.receipts(surroundings.app.folders).files():
        with suppress(OSError):
            yield from _places(replacing.remains(real), lambda *_: _READ)


def _is_old(place: Place, now: float) -> bool:
    return now - place.status.st_mtime > _OLD


def _is_left(place: Place, now: float) -> bool:
    old = _is_old(place, now)
    return old and stat.S_ISREG(place.status.st_mode) and bool(_TEMPORARY.fullmatch(os.path.basename(place.path)))


def _nearest(folder: str) -> str:
    """The folder, or the nearest one above it that is there."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _to_write(folder: str, surroundings: Surroundings) -> str:
    """For a folder of our own its mode; for another's, never to take it over, but a home of our own."""
    if POSIX and os.stat(folder).st_uid == surroundings.user:
        return f"chmod u+wx {quoted(folder)}"
    home = surroundings.app.folders.home
    if os.path.isdir(home) or not POSIX:
        return f"ls -ld {quoted(folder)}"
    return f"sudo install -d -m 700 -o {surroundings.user} {quoted(home)}"
