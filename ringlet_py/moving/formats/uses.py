"""Where a shell's text uses the value of a name, so that others would change if the name were given none."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USE = re.compile(
    r"\$\{([^}\n]*)"  # every name within ${…}
    r"|\$[#+=~^$]*([A-Za-z_][A-Za-z0-9_]*)"
    r"|\(\(([^)\n]*)"  # arithmetic
    r"|(?:\bprintenv|[ \t]-[vp]|\bset -q)[ \t]+([A-Za-z_][A-Za-z0-9_]*)"
    r"|\b([A-Za-z_][A-Za-z0-9_]*)\+="
    # programs that take over what they are told by name
    r"|\b(?:import|activation)-environment[ \t]+([^\n;&|]*)|--preserve-env=([\w,]+)"
    r"|[ \t](?:-e[ \t]+|--env[ \t=]+)([A-Za-z_]\w*)(?![\w=])"
)
# the value of the variable whose name is another one's value: of bash, of zsh, of bash again, of fish
_INDIRECT = re.compile(r"\$\{!\w|\$\{\([^)\s]*P|\b(?:declare|typeset|local)[ \t]+-n[ \t]|\$\$[A-Za-z_]")
_NAMED = re.compile(r"=[\"']?([A-Za-z_]\w*)[\"']?(?![^\s;&|)])|\bin[ \t]+([^\n;]*)")


@dataclass(frozen=True)
class Uses:
    """The places at which each name is used, in order, and the first of those that may run again later."""

    places: dict[str, list[int]]
    again: dict[str, int]

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
        for name, those in _indirect(text).items():
            places[name] = sorted([*places.get(name, []), *those])
        return cls(places, _first_within(places, again))

    def after(self, name: str, start: int, end: int) -> int:
        """Where the name is used once the value that stands from start to end has been given; -1 for nowhere."""
        first = self.again.get(name, -1)
        if 0 <= first < start:
            return first
        places = self.places.get(name, [])
        later = bisect_left(places, end)
        return places[later] if later < len(places) else -1


def _indirect(text: str) -> dict[str, list[int]]:
    """Where names stand as values if the text asks for the value of such a name, and where it does so last."""
    last = max((found.start() for found in _INDIRECT.finditer(text)), default=-1)
    found: dict[str, list[int]] = {}
    for use in _NAMED.finditer(text) if last >= 0 else ():
        for name in _NAME.findall(use[use.lastindex or 0]):
            found.setdefault(name, [last]).append(use.start())
    return found


def _first_within(places: dict[str, list[int]], spans: list[tuple[int, int]]) -> dict[str, int]:
    """The first place of each name that is within a span, if one is; spans may stand within each other."""
    starts, reaches, reach = [], [], 0
    for start, end in sorted(spans):
        reach = max(reach, end)
        starts.append(start)
        reaches.append(reach)
    found: dict[str, int] = {}
    for name, every in places.items():
        for place in every:
            before = bisect_right(starts, place) - 1
            if before >= 0 and place < reaches[before]:
                found.setdefault(name, place)
    return found
