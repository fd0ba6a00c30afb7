"""The table at a real terminal; without Textual, and where none can be drawn."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from typing import TYPE_CHECKING
from unittest import mock

import pexpect
import pytest

from ringlet_py.app import App
from ringlet_py.errors import UsageError
from ringlet_py.screens.manage import check_terminal, manage
from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.program import Home, Terminal

    Start = Callable[..., Terminal]


def watched(child: Terminal) -> io.StringIO:
    """Everything that the terminal gets to see."""
    screen = io.StringIO()
    child.logfile_read = screen
    return screen


def end(child: Terminal) -> int | None:
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "options"),
    [
        ({}, ()),
        ({"NO_COLOR": "1"}, ()),
        ({"TEXTUAL_LOG": "LOG", "TEXTUAL_DEBUG": "1"}, ()),
        ({}, ("--no-color",)),
    ],
)
def test_a_key_is_added_and_its_value_never_reaches_the_terminal(
    home: Home, terminal: Start, environ: dict[str, str], options: tuple[str, ...]
) -> None:
    given = {name: str(home.path / "log") if value == "LOG" else value for name, value in environ.items()}
    home.environ.pop("NO_COLOR", None)
    child = terminal("keychain", "manage", *options, environ=given)
    screen = watched(child)
    child.expect_exact("press a to add one")
    child.send("a")
    child.expect_exact("add a key")
    child.send("anthropic\r")
    child.expect_exact("Key for anthropic/default: ")
    child.sendline(KEY)
    child.expect("stored anthropic/default")
    child.send("q")
    assert end(child) == 0
    pieces = [KEY[start : start + 8] for start in range(13, len(KEY) - 8)]
    assert [piece for piece in pieces if piece in screen.getvalue()] == []
    assert home.here("keychain", "list").out == "anthropic/default\n"
    holding = [path for path in home.files() if KEY.encode() in path.read_bytes()]
    assert holding == [home.credentials]
    colours = re.findall(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m", screen.getvalue())
    assert bool(colours) == ("NO_COLOR" not in environ and not options)


@pytest.mark.slow
def test_ctrl_c_at_the_hidden_prompt_leads_back_to_the_table_and_there_it_ends_the_program(terminal: Start) -> None:
    child = terminal("keychain", "manage")
    child.expect_exact("press a to add one")
    child.send("a")
    child.expect_exact("add a key")
    child.send("anthropic\r")
    child.expect_exact("Key for anthropic/default: ")
    child.sendintr()
    child.expect_exact("nothing was stored")
    child.send("\x03")
    assert end(child) == 130


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("at", ["table", "prompt"])
def test_who_ends_it_from_elsewhere_gets_the_terminal_back(
    terminal: Start, sent: signal.Signals, status: int, at: str
) -> None:
    child = terminal("keychain", "manage")
    screen = watched(child)
    child.expect_exact("press a to add one")
    if at == "prompt":
        child.send("a")
        child.expect_exact("add a key")
        child.send("anthropic\r")
        child.expect_exact("Key for anthropic/default: ")
        child.kill(sent)
        if sent == signal.SIGINT:
            child.expect_exact("nothing was stored")
            child.kill(sent)
    else:
        child.kill(sent)
    assert end(child) == status
    assert screen.getvalue().rindex("\x1b[?1049l") > screen.getvalue().rindex("\x1b[?1049h")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "said"),
    [(["\r"], "the value is empty"), (["your-api-key-here\r", "n\r"], "nothing was changed"), (["\x04"], "empty")],
)
def test_after_an_error_at_the_hidden_prompt_the_table_comes_back(
    home: Home, terminal: Start, typed: list[str], said: str
) -> None:
    store_key(home)
    child = terminal("keychain", "manage")
    child.expect_exact("F5")
    child.send("r")
    for text, prompt in zip(typed, ("Key for anthropic/default: ", "store it all the same? [y/N]: "), strict=False):
        child.expect_exact(prompt)
        child.send(text)
    child.expect_exact(said)
    child.send("d")
    child.expect_exact("remove this key?")
    child.send("nq")
    assert end(child) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("text", "said"), [("/izz", "no key fits the filter"), ("/labl=foo\r", "no field 'labl'")])
def test_a_filter_that_comes_in_one_piece_runs_no_command(home: Home, terminal: Start, text: str, said: str) -> None:
    store_key(home)
    before = home.credentials.read_bytes(), home.here("keychain", "list", "--json").out
    child = terminal("keychain", "manage")
    screen = watched(child)
    child.expect_exact("F5")
    child.send(text)
    child.expect_exact(said)
    child.send("\x03")
    assert end(child) == 130
    assert "add a key" not in screen.getvalue()
    assert (home.credentials.read_bytes(), home.here("keychain", "list", "--json").out) == before


@pytest.mark.slow
def test_a_store_that_cannot_be_read_is_told_and_no_table_is_drawn(home: Home, terminal: Start) -> None:
    store_key(home)
    home.credentials.chmod(0o640)
    child = terminal("keychain", "manage")
    screen = watched(child)
    assert end(child) == 10
    assert "ringlet: error:" in screen.getvalue()
    assert "PROFILES" not in screen.getvalue()


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_move_its_cursor_is_told_the_plain_command(term: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_terminal({"TERM": term}, at_terminal=True)
    assert caught.value.hint == "ringlet keychain list"


def test_without_textual_the_command_that_installs_it_is_named(home: Home) -> None:
    hidden = {name: None for name in sys.modules if name.partition(".")[0] == "textual"} | {"textual": None}
    ours = [name for name in sys.modules if name.startswith("ringlet_py.screens.")]
    with mock.patch.dict(sys.modules, hidden):
        for name in ours:
            sys.modules.pop(name)
        with pytest.raises(UsageError) as caught:
            manage(App(home.environ), ask=mock.Mock(), agree=mock.Mock())
    assert caught.value.hint.endswith(" -m pip install 'ringlet-py[manage]'")
    assert os.path.basename(sys.executable) in caught.value.hint
