"""Many records for the price of one: kept until the block ends, then written and counted in the head at one go."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TYPE_CHECKING

from ringlet_py.audit.chain import encode

if TYPE_CHECKING:
    from ringlet_py.audit.chain import Fields
    from ringlet_py.audit.locked import LockedLog


class Batches:
    """The records that each thread keeps back for now."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def begin(self) -> None:
        """From now on this thread's records are kept back."""
        self._of_thread.kept = []

    def keep(self, fields: Fields) -> bool:
        """Whether the record is kept back."""
        kept: list[Fields] | None = getattr(self._of_thread, "kept", None)
        if kept is None:
            return False
        kept.append(fields)
        return True

    def end(self) -> list[Fields]:
        """What this thread kept back, and keeps no more."""
        kept: list[Fields] = self._of_thread.kept
        self._of_thread.kept = None
        return kept


def put_all(log: LockedLog, records: list[Fields], *, max_size: int) -> None:
    """Writes the records of a log in order as one, and moves the head once; a file that would grow too long before."""
    lines: list[bytes] = []
    head = log.head
    for fields in records:
        line, digest = encode(fields, head, digest_of=_digest_of)
        head = head.after(digest, len(line))
        lines.append(line)
    if max_size and head.size > max_size:
        for fields in records:  # each where it belongs; seldom enough to be slow
            log.put(fields, max_size=max_size)
    elif lines:
        log.write(b"".join(lines))
        log.move_head(head)


def _digest_of(body: bytes) -> str:
    """As `files.digest`, by OpenSSL, which takes long to load and a third of the time for each."""
    return sha256(body).hexdigest()
