"""How ringlet talks on standard error: less with --quiet, in colour where that helps, with the characters there are."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringlet_py.cli.session import Session

# what --quiet leaves: warnings, and what could not be done
_GRAVE = ("warning:", "ringlet:", "not ")
_LABEL = re.compile(r"(?:ringlet: )?(error|warning|hint):")
_COLOURS = {"error": "1;31", "warning": "1;33", "hint": "36"}  # of ECMA-48: bold red, bold yellow, cyan
_IN_ASCII = {"⚠": "warning:", "…": "..."}


class Talk:
    """Standard error for one command line; whatever is not told of here it does as the stream itself."""

    def __init__(self, stream: TextIO, session: Session) -> None:
        self._stream = stream
        self._session = session
        self._held: list[str] = []  # by --quiet, until a question shows that it is about that

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def shows_bars(self) -> bool:
        """Whether a progress bar is wanted here, and can be drawn."""
        return not self._session.quiet and self._session.environ.get("TERM") != "dumb" and self._stream.isatty()

    def say(self, text: str) -> None:
        """One message; with --quiet it waits for a question, which would not be understood without it."""
        if self._session.quiet and not text.startswith(_GRAVE):
            self._held.append(text)
        else:
            self.tell(text)

    def tell(self, text: str) -> None:
        """One message, whatever was said of being quiet; one that cannot be shown changes nothing."""
        _show_data()
        try:
            self._stream.write(self._encodable(self._painted(text)) + "\n")
            self._stream.flush()
        except OSError:
            return

    def write(self, text: str) -> int:
        """As of any stream; text whose line stays open is a question."""
        if self._held and text.strip() and not text.endswith("\n"):
            held, self._held = self._held, []
            for each in held:
                self.tell(each)
        _show_data()
        return self._stream.write(text)

    def _painted(self, text: str) -> str:
        found = _LABEL.match(text)
        if not found or not coloured(self._stream, self._session.environ, never=self._session.no_color):
            return text
        return f"\x1b[{_COLOURS[found[1]]}m{found[0]}\x1b[m{text[found.end() :]}"

    def _encodable(self, text: str) -> str:
        """The text, with signs that the terminal has no character for in words."""
        try:
            text.encode(self._stream.encoding or "utf-8")
        except UnicodeEncodeError:
            for sign, words in _IN_ASCII.items():
                text = text.replace(sign, words)
        return text


def _show_data() -> None:
    """Data that was printed before comes before what is said, where both go into one file.

    Data that cannot be written stays where it is, and is complained about at the end.
    """
    with suppress(OSError, ValueError):
        if sys.stdout is not None:
            sys.stdout.flush()


def coloured(stream: TextIO, environ: Mapping[str, str], *, never: bool) -> bool:
    """Whether colours are wanted on the stream, and understood there.

    By https://no-color.org, https://force-color.org and https://bixense.com/clicolors.
    """
    if never or environ.get("NO_COLOR"):
        return False
    if {environ.get("FORCE_COLOR", "0"), environ.get("CLICOLOR_FORCE", "0")} - {"", "0"}:
        return True
    if environ.get("CLICOLOR") == "0" or environ.get("TERM", "") == "dumb":
        return False
    # an old Windows console shows the codes themselves; the newer one says that it is there
    return stream.isatty() and (os.name != "nt" or bool(environ.get("WT_SESSION")))
