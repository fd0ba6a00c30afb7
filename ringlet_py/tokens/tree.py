"""Which tokens were made under which."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.ledger.tokens import Token


def beneath(top: str, tokens: Iterable[Token]) -> list[Token]:
    """Those made under the token of that id, under these, and so on, in their order."""
    known = list(tokens)
    parents = {one.id: one.parent for one in known}
    return [one for one in known if top in _line(one.parent, parents)]


def above(token: Token, tokens: Iterable[Token]) -> list[Token]:
    """The one that it was made under, and those above that."""
    known = {one.id: one for one in tokens}
    line = _line(token.parent, {each: one.parent for each, one in known.items()})
    return [known[each] for each in line if each in known]


def _line(start: str, parents: dict[str, str]) -> list[str]:
    """The ids from this one upward; a circle, which nobody can make, ends it too."""
    line: list[str] = []
    while start and start not in line:
        line.append(start)
        start = parents.get(start, "")
    return line
