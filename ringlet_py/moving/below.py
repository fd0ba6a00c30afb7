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
    """A walk below one folder: links, other mounts and what tools make are not followed."""

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
            waiting += [(each, depth + 1) for each in reversed(inner) if self._enters(each, depth, device)]

    def _enters(self, folder: str, depth: int, device: int) -> bool:
        """Whether the walk goes on there; where it does not, a note says so."""
        if not _on(folder, device):
            self.notes.append(f"{folder!a} was not looked at: it is on another file system")
        elif depth >= MOST_DEPTH:
            self.notes.append(f"nothing that is more than {MOST_DEPTH} folders below {self.folder!a} was looked at")
        else:
            return True
        return False

    def _files(self, folder: str) -> Generator[Place, None, list[str]]:
        """The files in the folder; returns the folders to enter."""
        entries = self._listed(folder)
        if any(entry.name == VENV for entry in entries):
            return []
        inner = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner += [entry.path] if entry.name not in SKIPPED else []
            elif not (kind := kind_of(entry.path)):
                continue
            elif not entry.is_symlink():
                yield Place(entry.path, kind, within=self.folder)
            # whoever made the folder chose where its links lead: to any file, of any format, under any name
            elif note := _note_on(entry.path, self.folder):
                self.notes.append(note)
        return inner

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as problem:
            self.notes.append(f"{folder!a} was not looked at: {problem.strerror}")
            return []


def kind_of(path: str) -> str:
    """What reads a file of that name in a project; "" if it is none of those."""
    folder, name = os.path.split(path)
    if DOTENV.fullmatch(name):
        return "dotenv"
    return "mcp" if name in (*PROJECT[""], *PROJECT.get(os.path.basename(folder), ())) else ""


def _note_on(link: str, top: str) -> str:
    """That the link was not followed, if what it leads to is there and is not met below the folder on its own."""
    real = os.path.realpath(link)
    met = kind_of(real) and real.startswith(os.path.join(os.path.realpath(top), ""))
    return "" if met or not os.path.exists(real) else f"{link!a} was not looked at: it is a link to {real!a}"


def _on(path: str, device: int) -> bool:
    try:
        return os.lstat(path).st_dev == device
    except OSError:  # gone meanwhile, which listing it will tell
        return True
