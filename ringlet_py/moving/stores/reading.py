"""Other tools' files, read with limits: regular files of a moderate size, and folders of a moderate depth."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ringlet_py.files.checks import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 16 * 1024 * 1024
MOST_FILES = 100_000
MOST_DEPTH = 8
# what tools make and people do not write: nobody keeps keys there, and it is most of what a folder holds
SKIPPED = frozenset(["node_modules", "__pycache__", "site-packages", "target", "venv"])
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class Unread(Exception):  # noqa: N818 - a file that is unread is no error of ours
    """A file that is there and was not read; its text is a note that names the file and says why."""


def read(path: str, *, most: int = MOST_BYTES) -> bytes:
    """The content; FileNotFoundError without it, Unread if it is no file, too large or not for us."""
    try:
        content = _content(path, most + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "its name cannot be one"
        raise Unread(f"{path!a} was not read: {why}") from None
    if len(content) > most:
        raise Unread(f"{path} was not read: it is larger than {most:,} bytes")
    return content


def _content(path: str, most: int) -> bytes:
    fd = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Unread(f"{path} was not read: it is not a regular file")
        with open(fd, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(fd)


def below(folder: str, *, deepest: int = MOST_DEPTH) -> Iterator[str]:
    """The files in the folder and below it, in order of their names; after `MOST_FILES` it ends.

    Links, hidden folders and `SKIPPED` are not entered, and what cannot be listed is left out.
    """
    waiting, seen = [(folder, 0)], 0
    while waiting:
        here, depth = waiting.pop()
        folders = []
        for entry in _listed(here):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry)
            elif seen < MOST_FILES:
                seen += 1
                yield entry.path
        inner = [each.path for each in folders if not each.name.startswith(".") and each.name not in SKIPPED]
        waiting += [(path, depth + 1) for path in reversed(inner) if depth < deepest and seen < MOST_FILES]


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
