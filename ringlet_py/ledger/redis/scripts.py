"""The Lua beside this file, put together and named by its hash as Redis does it."""

from __future__ import annotations

import hashlib
from importlib import resources

# what a script begins with, besides the common words
_PARTS = {
    "claim": ("turn", "policies"),
    "enlist": ("turn",),
    "give_back": ("turn",),
    "renamed": ("turn",),
    "renewed": ("turn",),
    "standings": ("turn",),
    "wake": ("turn",),
}


class Script:
    """A script of that name: its text, and the hash under which a server that knows it runs it."""

    __slots__ = ("digest", "text")

    def __init__(self, name: str) -> None:
        folder = resources.files(__package__) / "lua"
        names = ("common", *_PARTS.get(name, ()), name)
        self.text = "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in names)
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
