"""A property computed on first use and kept: what `functools.cached_property` does, whose import is slow."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class once:  # noqa: N801 - used as `property` is
    """A property computed on first use and kept."""

    def __init__(self, make: Callable[[Any], object]) -> None:
        self.make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> object:
        value = instance.__dict__[self.name] = self.make(instance)
        return value
