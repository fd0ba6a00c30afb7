"""fish's own file of universal variables (`set -U`): read, and left, as running shells write it over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringlet_py.moving.formats.places import Alone, Places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.moving.formats import Edit, Spot

# a value is written with escapes (`\x2d` is a hyphen), and stays so here
_VARIABLE = re.compile(r"^SETUVAR (?:--\w+ )*([A-Za-z0-9_]+):([^\r\n]*)", re.MULTILINE)


class FishVariables(Alone):
    """`fish_variables`."""

    def spots(self, text: str) -> list[Spot]:
        places = Places(text)
        return [
            spot
            for found in _VARIABLE.finditer(text)
            for spot in places.spots(found[1], *found.span(2), why_not=f"fish removes it: set --erase -U {found[1]}")
        ]

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:  # noqa: ARG002 - nothing is certain
        return []
