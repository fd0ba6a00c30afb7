"""What the tests of the stores share: the catalog's providers, keys that are none, and a look at what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.catalog import Catalog
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringlet_py.moving.stores import Candidate, Store

PROVIDERS = Catalog("/nowhere").providers
OPENAI = "sk-proj-" + "o1" * 20
ANTHROPIC = "sk-ant-api03-" + "a2" * 20
MISTRAL = "M3" * 16
NOW = 1_800_000_000.0


def holds(candidate: Candidate, value: str) -> bool:
    return candidate.secret().same_as(Secret(value))


def named(candidates: Iterable[Candidate]) -> list[tuple[str, str, str]]:
    """Name, provider and alias of each."""
    return [(each.name, each.provider, each.alias) for each in candidates]


def found(store: Store, *, notes: int = 0) -> list[Candidate]:
    """What the store offers, none of which shows a value; `notes` is how many it makes."""
    candidates, said = store.finds()
    assert len(said) == notes, said
    assert_nothing_leaks(candidates, said)
    return candidates


def note(store: Store) -> str:
    """The one note of a store that offers nothing."""
    candidates, notes = store.finds()
    assert candidates == []
    assert_nothing_leaks([], notes)
    (said,) = notes
    return said


def assert_nothing_leaks(candidates: Iterable[Candidate], notes: Iterable[str]) -> None:
    text = "\n".join([*map(repr, candidates), *notes])
    assert not any(value in text for value in (OPENAI, ANTHROPIC, MISTRAL)), text
