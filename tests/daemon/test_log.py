from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from ringlet_py.daemon.log import Stamped, dated, stamp_errors

if TYPE_CHECKING:
    import pytest

MOMENT = "2026-11-18T11:06:40.000Z"


def now() -> float:
    return 1795000000.0


def test_a_message_of_several_lines_is_one_line_with_its_moment() -> None:
    said: list[str] = []

    dated(said.append, now)("⚠ the server is away\n  start it\n")

    assert said == [f"{MOMENT} ⚠ the server is away; start it"]


def test_each_line_of_a_stream_gets_its_moment_once_however_it_is_written() -> None:
    log = io.StringIO()
    stream = Stamped(log, now)

    for piece in ("ringlet: error: one\nringlet: ", "hint: two", "\n\n", f"{MOMENT} has one\n", "last"):
        assert stream.write(piece) == len(piece)
    stream.flush()

    lines = ["ringlet: error: one", "ringlet: hint: two", "", "has one", "last"]
    assert log.getvalue().split("\n") == [f"{MOMENT} {line}" if line else "" for line in lines]


def test_the_traceback_of_what_ends_the_process_has_its_moments_too(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "excepthook", None)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", log)
        stamp_errors(now)
    try:
        int("nobody foresaw it")
    except ValueError as problem:
        sys.excepthook(ValueError, problem, problem.__traceback__)

    lines = log.getvalue().splitlines()
    assert len(lines) > 2
    assert lines[-1].startswith(f"{MOMENT} ValueError: ")
    assert all(line.startswith(f"{MOMENT} ") for line in lines)
