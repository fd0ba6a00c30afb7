"""Other people's text files: read once, with where they really are and whether they may be edited."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ringlet_py.files.checks import POSIX
from ringlet_py.moving.formats import decoded
from ringlet_py.moving.stores.reading import read


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """A file as it was read; `path` is how it was found, `real` where it is once links are followed."""

    path: str
    real: str
    raw: bytes = field(repr=False)  # keys and all

    @property
    def text(self) -> str:
        """Its text, whatever its bytes."""
        return decoded(self.raw)


def read_source(path: str) -> Source:
    """The file; FileNotFoundError without it, Unread with a note that says why it was not read."""
    real = os.path.realpath(path)
    return Source(path=path, real=real, raw=read(real))


def why_not_edited(real: str) -> str:
    """Why the file at this path without links is not to be touched, or ""."""
    try:
        status = os.lstat(real)
    except OSError as problem:
        return f"it cannot be looked at: {problem.strerror}"
    if status.st_nlink > 1:
        return "it has another name (a hard link), which would keep the value"
    if POSIX and status.st_uid != os.geteuid():
        return f"it belongs to user {status.st_uid}"
    if not status.st_mode & 0o200:
        return "it is read-only"
    if not os.access(os.path.dirname(real), os.W_OK | os.X_OK):
        return "its folder is not writable"
    return ""
