"""Reading the audit's format: which line is a record, and whether it goes on from the one before it."""

from __future__ import annotations

from ringlet_py.audit.chain import NO_HASH, NUMBER_DIGITS
from ringlet_py.files.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.audit.chain import Head

_START = b'{"at":"'
_NUMBER = b',"number":'
_PREV = b',"prev":"'
_HASH = b',"hash":"'


class Link:
    """What ties a line into the chain: its number, the hash before it, its own, and the bytes hashed."""

    __slots__ = ("body", "digest", "number", "prev")

    def __init__(self, *, number: int, prev: str, digest: str, body: bytes) -> None:
        self.number = number
        self.prev = prev
        self.digest = digest
        self.body = body

    def intact(self, fragment: bytes = b"") -> bool:
        """Whether the hash fits the text, with the torn fragment that stands before it."""
        return digest_of(fragment + self.body) == self.digest

    def follows(self, head: Head) -> bool:
        """Whether this is the record after that head."""
        return self.prev == head.digest and self.number == head.number + 1


def link_of(line: bytes) -> Link | None:
    """The link of a whole line (with its line feed), None if the line is no record.

    Needs no JSON parser: inside a JSON string the quotes of these three marks would be escaped.
    """
    body, _, tail = line.rpartition(_HASH)
    front, _, prev = body.rpartition(_PREV)
    start, _, number = front.rpartition(_NUMBER)
    counted = number.isdigit() and len(number) <= NUMBER_DIGITS
    shaped = counted and start.startswith(_START) and prev.endswith(b'"') and tail.endswith(b'"}\n')
    before, own = prev[:-1], tail[:-3]
    if not (shaped and len(before) == len(own) == len(NO_HASH) and (before + own).isascii()):
        return None
    return Link(number=int(number), prev=before.decode(), digest=own.decode(), body=body)


def looks_torn(fragment: bytes) -> bool:
    """Whether each line could be the beginning of a record whose writer was stopped."""
    lines = fragment.removesuffix(b"\n").split(b"\n")
    return all(line.startswith(_START) or (line and _START.startswith(line)) for line in lines)
