"""Many records for the price of one: kept until the block ends, then written and counted in the head at one go."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TYPE_CHECKING

from ringlet_py.audit.chain import as_json, linked, members
from ringlet_py.audit.log import fields_of, fields_of_process, redacted, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.audit.chain import Fields
    from ringlet_py.audit.locked import LockedLog
    from ringlet_py.audit.log import Process, Said
    from ringlet_py.secret import Secret

    Record = tuple[Said, str, tuple[Secret, ...]]  # with the key's address between


_REMEMBERED = 256  # kinds of records that are kept written out


class Batches:
    """The records that each thread keeps back for now."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def begin(self) -> None:
        """From now on this thread's records are kept back."""
        self._of_thread.kept = []

    def keep(self, record: Record) -> bool:
        """Whether the record is kept back."""
        kept: list[Record] | None = getattr(self._of_thread, "kept", None)
        if kept is None:
            return False
        kept.append(record)
        return True

    def end(self) -> list[Record]:
        """What this thread kept back, and keeps no more."""
        kept: list[Record] = self._of_thread.kept
        self._of_thread.kept = None
        return kept


class Forms:
    """Records of one process written out; what many of them say is written out once."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._who = fields_of_process(process)
        self._known: dict[Said, tuple[str, str, str]] = {}

    def fields(self, record: Record, at: str) -> Fields:
        """Its fields at that moment, redacted."""
        said, address, secrets = record
        return redacted(fields_of(said, address) | self._who, secrets) | {"at": at}

    def members(self, record: Record, at: str) -> str:
        """The same as `chain.members` has them."""
        said, address, secrets = record
        before, after, texts = self._known.get(said) or self._new(said)
        texts = f"{address}\n{texts}"
        for secret in secrets:
            if secret.redact(texts) != texts:
                return members(self.fields(record, at))
        return f'"at":"{at}{before}{as_json(address)}{after}'

    def _new(self, said: Said) -> tuple[str, str, str]:
        """What stands between moment and address, and after that, and all texts in which a secret could be."""
        fields = fields_of(said, "") | self._who
        # quotes within a text are escaped, so that this is the field itself
        before, name, after = members(fields).partition('"address":')
        form = before.removeprefix('"at":"') + name, after.removeprefix('""'), texts_of(fields)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[said] = form
        return form


def put_all(log: LockedLog, records: Sequence[Record], forms: Forms, *, at: str, max_size: int) -> None:
    """Writes the records of a log in order as one, and moves the head once; a file that would grow too long before."""
    lines: list[bytes] = []
    head = log.head
    digest = head.digest
    for number, record in enumerate(records, head.number + 1):
        line, digest = linked(forms.members(record, at), number, digest, digest_of=_digest_of)
        lines.append(line)
    written = b"".join(lines)
    if max_size and head.size + len(written) > max_size:
        for record in records:  # each where it belongs; seldom enough to be slow
            log.put(forms.fields(record, at), max_size=max_size)
    elif lines:
        log.write(written)
        log.move_head(head.after(digest, len(written), len(lines)))


def _digest_of(body: bytes) -> str:
    """As `files.digest`, by OpenSSL, which takes long to load and a third of the time for each."""
    return sha256(body).hexdigest()
