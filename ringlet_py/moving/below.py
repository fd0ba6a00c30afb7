"""The files below a folder that give programs variables: `.env` and the like, and projects' own configuration."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.moving.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

MOST_FOLDERS = 50_000
MOST_DEPTH = 16
# what tools make and people do not write: nobody keeps keys there, and it is most of what a folder holds
SKIPPED = frozenset(
    [".git", ".hg", ".svn", "node_modules", "__pycache__", "site-packages", "target", ".cache", ".tox", ".nox"]
)
VENV = "pyvenv.cfg"
DOTENV = re.compile(r"\.env|\.env[.\-_].+|.+\.env|\.envrc|\.dev\.vars")
PROJECT = {
    "": (".mcp.json", "opencode.json", "opencode.jsonc", ".aider.conf.yml"),
    ".vscode": ("mcp.json",),
    ".cursor": ("mcp.json",),
    ".claude": ("settings.json", "settings.local.json"),
    ".gemini": ("settings.json",),
    ".codex": ("config.toml", "auth.json"),
}


@dataclass(kw_only=True)
class Walk:
    """A walk below one folder: links to folders, other mounts and what tools make are not entered."""

    folder: str
    advance: Callable[[int], None] = lambda _: None
    notes: list[str] = field(default_factory=list)

    def places(self) -> Iterator[Place]:
        """The files, in order of their paths; `notes` then says what was not looked at."""
        try:
            device = os.stat(self.folder).st_dev
        except OSError as problem:
            self.notes.append(f"{self.folder!a} was not looked at: {problem.strerror}")
            return
        waiting, seen = [(self.folder, 0)], 0
        while waiting:
            here, depth = waiting.pop()
            if (seen := seen + 1) > MOST_FOLDERS:
                self.notes.append(f"only the first {MOST_FOLDERS:,} folders below {self.folder} were looked at")
                return
            inner = yield from self._files(here)
            self.advance(1)
            if depth < MOST_DEPTH:
                waiting += [(each, depth + 1) for each in reversed(inner) if _on(each, device)]

    def _files(self, folder: str) -> Generator[Place, None, list[str]]:
        """The files in the folder; returns the folders to enter."""
        entries = self._listed(folder)
        if any(entry.name == VENV for entry in entries):
            return []
        inner = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner += [entry.path] if entry.name not in SKIPPED else []
            elif kind := _kind(os.path.basename(folder), entry.name):
                yield Place(entry.path, kind)
        return inner

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as problem:
            self.notes.append(f"{folder!a} was not looked at: {problem.strerror}")
            return []


def _kind(folder: str, name: str) -> str:
    if DOTENV.fullmatch(name):
        return "dotenv"
    return "mcp" if name in (*PROJECT[""], *PROJECT.get(folder, ())) else ""


def _on(path: str, device: int) -> bool:
    try:
        return os.lstat(path).st_dev == device
    except OSError:
        return False
