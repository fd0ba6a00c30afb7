"""What git keeps as sources: what is staged, and every blob and message of the history."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ringlet_py.errors import SearchIncomplete
from ringlet_py.searching.search import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringlet_py.searching.engine import Read
    from ringlet_py.searching.git import Git

STAGED, HISTORY = "staged", "history"
# in this order a blob comes after the newest commit that has it; what is staged and what was cut off is reachable too
_REACHABLE = ("rev-list", "--objects", "--in-commit-order", "--all", "--reflog", "--missing=print")
_HEADER = "%(objectname) %(objecttype) %(objectsize) %(rest)"
_SUBMODULE = "160000"
_SHOWN = 12  # characters of a commit's name


@dataclass(frozen=True, kw_only=True)
class Object:
    """One answer of `git cat-file`."""

    name: str
    kind: str
    size: int
    path: str


def staged(git: Git) -> Iterator[Source]:
    """Every file as it is staged, if it differs from the last commit."""
    commit = git.asked("rev-parse", "--verify", "--quiet", "HEAD")
    base = commit or git.lines("hash-object", "-t", "tree", "--stdin")[0]  # of nothing: the empty tree
    changed = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--diff-filter=AMT", "--no-abbrev", base)
    fields = os.fsdecode(git.answer(*changed)).split("\0")[:-1]
    with git.piped(("cat-file", f"--batch={_HEADER}")) as (asked, answers):
        found = _objects(answers)
        for header, path in zip(fields[::2], fields[1::2], strict=True):
            _, mode, _, name, _ = header.split(" ")
            if asked is None or mode == _SUBMODULE or not name.strip("0"):
                continue
            asked.write(f"{name}\n".encode())
            asked.flush()
            each, read = next(found)
            if each.kind != "blob":
                raise SearchIncomplete(f"{path} is staged, but git does not have it", hint="git fsck")
            yield Source(kind=STAGED, place=path, read=read)


def history(git: Git) -> Iterator[Source]:
    """Every blob and every message that a branch, a tag, a stash or the reflog still leads to, each once.

    A blob's commit is the newest that has it.
    """
    commit, missing = "", 0
    with git.piped(_REACHABLE, ("cat-file", "--buffer", f"--batch={_HEADER}")) as (_, answers):
        for each, read in _objects(answers):
            commit = each.name if each.kind == "commit" else commit
            missing += each.kind == "missing"
            if each.kind == "blob":
                yield Source(kind=HISTORY, place=f"{commit[:_SHOWN]}:{each.path}", read=read)
            elif each.kind in {"commit", "tag"}:
                place = f"{each.name[:_SHOWN]} ({each.kind}'s message)"
                yield Source(kind=HISTORY, place=place, read=read, numbered=False)
    if missing:
        raise SearchIncomplete(f"{missing} objects of the history are not in this clone: git fetch --unshallow")
    if git.asked("rev-parse", "--is-shallow-repository") == "true":  # where its history was cut off, nothing is missing
        raise SearchIncomplete("this clone has only the end of the history: git fetch --unshallow")


def history_size(git: Git) -> int:
    """The bytes of all that `history` gives."""
    check = ("cat-file", "--buffer", "--batch-check=%(objecttype) %(objectsize)")
    with git.piped(_REACHABLE, check) as (_, answers):
        fields = (line.split() for line in answers)
        return sum(int(size) for kind, size in fields if kind in {b"blob", b"commit", b"tag"})


def _objects(answers: IO[bytes]) -> Iterator[tuple[Object, Read]]:
    """Each object of a stream of them; what is not read of it is passed over."""
    while header := answers.readline():
        fields = os.fsdecode(header.rstrip(b"\n")).split(" ", 3)
        if fields[1] == "missing":
            yield Object(name=fields[0], kind="missing", size=0, path=""), lambda _: 0
            continue
        body = _Body(answers, int(fields[2]))
        yield Object(name=fields[0], kind=fields[1], size=body.left, path="".join(fields[3:])), body.read
        body.skip()
        answers.readline()


class _Body:
    """The next so many bytes of a stream."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, view: memoryview) -> int:
        count = len(chunk) if (chunk := self._stream.read(min(len(view), self.left))) else 0
        view[:count] = chunk
        self.left -= count
        return count

    def skip(self) -> None:
        while self.left and self.read(memoryview(bytearray(min(self.left, 1 << 16)))):
            continue
