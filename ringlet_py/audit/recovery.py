"""Putting the log in order again under the lock: what a killed writer or a person left is kept and marked."""

from __future__ import annotations

import os

from ringlet_py.audit.chain import HEAD_LOST, MISSING, RECOVER, TORN, Head, archive_name, first_head, sequence_of
from ringlet_py.audit.link import Link, link_of
from ringlet_py.files.private import read_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.audit.chain import Fields
    from ringlet_py.audit.locked import LockedLog

_TEXTS = ("address", "backend", "profile", "agent", "purpose")


def recover(log: LockedLog, fields: Fields) -> None:
    """Leaves the log in order; nothing in it is removed, and what is wrong with it is recorded.

    `fields` are those of the record to come, for who found it and when.
    """
    if log.head_is_lost:
        _without_head(log, fields)
        return
    if os.path.lexists(os.path.join(log.folder, archive_name(log.head.sequence))):
        # a rotation was stopped between the renaming and the head
        log.move_head(log.head.in_next_file())
    if log.size() < log.head.size:
        _go_on_after_gap(log, fields)
    elif log.size() > log.head.size:
        _take_over(log, fields)


def follow(head: Head, data: bytes) -> tuple[Head, bytes]:
    """The head after the whole records in the data that chain on to it, and the bytes that are left."""
    *lines, rest = data.split(b"\n")
    fragment: list[bytes] = []
    for line in (line + b"\n" for line in lines):
        link = link_of(line)
        fragment.append(line)
        if link is not None and link.follows(head) and link.intact(b"".join(fragment[:-1])):
            head = head.after(link.digest, sum(map(len, fragment)))
            fragment.clear()
    return head, b"".join([*fragment, rest])


def _take_over(log: LockedLog, fields: Fields) -> None:
    _end_line(log)
    head, fragment = follow(log.head, log.read_from(log.head.size))
    log.move_head(head)
    if fragment:
        log.put(_recover_fields(fields, TORN), fragment=fragment)


def _go_on_after_gap(log: LockedLog, fields: Fields) -> None:
    _end_line(log)
    # the hash of the record that is gone is kept, so that the chain shows the gap for ever
    log.move_head(_at_end(log, log.head))
    log.put(_recover_fields(fields, MISSING))


def _without_head(log: LockedLog, fields: Fields) -> None:
    archives = sorted(filter(None, map(sequence_of, os.listdir(log.folder))))
    if not archives and not log.size():
        # written before the first record, so that a log beside an empty head always means a lost head
        log.move_head(first_head())
    else:
        _end_line(log)
        log.head = _at_end(log, _guessed_head(log, archives))  # on disk only with the record that says so
        log.put(_recover_fields(fields, HEAD_LOST))
    log.trim_head()


def _guessed_head(log: LockedLog, archives: list[int]) -> Head:
    link = _last_link(log.read_from(0))
    if link is None and archives:
        link = _last_link(read_private(os.path.join(log.folder, archive_name(archives[-1]))))
    last = first_head() if link is None else link
    return Head(digest=last.digest, number=last.number, size=0, sequence=archives[-1] + 1 if archives else 1)


def _last_link(data: bytes) -> Link | None:
    links = (link_of(line + b"\n") for line in reversed(data.split(b"\n")))
    return next((link for link in links if link is not None), None)


def _at_end(log: LockedLog, head: Head) -> Head:
    return Head(digest=head.digest, number=head.number, size=log.size(), sequence=head.sequence)


def _end_line(log: LockedLog) -> None:
    size = log.size()
    if size and log.read_from(size - 1) != b"\n":
        log.write(b"\n")


def _recover_fields(fields: Fields, outcome: str) -> Fields:
    kept = {name: value for name, value in fields.items() if name not in ("caller", "feature", "pool")}
    return kept | dict.fromkeys(_TEXTS, "") | {"action": RECOVER, "outcome": outcome}
