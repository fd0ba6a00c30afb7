"""The files below folders as sources: every regular file, whatever its name or size, and nothing else."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING

from ringlet_py.searching.search import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

FILE = "file"
# never waits for a FIFO's other end, never follows what took the place of a file; Windows knows neither
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NOT_FILES = frozenset(("/proc", "/sys", "/dev"))  # what the kernel shows there is no file
_KERNELS = frozenset(map(os.path.basename, _NOT_FILES))


class Files:
    """The files at and below the paths; symbolic links are followed only where they are named.

    `skipped` are files that are left out (the keychain's own); what cannot be read is added to `problems`, and if the
    paths were `asked` for also what is neither file nor folder.
    """

    def __init__(
        self, paths: Iterable[str], *, skipped: Collection[str] = (), problems: list[str], asked: bool = True
    ) -> None:
        self._paths = [*dict.fromkeys(paths)]
        self._skipped = frozenset(map(os.path.realpath, skipped))
        self._problems = problems
        self._asked = asked

    def size(self) -> int:
        """The bytes of all of them together."""
        return sum(entry.st_size for _, entry in self._all([]))

    def sources(self) -> Iterator[Source]:
        """Each file, open for as long as it is the current one."""
        for path, _ in self._all(self._problems):
            try:
                fd = os.open(path, _FLAGS)
            except FileNotFoundError:  # gone since it was listed
                continue
            except OSError as problem:
                self._problems.append(_told(path, problem))
                continue
            with io.FileIO(fd) as file:
                # by its path: a second name of it elsewhere is a place where the keys lie
                if stat.S_ISREG(os.fstat(fd).st_mode) and os.path.realpath(path) not in self._skipped:
                    yield Source(kind=FILE, place=path, read=file.readinto)

    def _all(self, problems: list[str]) -> Iterator[tuple[str, os.stat_result]]:
        """Each file once, though the paths may lie in each other."""
        if len(self._paths) == 1:
            yield from _below(self._paths[0], problems, asked=self._asked)
            return
        seen = set[str]()
        for path in self._paths:
            for found, entry in _below(path, problems, asked=self._asked):
                name = os.path.abspath(found)
                if name not in seen:
                    seen.add(name)
                    yield found, entry


def _below(path: str, problems: list[str], *, asked: bool) -> Iterator[tuple[str, os.stat_result]]:
    """The regular files at and below the path, in the order of their names."""
    try:
        given = os.stat(path)
    except OSError as problem:
        problems.append(_told(path, problem))
        return
    if stat.S_ISREG(given.st_mode):
        yield os.path.realpath(path) if os.path.islink(path) else path, given
    elif asked and not stat.S_ISDIR(given.st_mode):
        problems.append(f"{path} is neither a file nor a folder")
    folders = [path] if stat.S_ISDIR(given.st_mode) else []
    while folders:
        entries = _entries(folder := folders.pop(), problems)
        objects = _objects(folder, entries)
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield from _with_stat(entry)
        below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False) and entry.path != objects]
        folders += [folder for folder in reversed(below) if not _is_the_kernels(folder)]


def _is_the_kernels(folder: str) -> bool:
    """Whether it is one of those, however the path is written."""
    return os.path.basename(folder) in _KERNELS and os.path.realpath(folder) in _NOT_FILES


def _entries(folder: str, problems: list[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as problem:
        problems.append(_told(folder, problem))
        return []


def _objects(folder: str, entries: list[os.DirEntry[str]]) -> str:
    """The folder of git's objects, which are compressed: `--history` looks into them; "" where there is none.

    Only within `.git`, where no commit can put a file: elsewhere a folder may be made to look like it.
    """
    names = {entry.name: entry.path for entry in entries}
    within = ".git" in os.path.abspath(folder).split(os.sep)
    return names.get("objects", "") if within and {"HEAD", "refs"} <= names.keys() else ""


def _with_stat(entry: os.DirEntry[str]) -> Iterator[tuple[str, os.stat_result]]:
    try:
        yield entry.path.removeprefix("./"), entry.stat(follow_symlinks=False)
    except OSError:  # gone since it was listed
        return


def _told(path: str, problem: OSError) -> str:
    return f"{path}: {problem.strerror or problem}"
