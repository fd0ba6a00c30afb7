"""Checks of where ringlet's folders lie: copied elsewhere by a program, kept in git, or on the network."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringlet_py.doctor.finding import Finding, note, warning
from ringlet_py.doctor.system import text_of
from ringlet_py.files.checks import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.doctor.surroundings import Surroundings

# how a folder is called that a program copies to other machines
_SYNCED = re.compile(
    r"(?P<Dropbox>dropbox( \(.+\))?)|(?P<OneDrive>onedrive( - .+)?)|(?P<iCloud>mobile documents|com~apple~clouddocs)"
    r"|(?P<Google_Drive>google ?drive|googledrive-.+|my drive)|(?P<Nextcloud>nextcloud|owncloud)|(?P<MEGA>mega(sync)?)",
    re.IGNORECASE,
)
_MARKERS = {".stfolder": "Syncthing", ".dropbox": "Dropbox", ".owncloudsync.log": "Nextcloud"}
# file systems that several machines share, or on which modes mean nothing
_SHARED = re.compile(r"nfs\d?|cifs|smb\w*|9p|drvfs|vboxsf|afs|ceph|glusterfs|lustre|fuse\.(sshfs|vmhgfs-fuse|rclone).*")
_SECRETS = "credentials.toml http_token master.key"


@dataclass(frozen=True, kw_only=True)
class Folder:
    """One of ringlet's folders: what is in it, where it really is, and the variable that puts it elsewhere."""

    kind: str
    path: str
    variable: str

    @property
    def real(self) -> str:
        """Without links."""
        return os.path.realpath(self.path)

    @property
    def to_move(self) -> str:
        """The command that puts it on this machine's own disk."""
        if not self.variable:
            return f"ls -ld {quoted(self.path)}; put it on this machine's own disk"
        return f"export {self.variable}=/a/folder/of/this/machine/alone"


def shared(surroundings: Surroundings) -> list[Finding]:
    """The folders that others get a copy of, or that lie where SQLite's locks and file modes cannot be relied on."""
    folders = surroundings.app.folders
    ours = (
        Folder(kind="the settings and keys", path=folders.config, variable="XDG_CONFIG_HOME"),
        Folder(kind="the ledger and the audit", path=folders.state, variable="XDG_STATE_HOME"),
        Folder(kind="the profiles", path=folders.profiles, variable=""),
    )
    mounts = _mounts(surroundings.root)
    return [finding for folder in ours for finding in _of_folder(folder, mounts)]


def _of_folder(folder: Folder, mounts: list[tuple[str, str]]) -> Iterator[Finding]:
    if who := _synced_by(folder.real):
        what = f"{folder.kind} ({folder.path}) are copied to other machines by {who}"
        yield warning(what, why="what is there leaves this machine", mend=folder.to_move)
    if kind := _shared_kind(folder.real, mounts):
        what = f"{folder.kind} ({folder.path}) are on a shared file system ({kind})"
        yield warning(what, why="its locks and modes are not those of a disk", mend=folder.to_move)
    if tree := _work_tree(folder.real):
        yield from _in_git(folder, tree)


def _steps(path: str) -> Iterator[str]:
    """The folder and every one above it."""
    while True:
        yield path
        above = os.path.dirname(path)
        if above == path:
            return
        path = above


def _synced_by(path: str) -> str:
    for step in _steps(path):
        if found := _SYNCED.fullmatch(os.path.basename(step)):
            return str(found.lastgroup).replace("_", " ") if found.lastgroup else "a program"
        for name, who in _MARKERS.items():
            if os.path.exists(os.path.join(step, name)):
                return who
    return ""


def _mounts(root: str) -> list[tuple[str, str]]:
    """The mount points and their file systems, the innermost first; see proc_pid_mountinfo(5)."""
    found = []
    for line in text_of(os.path.join(root, "proc/self/mountinfo")).splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) > 4 and kind:
            point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
            found.append((point, kind[0]))
    return sorted(found, key=lambda each: len(each[0]), reverse=True)


def _shared_kind(path: str, mounts: list[tuple[str, str]]) -> str:
    for point, kind in mounts:
        if path == point or path.startswith(point.rstrip("/") + "/"):
            return kind if _SHARED.fullmatch(kind) else ""
    return ""


def _work_tree(path: str) -> str:
    return next((step for step in _steps(path) if os.path.exists(os.path.join(step, ".git"))), "")


def _in_git(folder: Folder, tree: str) -> Iterator[Finding]:
    """Settings and profiles are well kept in git; keys and records are not."""
    if not folder.variable:
        return
    what = f"{folder.kind} ({folder.path}) are in the git work tree {tree}"
    secret = folder.variable == "XDG_STATE_HOME" or _holds_key(folder.path)
    if not secret:
        yield note(what, why="what ringlet adds there later may be a secret", mend=_to_ignore(folder))
    elif not _ignores(folder.path):
        yield warning(what, why="a commit can take them along", mend=_to_ignore(folder))


def _holds_key(path: str) -> bool:
    return any(os.path.exists(os.path.join(path, name)) for name in _SECRETS.split())


def _ignores(path: str) -> bool:
    lines = text_of(os.path.join(path, ".gitignore")).splitlines()
    return "*" in lines or {name.lstrip("/") for name in lines}.issuperset(_SECRETS.split())


def _to_ignore(folder: Folder) -> str:
    names = _SECRETS if folder.variable == "XDG_CONFIG_HOME" else "'*'"
    return f"printf '%s\\n' {names} >> {quoted(os.path.join(folder.path, '.gitignore'))}"
