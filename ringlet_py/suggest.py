"""The nearest name to one that was mistyped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """The known name that was probably meant, or "" if none is near."""
    import difflib

    folded = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.75)
    return folded[close[0]] if close else ""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A sentence that offers the nearest name, or lists the names there are."""
    known = sorted(names)
    near = nearest(name, known)
    if near:
        return f"did you mean {near!r}?"
    return f"there are: {', '.join(known)}" if known else "there are none yet"
