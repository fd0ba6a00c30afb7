"""Notes that two machines on one ledger change at once: a lock of either is none of the other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.daemon.keypooler_notes import TIER, Notes
from tests.daemon.keypooler_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "pro"


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Notes]:
    world = World(tmp_path)
    yield Notes(world.app)
    world.close()


def note(notes: Notes, description: str | None, *numbers: str) -> None:
    with notes.making(TIER, NAME, {"description": description, "numbers": [*numbers]}):
        pass


def test_what_another_machine_noted_meanwhile_does_not_go_back_with_ours(notes: Notes) -> None:
    note(notes, "first")

    def in_vain() -> None:
        with notes.making(TIER, NAME, {"description": "ours"}):
            note(notes, "theirs")
            raise ValueError("ours cannot be made")

    with pytest.raises(ValueError, match="ours"):
        in_vain()

    assert notes.all(TIER) == {NAME: {"description": "theirs", "numbers": []}}


def test_what_is_not_said_is_as_another_machine_left_it(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    note(notes, "first")
    documents = notes._documents.documents

    def meanwhile(kind: str) -> object:
        found = documents(kind)
        monkeypatch.undo()
        note(notes, "theirs")
        return found

    monkeypatch.setattr(notes._documents, "documents", meanwhile)
    note(notes, None, "image")

    assert notes.all(TIER) == {NAME: {"description": "theirs", "numbers": ["image"]}}


def test_a_note_that_says_nothing_is_none(notes: Notes) -> None:
    with notes.making(TIER, NAME, {"description": None, "numbers": []}) as made:
        assert made == {}
    assert notes.all(TIER) == {}

    note(notes, "first")
    notes.forget(TIER, NAME)
    assert notes.all(TIER) == {}
