"""`.env` files, as python-dotenv, node's dotenv, direnv's `dotenv` and `docker --env-file` read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.moving.formats.assignments import Dialect, assignments, edits
from ringlet_py.moving.formats.places import Alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringlet_py.moving.formats import Edit, Spot

_DIALECT = Dialect(comments="#", exports=True, remarks=True, strict=False)


class Dotenv(Alone):
    """`.env`, `.env.local`, `production.env`."""

    def spots(self, text: str) -> list[Spot]:
        return [each.spot for each in assignments(text, _DIALECT)]

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        return edits(text, cut, _DIALECT)
