"""Checks of PATH: several ringlets on it, and folders where others could put a program."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from ringlet_py import __version__
from ringlet_py.doctor.finding import CHMOD, WARNING, Finding, Repair, fine, mendable, note, warning
from ringlet_py.files.checks import POSIX, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ringlet_py.doctor.surroundings import Surroundings

_VERSION = re.compile(r"\d+(\.\d+)+")


def duplicates(surroundings: Surroundings) -> list[Finding]:
    """Every ringlet on PATH with its version; the first is what a person gets."""
    found = _programs("ringlet", surroundings.app.environ)
    if not found:
        return [note("ringlet is not on PATH", why="it was started in another way")]
    versions = versions_of(found, surroundings)
    told = [f"{path} ({version or 'no answer'})" for path, version in zip(found, versions, strict=True)]
    if len(set(versions)) > 1 or versions[0] != __version__:
        what = f"this is ringlet {__version__}, and PATH has: {', '.join(told)}"
        return [warning(what, why="which one is started depends on PATH", mend=_to_compare(surroundings))]
    if len(found) > 1:
        return [note(f"ringlet is on PATH {len(found)} times: {', '.join(told)}")]
    return [fine(f"one ringlet is on PATH: {told[0]}")]


def open_folders(surroundings: Surroundings) -> list[Finding]:
    """The folders of PATH that everybody can write, and those that depend on where one stands."""
    entries = surroundings.app.environ.get("PATH", "").split(os.pathsep)
    found = [_relative(entry) for entry in dict.fromkeys(entries) if not os.path.isabs(entry)]
    if POSIX:
        found += [each for entry in dict.fromkeys(entries) if (each := _open(entry, surroundings.user))]
    return found


def versions_of(paths: Sequence[str], surroundings: Surroundings) -> list[str]:
    """The version that each program says, "" for none; what everybody could have put there is not started."""
    asked = [path for path in paths if not (POSIX and _is_open(os.path.dirname(os.path.realpath(path))))]
    said = dict(zip(asked, surroundings.run([[path, "--version"] for path in asked]), strict=True))
    return [version_in(said.get(path, "")) for path in paths]


def version_in(text: str) -> str:
    """The first thing in the text that looks like a version, "" if nothing does."""
    found = _VERSION.search(text)
    return found[0] if found else ""


def is_older(version: str, other: str) -> bool:
    """Whether a version comes before another one; False where one of them is not known."""
    numbers = [[int(part) for part in each.split(".")] for each in (version, other) if each]
    return len(numbers) == 2 and numbers[0] < numbers[1]


def _programs(name: str, environ: Mapping[str, str]) -> list[str]:
    """The different programs of that name, in the order in which they are found."""
    different = {os.path.realpath(path): path for path in reversed(list(_candidates(name, environ)))}
    return list(reversed(different.values()))


def _candidates(name: str, environ: Mapping[str, str]) -> Iterator[str]:
    endings = [""] if POSIX else environ.get("PATHEXT", ".EXE;.CMD").split(";")
    for entry in environ.get("PATH", "").split(os.pathsep):
        for ending in endings:
            path = os.path.join(entry, name + ending)
            if os.path.isabs(entry) and os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def _relative(entry: str) -> Finding:
    what = f"PATH holds {entry!a}" if entry else "PATH has an empty entry, which is the current folder"
    return warning(
        what, why="a program in the folder where one stands would be started; ringlet passes it over", mend="echo $PATH"
    )


def _is_open(folder: str) -> bool:
    """Whether everybody can put something there."""
    try:
        return bool(os.stat(folder).st_mode & 0o002)
    except OSError:
        return False


def _open(entry: str, user: int) -> Finding | None:
    if not os.path.isabs(entry) or not _is_open(entry):
        return None
    status = os.stat(entry)
    what = f"everybody can put programs into {entry}, which is on PATH"
    why = "one called like an agent would get its key"
    if status.st_mode & stat.S_ISVTX:  # a folder for everybody's files, which it has to stay
        return warning(what, why=why, mend=f"take {entry} out of PATH, where your shell's profile sets it")
    if status.st_uid == user and not os.path.islink(entry):
        repair = Repair(verb=CHMOD, path=entry, mode=stat.S_IMODE(status.st_mode) & ~0o002)
        return mendable(WARNING, what, repair, why=why)
    return warning(what, why=why, mend=f"sudo chmod o-w {quoted(entry)}")


def _to_compare(surroundings: Surroundings) -> str:
    return "where.exe ringlet" if surroundings.system.kind == "windows" else "type -a ringlet"
