"""A value that refuses to be printed, formatted, pickled or copied into JSON."""

from __future__ import annotations

from ringlet_py import errors

REDACTED = "***"
LONG = 20  # characters; of so many, four tell nothing that helps to guess the rest
_FORBIDDEN = {" ": "a blank", '"': "a quote", "'": "a quote", "`": "a quote", "\\": "a backslash"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ringlet_py.needles import Needle


class Secret:
    """One secret; `reveal()` is the only way to its value, and few modules may call it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def from_input(cls, raw: bytes) -> Secret:
        """The secret that a person, a pipe or a store gave, without its one trailing line end.

        Raises InvalidSecret for everything that cannot be a key, and never repeats it.  Newlines are
        refused because one of them makes a password-less GNOME keyring unreadable at its next start,
        and every other secret in it is lost.
        """
        return cls(_checked(_without_line_end(raw)))

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def matches(self, pattern: str) -> bool:
        """Whether the whole value matches the regular expression."""
        import re

        return re.fullmatch(pattern, self._value) is not None

    def starts_with(self, prefix: str) -> bool:
        """Whether the value starts with the prefix."""
        return self._value.startswith(prefix)

    @property
    def length(self) -> int:
        """How many characters the value has."""
        return len(self._value)

    def same_as(self, other: Secret) -> bool:
        """Whether both hold the same value, in a time that does not depend on where they differ."""
        from _operator import _compare_digest  # what hmac.compare_digest is, without hmac's slow imports

        return _compare_digest(self._value.encode(), other._value.encode())

    def fingerprint(self, key: Secret) -> str:
        """The first 128 bits of the value's HMAC-SHA-256 under that key, in hex: equal for equal values."""
        import hmac

        return hmac.digest(key._value.encode(), self._value.encode(), "sha256")[:16].hex()

    def needles(self) -> tuple[Needle, ...]:
        """The forms in which a search looks for the value."""
        from ringlet_py.needles import needles_of

        return needles_of(self._value)

    def tail(self) -> str:
        """What people may see to tell keys apart: the last four characters of a long value, nothing of a short one."""
        return f"…{self._value[-4:]}" if len(self._value) >= LONG else REDACTED

    def redact(self, text: str) -> str:
        """The text with every plain occurrence of the value replaced."""
        return text.replace(self._value, REDACTED) if self._value else text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are compared with same_as()")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")

    def __iter__(self) -> NoReturn:
        raise TypeError("a secret is not iterated")


def _without_line_end(raw: bytes) -> bytes:
    if raw.endswith(b"\r\n"):
        return raw[:-2]
    return raw[:-1] if raw.endswith(b"\n") else raw


def _checked(raw: bytes) -> str:
    if not raw:
        raise errors.InvalidSecret("the value is empty", hint="paste the key at the prompt, or pipe it in")
    if raw[:7].lower() == b"bearer ":
        raise errors.InvalidSecret(
            "the value starts with 'Bearer '", why="that is a header, not a key", hint="leave 'Bearer ' out"
        )
    for byte in raw:
        problem = _problem(byte)
        if problem:
            raise errors.InvalidSecret(
                f"the value holds {problem}",
                why="keys are printable ASCII without blanks, quotes and backslashes",
            )
    return raw.decode("ascii")


def _problem(byte: int) -> str:
    if byte in (10, 13):
        return "a line break"
    if byte < 32 or byte == 127:
        return "a control character"
    if byte > 127:
        return "a character outside ASCII"
    return _FORBIDDEN.get(chr(byte), "")
