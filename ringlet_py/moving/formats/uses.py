"""Where a shell's text uses the value of a name, so that others would change if the name were given none."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USE = re.compile(
    r"\$\{([^}\n]*)"  # every name within ${…}
    r"|\$[#+=~^$]*([A-Za-z_][A-Za-z0-9_]*)"
    r"|\(\(([^)\n]*)"  # arithmetic
    r"|(?:\bprintenv|[ \t]-[vp]|\bset -q)[ \t]+([A-Za-z_][A-Za-z0-9_]*)"
    r"|\b([A-Za-z_][A-Za-z0-9_]*)\+="
)


@dataclass(frozen=True)
class Uses:
    """The places at which each name is used, and the parts of the text that may run again later."""

    places: dict[str, list[int]]
    again: list[tuple[int, int]]

    @classmethod
    def of(cls, text: str, comments: list[tuple[int, int]], again: list[tuple[int, int]]) -> Uses:
        """All uses in a text, but those in its comments."""
        places: dict[str, list[int]] = {}
        starts = [start for start, _ in comments]
        for use in _USE.finditer(text):
            before = bisect_right(starts, use.start()) - 1
            if before < 0 or comments[before][1] <= use.start():
                for name in _NAME.findall(use[use.lastindex or 0]):
                    places.setdefault(name, []).append(use.start())
        return cls(places, again)

    def after(self, name: str, start: int, end: int) -> int:
        """Where the name is used once the value that stands from start to end has been given; -1 for nowhere."""
        for place in self.places.get(name, []):
            if place >= end or any(since <= place < until for since, until in self.again if place < start):
                return place
        return -1
