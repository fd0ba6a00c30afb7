"""What `ringlet help --all --json` tells programs about the commands."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import typer

from ringlet_py.cli import manifest
from ringlet_py.cli.main import build
from tests.cli.test_json import COMMANDS, prepared, typed

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

TOLD = manifest.manifest(typer.main.get_command(build()))
BY_NAME: dict[str, dict[str, Any]] = {each["command"].removeprefix("ringlet "): each for each in TOLD["commands"]}
LOOKING = {f"{group} {name}".lstrip() for group, names in manifest._LOOKING.items() for name in names}
FURNISHED = (
    "pools create images --provider anthropic",
    "tiers set gold image=5/minute",
    "tokens create new --scope provider=anthropic",
    "leases grant leased",
    "doctor",
    "config unset audit.enabled",
    "pools status",
)
# what commands may leave behind that change nothing: records, locks, and what is only quicker with it
LEFT = (".lock", "-wal", "-shm", ".plan", ".jsonl", "audit.head")


def test_every_status_of_an_error_has_words_and_all_words_are_about_one() -> None:
    statuses = {each["status"]: each["codes"] for each in TOLD["exit_statuses"]}

    assert [status for status, codes in statuses.items() if not codes] == [0, 130, 141]
    assert all(kind.code in statuses[kind.exit_status] for kind in manifest.error_classes())


def test_what_is_said_of_commands_is_about_commands_there_are() -> None:
    assert BY_NAME.keys() >= LOOKING | manifest._ASKING | manifest._RUNNING


@pytest.mark.parametrize(
    ("name", "asks", "changes", "runs"),
    [
        ("keychain set", True, True, False),
        ("keychain list", False, False, False),
        ("profiles delete", True, True, False),
        ("run", False, True, True),
    ],
)
def test_a_command_says_whether_it_asks_changes_or_runs(name: str, asks: object, changes: object, runs: object) -> None:
    told = BY_NAME[name]

    assert (told["asks"], told["changes"], told["runs_a_program"]) == (asks, changes, runs)


def test_the_program_tells_what_is_published(home: Home) -> None:
    shown = json.loads(home.here("help", "--all", "--json").out)

    assert shown == {"schema_version": 1, **TOLD}


def everything(home: Home) -> dict[str, object]:
    """All that is in the home and could matter."""
    files = [path for path in home.files() if not path.name.endswith(LEFT) and path.suffix != ".sqlite"]
    found: dict[str, object] = {str(path): path.read_bytes() for path in files}
    with closing(sqlite3.connect(home.state / "ledger.sqlite")) as ledger:
        return {**found, "ledger": list(ledger.iterdump())}


@pytest.mark.slow
def test_commands_that_only_look_leave_everything_as_it_is(home: Home) -> None:
    prepared(home)
    for words in FURNISHED:
        assert typed(home, words).status in (0, 1), words
    before = everything(home)
    looked: set[str] = set()
    for words in (*COMMANDS, "leases show leased"):
        name = next(name for count in (2, 1) if (name := " ".join(words.split()[:count])) in BY_NAME)
        if not BY_NAME[name]["changes"]:
            looked.add(name)
            typed(home, words)
            assert everything(home) == before, words
    assert looked == LOOKING
