"""Which tokens were made under which, and what those beneath another are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.ledger.tokens import Token


BELOW = "/"  # in no name that anybody gives: so nobody else's token has a name below one's own


def name_below(top: str, name: str) -> str:
    """What a token is called that the holder of `top` calls so."""
    return f"{top}{BELOW}{name}" if top else name


def above_of(name: str) -> str:
    """How the names of those below the one above that token begin, "" for one that is under none."""
    top, below, _ = name.rpartition(BELOW)
    return f"{top}{below}"


def name_from(top: str, name: str) -> str:
    """What the holder of `top` calls that token: what is above it is not its business."""
    return name.removeprefix(f"{top}{BELOW}") if top else name


def nearest_of(name: str, tokens: Iterable[Token], top: str) -> str:
    """Which of the tokens was probably meant, as the holder of `top` calls them."""
    names = [name_from(top, one.name) for one in tokens]
    below = [one for one in names if one.endswith(f"{BELOW}{name}")]
    return f"did you mean {below[0]!r}?" if len(below) == 1 else did_you_mean(name, names)


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
