"""Finding what was edited, removed, reordered or cut off in the audit, the last line included."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringlet_py.audit.chain import HEAD_LOST, HEAD_NAME, MISSING, RECOVER, Head, first_head
from ringlet_py.audit.link import Link, link_of, looks_torn
from ringlet_py.audit.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ringlet_py.audit.snapshot import Snapshot


def _mark(outcome: str) -> bytes:
    """The bytes that only a recovery's record with this outcome has."""
    return f'"action":"{RECOVER}","address":"","outcome":"{outcome}",'.encode()


# what a recovery that found more amiss than a stopped writer has left in the log, and what that means
_LOSSES = {
    _mark(MISSING): "the log was shorter than its head here: its end had been cut off",
    _mark(HEAD_LOST): "the head was lost before this: lines cut off here cannot be noticed",
}


@dataclass(frozen=True)
class Finding:
    """Something about one line (counted from 1; 0 for the file as a whole)."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


@dataclass
class Verdict:
    """What a verification found: problems mean tampering or loss, notes are harmless."""

    records: int = 0
    files: list[str] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every record is there, in order, as it was written."""
        return not self.problems


def verify(folder: str) -> Verdict:
    """Checks every line of every file, and the head; changes nothing.

    Raises InsecurePermissions if others could have written to the log.
    """
    with snapshot(folder) as log:
        walk = _Walk(log)
        for sequence, path in log.files:
            walk.file(sequence, path)
        walk.finish()
    return walk.verdict


@dataclass(frozen=True)
class _Piece:
    """A record, and the bytes before it that are none; `link` is None for such bytes at a file's end."""

    line: int
    end: int
    fragment: bytes
    link: Link | None

    @property
    def fragment_line(self) -> int:
        """The line where the fragment begins."""
        breaks = self.fragment.removesuffix(b"\n").count(b"\n")
        return self.line - breaks - (self.link is not None)


def _pieces(lines: Iterable[bytes], *, unfinished_from: float) -> Iterator[_Piece]:
    """From that offset on, a record may lack its line feed: its writer was stopped just before."""
    fragment: list[bytes] = []
    number = end = 0
    for number, line in enumerate(lines, 1):
        finished = line if line.endswith(b"\n") or end < unfinished_from else line + b"\n"
        end += len(line)
        link = link_of(finished)
        if link is None:
            fragment.append(line)
            continue
        yield _Piece(number, end, b"".join(fragment), link)
        fragment.clear()
    if fragment:
        yield _Piece(number, end, b"".join(fragment), None)


class _Walk:
    """Goes through the files in order and keeps where the chain stands; a problem does not stop it."""

    def __init__(self, log: Snapshot) -> None:
        self.verdict = Verdict()
        self._log = log
        self._at = first_head()
        self._path = ""
        self._head_fits = False

    def file(self, sequence: int, path: str) -> None:
        """Checks one file, which must begin where the one before ended."""
        self._path = path
        self._move(self._at.digest, self._at.number, size=0, sequence=sequence)
        head = self._log.head
        ours = head is not None and head.sequence == sequence
        pieces = _pieces(self._log.lines(path), unfinished_from=head.size if head and ours else float("inf"))
        for piece in pieces:
            self._piece(piece)
        if self._at.size:
            self.verdict.files.append(path)

    def finish(self) -> None:
        """Compares what was found with the head."""
        head = self._log.head
        if head is None:
            self._without_head()
            return
        surplus = self._at.number - head.number
        if not self._head_fits:
            lost = f"the last {-surplus} records are not here"
            self._about_head(lost if surplus < 0 else "it does not fit the log")
        elif surplus > 0:
            self._note(0, f"{surplus} records are newer than the head: a writer was stopped")
        if self._log.sequence != max(self._log.archives, default=0) + 1:
            self._about_head(f"it counts {self._log.sequence} files, which are not those in the folder")

    def _without_head(self) -> None:
        if self._log.archives or self._log.size or self._log.head_is_there:
            self._about_head("it is missing or unreadable, so lines cut off at the end could not be noticed")

    def _piece(self, piece: _Piece) -> None:
        if piece.fragment:
            self._fragment(piece)
        if piece.link:
            self._record(piece, piece.link)
            self._move(piece.link.digest, piece.link.number, size=piece.end)
        else:
            self._move(self._at.digest, self._at.number, size=piece.end)

    def _fragment(self, piece: _Piece) -> None:
        length = len(piece.fragment)
        if looks_torn(piece.fragment) and self._accounted_for(piece):
            self._note(piece.fragment_line, f"{length} bytes of a record whose writer was stopped")
        else:
            self._problem(piece.fragment_line, f"{length} bytes that are no record")

    def _accounted_for(self, piece: _Piece) -> bool:
        """Whether the record behind the fragment vouches for it, or none can have followed yet."""
        if piece.link is not None:
            return piece.link.follows(self._at) and piece.link.intact(piece.fragment)
        head = self._log.head
        return head is not None and head.sequence == self._at.sequence and self._at.size >= head.size

    def _record(self, piece: _Piece, link: Link) -> None:
        self.verdict.records += 1
        if not (link.intact(piece.fragment) or link.intact()):
            self._problem(piece.line, "was edited: its hash does not fit its text")
        elif not link.follows(self._at):
            self._problem(piece.line, _displacement(link, self._at))
        elif loss := _loss(link.body):
            self._problem(piece.line, loss)

    def _move(self, digest: str, number: int, *, size: int, sequence: int | None = None) -> None:
        self._at = Head(digest=digest, number=number, size=size, sequence=sequence or self._at.sequence)
        self._head_fits = self._head_fits or self._at.same_as(self._log.head)

    def _about_head(self, what: str) -> None:
        self.verdict.problems.append(Finding(os.path.join(self._log.folder, HEAD_NAME), 0, what))

    def _problem(self, line: int, what: str) -> None:
        self.verdict.problems.append(Finding(self._path, line, what))

    def _note(self, line: int, what: str) -> None:
        self.verdict.notes.append(Finding(self._path, line, what))


def _loss(body: bytes) -> str:
    """What a recovery's record says was lost, "" for every other record."""
    return next((what for mark, what in _LOSSES.items() if mark in body), "")


def _displacement(link: Link, at: Head) -> str:
    if link.number > at.number + 1:
        return f"records {at.number + 1} to {link.number - 1} are not here"
    if link.number <= at.number:
        return f"record {link.number} stands behind record {at.number}"
    return f"does not go on from record {at.number}: that one or the head was edited"
