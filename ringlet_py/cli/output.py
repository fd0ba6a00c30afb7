"""What people and programs see: data on standard output, talk on standard error, never a value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ringlet_py.app import say_on_stderr
from ringlet_py.cli.talk import Talk
from ringlet_py.errors import RingletError
from ringlet_py.secret import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA_VERSION = 1
_PATHS = ("/", "~", ".", "http://", "https://")
_KEY_LIKE = 20  # shorter words on a command line are names and options, not keys
_LEASE = "[0-9a-f]{24}"  # the id of a lease, which hints repeat


def line(text: str) -> None:
    """One line of data."""
    print(_encodable(text))


def lines(texts: Iterable[str]) -> None:
    """Lines of data; nothing for none."""
    for text in texts:
        line(text)


def document(**fields: Any) -> None:
    """One JSON object with its schema version."""
    import json  # most commands show none

    print(json.dumps({"schema_version": SCHEMA_VERSION, **fields}, indent=2))


def say(text: str) -> None:
    """A message for the person, who can do without it: --quiet leaves it out, unless a question follows."""
    (sys.stderr.say if isinstance(sys.stderr, Talk) else say_on_stderr)(text)


def tell(text: str) -> None:
    """A message that --quiet shows too."""
    (sys.stderr.tell if isinstance(sys.stderr, Talk) else say_on_stderr)(text)


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Aligned columns; the header goes to standard error, so that the data can be piped."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    if rows:
        say(_row(header, widths))
    lines(_row(row, widths) for row in rows)


def error(problem: RingletError, *, argv: tuple[str, ...], as_json: bool) -> None:
    """What went wrong, why, and the next command; words of the command line that could be keys are redacted."""
    parts = {"error": problem.what, "why": problem.why, "hint": problem.hint}
    shown = {name: _without_keys(printable(text), argv) for name, text in parts.items() if text}
    if as_json:
        import json

        body = {"schema_version": SCHEMA_VERSION, "code": problem.code, **shown}
        tell(json.dumps(body))
        return
    for name, text in shown.items():
        tell(f"ringlet: {name}: {text}")


def of_ours(problem: RingletError | OSError) -> RingletError:
    """The error itself, or what the operating system said as one of ours."""
    if isinstance(problem, RingletError):
        return problem
    what = f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem.strerror or problem)
    return RingletError(what, hint="see that the file or folder can be used, and that the disk is not full")


def printable(text: str) -> str:
    """The text without control characters, which could rewrite what stands on the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _encodable(text: str) -> str:
    """The text, with what the terminal's encoding (Latin-1, say) has no character for written in ASCII."""
    encoding, errors = sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict"
    try:
        text.encode(encoding, errors)
    except UnicodeEncodeError:
        return text.replace("…", "...").encode(encoding, "backslashreplace").decode(encoding)
    return text


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _without_keys(text: str, argv: tuple[str, ...]) -> str:
    """Somebody who pastes a key on the command line shall not see it again in the error (and its log)."""
    import re

    for word in argv:
        pieces = () if word.startswith(_PATHS) else re.split(r"[\s/=:,]+", word)
        for part in (word, *word.split("=", 1)[1:], *pieces):
            if _could_be_a_key(part):
                text = text.replace(part, REDACTED)
    return text


def _could_be_a_key(word: str) -> bool:
    """Addresses, paths, URLs and leases stay readable; keys in base64 have slashes too, and long pieces between."""
    import re

    if len(word) < _KEY_LIKE or word.endswith(".toml") or not {" ", "{"}.isdisjoint(word) or re.fullmatch(_LEASE, word):
        return False
    if "/" not in word:
        return True
    return not word.startswith(_PATHS) and any(
        len(piece) >= _KEY_LIKE and not piece.isalpha() for piece in word.split("/")
    )
