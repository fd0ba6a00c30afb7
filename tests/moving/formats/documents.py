"""Documents as parsers give them, and the values in them by their paths."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ringlet_py.moving.formats import Spot

OTHER = "other0"


def strings_of(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of the strings, in the order of the document."""
    if isinstance(document, str):
        return [path]
    items = dict(enumerate(document)) if isinstance(document, list) else document
    inner = items.items() if isinstance(items, dict) else ()
    return [found for name, value in inner for found in strings_of(value, (*path, name))]


def value_at(document: Any, path: tuple[Any, ...]) -> Any:
    """The value there."""
    for name in path:
        document = document[name]
    return document


def less(document: Any, paths: Iterable[tuple[Any, ...]]) -> Any:
    """The document without these values."""
    left = deepcopy(document)
    for path in paths:
        del value_at(left, path[:-1])[path[-1]]
    return left


def path_of(spot: Spot, text: str, parsed: Callable[[str], Any]) -> tuple[Any, ...]:
    """The path of the one value that the parser finds changed, if another stands in the spot's place."""
    before, after = parsed(text), parsed(f"{text[: spot.start]}{OTHER}{text[spot.end :]}")
    (path,) = [path for path in strings_of(after) if value_at(after, path) == OTHER]
    assert less(after, [path]) == less(before, [path])
    assert str(value_at(before, path)) == spot.value.reveal() or not isinstance(value_at(before, path), str)
    return path
