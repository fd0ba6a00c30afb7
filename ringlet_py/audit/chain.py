"""The audit's format: JSON lines, each with the hash of the one before it, and a head with the last hash.

A record's hash is the SHA-256 of all bytes from the end of the record before it up to its own `,"hash":"`:
the bytes as they were written, so that nobody has to agree on how JSON is serialised.
"""

from __future__ import annotations

from ringlet_py.files.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Fields = dict[str, str | int | None]

LOG_NAME = "audit.jsonl"
HEAD_NAME = "audit.head"
NO_HASH = "0" * 64
NUMBER_DIGITS = 20
HEAD_LENGTH = len(NO_HASH) + 1 + NUMBER_DIGITS + 1 + NUMBER_DIGITS + 1 + 10 + 1
RECOVER = "recover"  # the action of a record that ringlet adds where it found the log not as it left it
TORN = "torn"  # its outcome where a writer was stopped in the middle of a line
MISSING = "missing"  # where the log is shorter than the head says
HEAD_LOST = "head-lost"  # where there are records but no readable head


class Head:
    """Where the chain stands: the last record's hash and number, the current file's size and sequence."""

    __slots__ = ("digest", "number", "sequence", "size")

    def __init__(self, *, digest: str, size: int, number: int, sequence: int) -> None:
        self.digest = digest
        self.size = size
        self.number = number
        self.sequence = sequence

    def encode(self) -> bytes:
        """The head file's whole content; always HEAD_LENGTH bytes, so that one write replaces it."""
        return f"{self.digest:>64} {self.size:020d} {self.number:020d} {self.sequence:010d}\n".encode("ascii")

    @classmethod
    def decode(cls, raw: bytes) -> Head | None:
        """The head in the file's content, None if it is anything else."""
        try:
            digest, size, number, sequence = raw.decode("ascii").split()
            head = cls(digest=digest, size=int(size), number=int(number), sequence=int(sequence))
        except ValueError:
            return None
        return head if head.encode() == raw else None

    def same_as(self, other: Head | None) -> bool:
        """Whether both stand at the same place of the same chain."""
        return other is not None and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def after(self, digest: str, length: int, records: int = 1) -> Head:
        """The head once records, the last of that hash, have made the file longer by `length` bytes."""
        return Head(digest=digest, size=self.size + length, number=self.number + records, sequence=self.sequence)

    def in_next_file(self) -> Head:
        """The head after a rotation: same chain, an empty file."""
        return Head(digest=self.digest, size=0, number=self.number, sequence=self.sequence + 1)


def first_head() -> Head:
    """The head before the first record."""
    return Head(digest=NO_HASH, size=0, number=0, sequence=1)


def archive_name(sequence: int) -> str:
    """The name of a file that rotation has put aside."""
    return f"audit.{sequence:010d}.jsonl"


def sequence_of(name: str) -> int:
    """The sequence in an archive's name, 0 if the name is no archive's."""
    digits = name[6:16]
    return int(digits) if digits.isdecimal() and digits.isascii() and name == archive_name(int(digits)) else 0


def encode(
    fields: Fields, head: Head, fragment: bytes = b"", digest_of: Callable[[bytes], str] = digest_of
) -> tuple[bytes, str]:
    """The line for the record that follows the head, and its hash; any text stays on one ASCII line."""
    return linked(members(fields), head.number + 1, head.digest, fragment, digest_of)


def linked(
    text: str, number: int, prev: str, fragment: bytes = b"", digest_of: Callable[[bytes], str] = digest_of
) -> tuple[bytes, str]:
    """The line, and its hash, for the record of these members, with its place in the chain."""
    body = f'{{{text},"number":{number},"prev":"{prev}"'.encode("ascii")
    digest = digest_of(fragment + body)
    return body + f',"hash":"{digest}"}}\n'.encode("ascii"), digest


def members(fields: Fields) -> str:
    """The fields as JSON has them, without the braces."""
    # hardly any record needs escaping, so all its texts are looked at as one first
    plain = _is_plain("".join([value for value in fields.values() if isinstance(value, str)]))
    parts = [
        f'"{name}":"{value}"' if plain and isinstance(value, str) else f'"{name}":{as_json(value)}'
        for name, value in fields.items()
    ]
    return ",".join(parts)


def as_json(value: str | int | None) -> str:
    """The value of a field."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(value)
    return f'"{value}"' if _is_plain(value) else _json_string(value)


def _is_plain(value: str) -> bool:
    """Whether JSON has it as it is."""
    return value.isascii() and value.isprintable() and '"' not in value and "\\" not in value


def _json_string(value: str) -> str:
    """The string escaped; rarely needed, so that most launches do without the import."""
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        from json.encoder import encode_basestring_ascii

    return encode_basestring_ascii(value)
