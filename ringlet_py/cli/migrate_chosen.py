"""What `ringlet migrate` looks at, and which of the keys found a command is about."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from ringlet_py.cli import output
from ringlet_py.cli.progress import progress
from ringlet_py.errors import NotFound, UsageError
from ringlet_py.files.here import full_path
from ringlet_py.moving import made
from ringlet_py.moving.below import MOST_FOLDERS
from ringlet_py.moving.judging import SURE
from ringlet_py.suggest import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ringlet_py.cli.session import Session
    from ringlet_py.moving.finding import Find
    from ringlet_py.moving.scanning import Scan

Below = Annotated[
    str, typer.Option("--below", metavar="FOLDER", help="Look for .env files below it; else below this folder.")
]
FEW = 10


def scanned(session: Session, below: str) -> Scan:
    """All that lies about; UsageError for a folder that is none."""
    app = session.app
    folder = full_path(below, otherwise="ringlet migrate scan --below /FOLDER")
    if not os.path.isdir(folder):
        raise UsageError(f"{below} is not a folder", hint="ringlet migrate scan --below FOLDER")
    with progress("looking", total=MOST_FOLDERS) as advance:
        return made.look(
            app.keychain, app.catalog, app.folders, app.environ, below=folder, clock=app.clock, advance=advance
        )


def short(path: str, home: str) -> str:
    """The path as people write it, without what could rewrite a terminal."""
    shown = f"~{path[len(home) :]}" if path.startswith(home.rstrip("/") + "/") else path
    return output.printable(shown)


def chosen(finds: Sequence[Find], patterns: Sequence[str], home: str) -> list[Find]:
    """The finds that are meant: with patterns those that fit one, else all that are surely keys.

    Some of them may have to be left where they are.  Raises NotFound for a pattern that none fits.
    """
    if not patterns:
        return [find for find in finds if find.judgement.level == SURE]
    for pattern in patterns:
        if not any(_fits(find, pattern, home) for find in finds):
            raise _stray(pattern, finds, home)
    return [find for find in finds if any(_fits(find, pattern, home) for pattern in patterns)]


def _fits(find: Find, pattern: str, home: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in _names(find, home))


def _names(find: Find, home: str) -> list[str]:
    """Everything that it goes by: its address, provider and variable, and its file in several spellings."""
    line = f":{find.line}"
    paths = [find.place, short(find.place, home), os.path.basename(find.place)]
    there = [_relative(find.place)] if os.path.isabs(find.place) else []
    names = (find.address, find.judgement.provider, find.name)
    return [name for name in (*names, *paths, *there, *(path + line for path in paths)) if name]


def _relative(path: str) -> str:
    try:
        return os.path.relpath(path)
    except (OSError, ValueError):  # the current folder is gone, or on another drive
        return ""


def _stray(pattern: str, finds: Iterable[Find], home: str) -> NotFound:
    names = ((find.address, find.judgement.provider, find.name, short(find.place, home)) for find in finds)
    known = sorted({name for each in names for name in each if name})
    near = nearest(pattern, known) if len(known) > FEW else ""
    why = f"did you mean {near!r}?" if near else did_you_mean(pattern, known) if len(known) <= FEW else ""
    return NotFound(f"nothing that was found goes by {pattern!a}", why=why, hint="ringlet migrate scan")
