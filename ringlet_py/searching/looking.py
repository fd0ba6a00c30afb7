"""Where one search looks: files, what is staged, a history, agents' files and histories of shells."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from ringlet_py.errors import SearchIncomplete, UsageError
from ringlet_py.searching.files import Files
from ringlet_py.searching.git import Git
from ringlet_py.searching.objects import history, history_size, staged
from ringlet_py.searching.places import of_agents, of_histories, of_settings
from ringlet_py.searching.search import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ringlet_py.catalog import Catalog
    from ringlet_py.files.folders import Folders

ENVIRONMENT = "environment"


class Looking:
    """The places of one search; `problems` says which could not be looked at, `about` what they are.

    Without anything chosen it is the files below the paths, or below the current folder.
    """

    def __init__(self, *, keychain_file: str, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self.about: list[str] = []
        self._environ = environ
        self._skipped = (keychain_file,)
        self._files: list[Files] = []
        self._staged: list[Git] = []
        self._histories: list[Git] = []
        self._variables: Mapping[str, str] = {}

    def in_files(self, paths: Iterable[str], about: str = "") -> None:
        """The files at and below the paths, but for the keychain's own; `about` is for paths that nobody asked for."""
        asked = not about
        self._files.append(Files(paths, skipped=self._skipped, problems=self.problems, asked=asked))
        self.about.append(about or "files")

    def at_agents(self, catalog: Catalog, folders: Folders) -> None:
        """The agents' configuration, transcripts and results of tools, and histories of shells."""
        home, environ = folders.home, self._environ
        paths = of_agents(catalog, home=home, environ=environ) + of_histories(home=home, environ=environ)
        profiles = [folders.profiles] if os.path.isdir(folders.profiles) else []
        self.in_files([*paths, *profiles], "agents' files and histories of shells")

    def in_settings(self, folders: Folders) -> None:
        """Files that set variables and keep logins, and the current environment."""
        self.in_files(of_settings(home=folders.home, environ=self._environ), "files of the home folder")
        self.about.append("the environment")
        self._variables = dict(self._environ)

    def in_staged(self, folders: Iterable[str]) -> None:
        """What is staged in the repositories of the folders; raises SearchIncomplete if one is in none."""
        self._staged += [self._repository(folder) for folder in folders]
        self.about.append("what is staged")

    def in_histories(self, folders: Iterable[str]) -> None:
        """What their histories hold; raises likewise."""
        self._histories += [self._repository(folder) for folder in folders]
        self.about.append("history")

    def size(self) -> int:
        """The bytes to be read, those of what is staged left out, as they are few."""
        files = sum(each.size() for each in self._files)
        return files + sum(history_size(git) for git in self._histories)

    def sources(self) -> Iterator[Source]:
        """All of them, one after the other."""
        for name, value in self._variables.items():
            text = io.BytesIO(value.encode("utf-8", "surrogateescape"))
            yield Source(kind=ENVIRONMENT, place=f"${name}", read=text.readinto, numbered=False)
        seen: set[str] = set()  # a file may lie in several of the places
        for files in self._files:
            yield from (source for source in self._told(files.sources()) if _is_new(source.place, seen))
        for git in self._staged:
            yield from self._told(staged(git))
        for git in self._histories:
            yield from self._told(history(git))

    def _repository(self, folder: str) -> Git:
        if not os.path.isdir(folder):
            hint = "ringlet scan FILE looks at a file; --staged and --history at the repository of a folder"
            raise UsageError(f"{folder} is no folder", hint=hint)
        return Git(folder, self._environ)

    def _told(self, sources: Iterator[Source]) -> Iterator[Source]:
        """What stops in the middle is a problem of what has been found so far, and takes nothing of it away."""
        try:
            yield from sources
        except SearchIncomplete as problem:
            self.problems.append(problem.what)
        except OSError as problem:
            self.problems.append(str(problem))


def _is_new(path: str, seen: set[str]) -> bool:
    real = os.path.realpath(path)
    if real in seen:
        return False
    seen.add(real)
    return True
