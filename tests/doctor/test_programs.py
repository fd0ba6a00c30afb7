from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.doctor.programs import answers

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

pytestmark = pytest.mark.slow


def ask(home: Home, *scripts: str, patience: float = 5.0, **environ: str) -> list[str]:
    programs = [home.program(f"p{number}", f"#!/bin/sh\n{script}\n") for number, script in enumerate(scripts)]
    given = {**home.environ, **environ}
    return answers([[str(each)] for each in programs], environ=given, folder=str(home.path), patience=patience)


def test_each_answer_is_its_own(home: Home) -> None:
    assert ask(home, "echo one", "echo two; exit 1", "exit 3") == ["one\n", "two\n", ""]


def test_no_key_reaches_them(home: Home) -> None:
    (said,) = ask(home, "env", ANTHROPIC_API_KEY="a-key", RINGLET_TOKEN="a-token")

    assert "HOME=" in said
    assert "a-key" not in said
    assert "a-token" not in said


def test_one_that_hangs_is_ended_with_its_children_and_holds_up_no_other(home: Home) -> None:
    began = time.monotonic()
    hanging = f"sleep 60 & echo $! > {home.path}/child; wait"

    assert ask(home, hanging, "echo two", hanging, patience=1.0) == ["", "two\n", ""]
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        _signal(int((home.path / "child").read_text()))


def test_what_it_said_counts_although_something_that_it_started_goes_on(home: Home) -> None:
    assert ask(home, "echo 1.2.3; sleep 60 & exit", "echo 4.5.6; sleep 60", patience=1.0) == ["1.2.3\n", "4.5.6\n"]


def test_one_that_never_stops_talking_is_cut_off(home: Home) -> None:
    (said,) = ask(home, "yes")

    assert len(said) == 4096


def test_one_that_cannot_be_started_says_nothing(home: Home) -> None:
    assert answers([["/no/such/program"]], environ={}, folder="/no/such/folder") == [""]


def test_their_input_is_empty(home: Home) -> None:
    assert ask(home, "cat; echo end") == ["end\n"]


def _signal(pid: int) -> None:
    import os

    for _ in range(500):  # until somebody has waited for it
        os.kill(pid, 0)
        time.sleep(0.01)
