from __future__ import annotations

import io
import time

import pytest

from ringlet_py.cli.progress import progress
from ringlet_py.testing import FakeClock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_appears_after_a_second_and_counts_what_was_done_before():
    terminal, clock = Terminal(), FakeClock()
    with progress("searching", total=100, stream=terminal, clock=clock) as moved:
        moved(30)
        assert not terminal.getvalue()
        clock.advance(2)
        moved(20)
        assert "searching" in terminal.getvalue()
        assert "50%" in terminal.getvalue()


def test_what_is_done_within_a_second_shows_nothing():
    terminal = Terminal()
    with progress("searching", total=100, stream=terminal, clock=FakeClock()) as moved:
        moved(100)
        moved.hide()

    assert not terminal.getvalue()


def test_without_a_terminal_there_is_no_bar():
    stream, clock = io.StringIO(), FakeClock()
    with progress("searching", total=100, stream=stream, clock=clock) as moved:
        clock.advance(2)
        moved(100)
        moved.hide()

    assert not stream.getvalue()


def test_of_long_steps_the_bar_does_not_wait_for_the_first_to_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ringlet_py.cli.progress._PATIENCE", 0.01)
    terminal, deadline = Terminal(), time.monotonic() + 10
    with progress("asking", total=3, long_steps=True, stream=terminal) as moved:
        while "asking" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.001)
        assert "0%" in terminal.getvalue()
        moved(3)
        assert "100%" in terminal.getvalue()

    assert terminal.getvalue().endswith("\x1b[?25h\n")


def test_of_long_steps_that_were_quick_nothing_is_shown():
    terminal = Terminal()
    with progress("asking", total=3, long_steps=True, stream=terminal) as moved:
        moved(3)

    assert not terminal.getvalue()


def test_a_hidden_bar_leaves_its_line_empty():
    terminal, clock = Terminal(), FakeClock()
    with progress("searching", total=100, stream=terminal, clock=clock) as moved:
        clock.advance(2)
        moved(50)
        moved.hide()
        assert terminal.getvalue().endswith("\r\x1b[K")


def test_the_cursor_is_back_however_it_ends():
    terminal, clock = Terminal(), FakeClock()

    def interrupted() -> None:
        with progress("searching", total=100, stream=terminal, clock=clock) as moved:
            clock.advance(2)
            moved(50)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert terminal.getvalue().endswith("\x1b[?25h\n")
