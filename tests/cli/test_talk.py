from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING

import pexpect
import pytest
import typer

from ringlet_py.cli import output
from ringlet_py.cli.progress import progress
from ringlet_py.cli.session import Session
from ringlet_py.cli.talk import Talk, coloured
from ringlet_py.testing import FakeClock
from tests.end_to_end.program import KEY, Outcome, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.program import Home, Terminal


FORCED = {"NO_COLOR": "", "FORCE_COLOR": "1"}


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def talk(stream: io.TextIOBase, /, **said: bool) -> Talk:
    session = Session(environ={"TERM": "xterm"}, argv=())
    for name, value in said.items():
        setattr(session, name, value)
    return Talk(stream, session)  # type: ignore[arg-type]


# after the data


def test_what_is_said_comes_after_the_data_where_both_go_into_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(file))
    monkeypatch.setattr("sys.stderr", talk(io.TextIOWrapper(file, write_through=True)))
    output.line("data")
    output.say("note")
    output.line("more")
    typer.echo("which?", nl=False, err=True)

    assert file.getvalue() == b"data\nnote\nmore\nwhich?"


def test_data_that_cannot_be_written_keeps_no_error_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        screen = io.StringIO()
        monkeypatch.setattr("sys.stderr", talk(screen))
        output.line("data")
        output.say("note")
        with suppress(OSError):
            full.close()

    assert screen.getvalue() == "note\n"


# being quiet


@pytest.mark.parametrize(
    "words",
    [
        ("-q", "keychain", "set", "anthropic"),
        ("keychain", "set", "--quiet", "anthropic"),
        ("keychain", "set", "anthropic", "-q"),
    ],
)
def test_quiet_leaves_out_what_was_done(home: Home, words: tuple[str, ...]) -> None:
    assert home.here(*words, stdin=KEY.encode()) == Outcome(0, "", "")
    assert home.here("-q", "keychain", "list").out == "anthropic/default\n"


def test_quiet_leaves_the_header_out_and_the_data_in(home: Home) -> None:
    shown = home.here("config", "list", "-q")

    assert not shown.err
    assert "credentials.backend" in shown.out


def test_quiet_leaves_warnings_and_errors(home: Home) -> None:
    assert home.here("-q", "config", "set", "audit.enabled", "false").err.startswith("warning: no access is recorded")
    assert home.here("-q", "keychain", "remove", "anthropic", "x", "-y").err.startswith("ringlet: error: ")
    assert home.here("-q", "keychain", "remove", "anthropic", "x", "-y", "--json").err.startswith("{")
    assert home.here("-q", "keychain").err.startswith("Usage: ringlet")


def test_a_question_is_shown_with_what_it_is_about() -> None:
    stream = io.StringIO()
    quiet = talk(stream, quiet=True)

    quiet.say("keychain.toml: 3 keys")
    assert not stream.getvalue()
    quiet.write("remove 3 keys? [y/N]: ")
    assert stream.getvalue() == "keychain.toml: 3 keys\nremove 3 keys? [y/N]: "


def test_an_error_does_not_bring_back_what_was_left_out() -> None:
    stream = io.StringIO()
    quiet = talk(stream, quiet=True)

    quiet.say("looking")
    quiet.tell("ringlet: error: x")
    quiet.write("whole lines\n")
    assert stream.getvalue() == "ringlet: error: x\nwhole lines\n"


# saying more


def test_verbose_says_which_files_and_keychain_are_used(home: Home) -> None:
    said = home.here("keychain", "list", "-v").err.splitlines()

    assert f"config: {home.config}/config.toml" in said
    assert f"keychain: {home.credentials}" in said
    assert "audit: on" in said
    assert "audit: off" in home.here("-v", "keychain", "list", "--no-audit-log").err.splitlines()


def test_verbose_adds_the_code_of_an_error(home: Home) -> None:
    assert home.here("-v", "run", "work").err.endswith("ringlet: code: profile-not-found, exit status 125\n")
    assert home.here("run", "work", "-v", "--json").err.count("\n") == 1


@pytest.mark.slow
def test_verbose_shows_the_plan_of_a_run_without_its_key(home: Home) -> None:
    store_key(home)
    done = home.ringlet("run", "--key", "A=anthropic/default", "-v", "--", "sh", "-c", 'test -n "$A"')

    assert done.status == 0
    assert "keys: A=anthropic/default" in done.err
    assert "env: A=***" in done.err
    assert KEY not in done.err


# options of ringlet stand anywhere


def test_an_option_behind_the_command_is_heard(home: Home) -> None:
    home.here("keychain", "set", "anthropic", "--no-audit-log", stdin=KEY.encode())
    assert not list(home.state.glob("audit*.jsonl"))
    home.here("--no-audit-log", "keychain", "set", "anthropic", "x", "--audit-log", stdin=KEY.encode())
    assert list(home.state.glob("audit*.jsonl"))


def test_a_variable_does_not_take_an_option_back(home: Home) -> None:
    found = home.here("--non-interactive", "config", "get", "non-interactive", environ={"RINGLET_NON_INTERACTIVE": "0"})

    assert found.out == "true\n"


def test_an_option_of_ringlet_is_shown_in_the_help_of_ringlet_alone(home: Home) -> None:
    assert "--quiet" in home.here("--help").out
    assert "--quiet" not in home.here("keychain", "list", "--help").out


# colours


@pytest.mark.parametrize(
    ("environ", "never", "is_coloured"),
    [
        ({}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
        ({"CLICOLOR": "0"}, False, False),
        ({"CLICOLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_a_terminal_is_coloured_unless_somebody_said_not_to(
    environ: dict[str, str], never: object, is_coloured: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.name", "posix")

    assert coloured(Screen(), environ, never=bool(never)) is is_coloured


@pytest.mark.parametrize(
    ("environ", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "0"}, False), ({"FORCE_COLOR": "1"}, True), ({"CLICOLOR_FORCE": "1"}, True)],
)
def test_what_is_no_terminal_is_coloured_only_if_that_is_forced(environ: dict[str, str], is_coloured: object) -> None:
    assert coloured(io.StringIO(), environ, never=False) is is_coloured


def test_colours_are_on_the_first_word_and_say_nothing_that_it_does_not(home: Home) -> None:
    plain = home.here("keychain", "remove", "anthropic", "x", "-y").err
    forced = home.here("keychain", "remove", "anthropic", "x", "-y", environ=FORCED).err

    assert forced.startswith("\x1b[1;31mringlet: error:\x1b[m ")
    for code in ("\x1b[1;31m", "\x1b[36m", "\x1b[m"):
        forced = forced.replace(code, "")
    assert forced == plain
    assert home.here("--no-color", "run", "x", environ=FORCED).err == home.here("run", "x").err


@pytest.mark.slow
def test_a_real_terminal_shows_them(home: Home, terminal: Callable[..., Terminal]) -> None:
    child = terminal("keychain", "remove", "anthropic", "x", "-y", environ={"NO_COLOR": ""})

    child.expect_exact("\x1b[1;31mringlet: error:\x1b[m anthropic/x is not in the keychain")
    child.expect(pexpect.EOF)


# terminals that can do less


def test_signs_that_a_terminal_does_not_have_are_written_in_words() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    talk(stream).tell("⚠ The ledger…")

    assert raw.getvalue() == b"warning: The ledger...\n"


@pytest.mark.parametrize(
    ("term", "quiet", "is_shown"), [("xterm", False, True), ("dumb", False, False), ("xterm", True, False)]
)
def test_a_bar_needs_a_terminal_that_can_and_somebody_who_looks(term: str, quiet: object, is_shown: object) -> None:
    terminal, clock = Screen(), FakeClock()
    stream = Talk(terminal, Session(environ={"TERM": term}, argv=(), quiet=bool(quiet)))
    with progress("searching", total=100, stream=stream, clock=clock) as moved:  # type: ignore[arg-type]
        clock.advance(2)
        moved(30)

    assert ("searching" in terminal.getvalue()) is is_shown
