from __future__ import annotations

from typing import TYPE_CHECKING

import pexpect
import pytest

from ringlet_py.cli.session import Session
from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.program import Home, Outcome, Terminal

    Start = Callable[..., Terminal]


@pytest.fixture
def typed(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Bare ringlet with these lines typed, as if at a terminal."""
    monkeypatch.setattr(Session, "can_ask", True)
    monkeypatch.setattr(Session, "offers_menu", True)
    return lambda *lines: home.here(stdin="".join(f"{line}\n" for line in lines).encode())


def test_the_menu_has_five_things_and_q_leaves_quietly(typed: Callable[..., Outcome]) -> None:
    done = typed("q")
    assert (done.status, done.out) == (0, "")
    assert [line.split()[:2] for line in done.err.splitlines()[1:6]] == [
        [str(number), letter] for number, letter in enumerate("rscmw", 1)
    ]


@pytest.mark.parametrize("answer", ["5", "w", "W"])
def test_a_number_and_a_letter_run_the_command_and_show_it(
    home: Home, typed: Callable[..., Outcome], answer: str
) -> None:
    store_key(home)
    done = typed(answer)
    assert "$ ringlet audit list\n" in done.err
    assert "anthropic/default" in done.out
    assert done.status == 0


def test_the_status_is_that_of_the_command(home: Home, typed: Callable[..., Outcome]) -> None:
    home.profile("broken", "nonsense")
    assert typed("run it", "r").status == 125


def test_an_answer_that_is_none_of_them_is_asked_again(typed: Callable[..., Outcome]) -> None:
    done = typed("7", "q")
    assert "a number from 1 to 5, its letter, or q" in done.err
    assert done.status == 0


def test_names_are_asked_until_they_are_right_and_a_pasted_key_is_not_repeated(
    home: Home, typed: Callable[..., Outcome]
) -> None:
    done = typed("c", "claud", "claude", KEY, "anthropic", "")
    assert "did you mean 'claude'?" in done.err
    assert KEY not in done.err
    assert "$ ringlet profiles create claude --agent claude --provider anthropic\n" in done.err
    assert home.here("profiles", "list").out.split()[0] == "claude"


@pytest.mark.parametrize(
    ("aliases", "answers", "chosen"),
    [
        (["work"], [], " --key-alias work"),
        (["home", "work"], ["wrk", "2"], " --key-alias work"),
        (["default", "work"], [""], ""),
    ],
)
def test_the_key_of_a_profile_is_one_that_is_there(
    home: Home, typed: Callable[..., Outcome], aliases: list[str], answers: list[str], chosen: str
) -> None:
    for number, alias in enumerate(aliases):
        store_key(home, f"anthropic/{alias}", f"{KEY[:-4]}{number:04}")
    done = typed("c", "claude", "anthropic", *answers, "")

    assert f"$ ringlet profiles create claude --agent claude --provider anthropic{chosen}\n" in done.err
    assert "is not in the keychain yet" not in done.err


def test_a_provider_that_is_probably_a_slip_is_asked_again(typed: Callable[..., Outcome]) -> None:
    done = typed("s", "anthropc", "anthropic", "work")

    assert "the provider 'anthropc' is not in the catalog, but 'anthropic' is" in done.err
    assert "$ ringlet keychain set anthropic work\n" in done.err


def test_the_end_of_input_is_quiet(typed: Callable[..., Outcome]) -> None:
    done = typed()
    assert done.status == 130
    assert "error" not in done.err


@pytest.mark.slow
def test_at_a_terminal_a_key_is_stored_from_the_menu(home: Home, terminal: Start) -> None:
    child = terminal()
    child.expect_exact("what to do: ")
    child.sendline("2")
    child.expect_exact("provider, for example anthropic: ")
    child.sendline("anthropic")
    child.expect_exact("alias [default]: ")
    child.sendline("")
    child.expect_exact("Key for anthropic/default: ")
    child.sendline(KEY)
    child.expect_exact("stored anthropic/default")
    child.expect(pexpect.EOF)
    assert home.here("keychain", "list").out == "anthropic/default\n"


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_end_the_menu_quietly(terminal: Start, end: str) -> None:
    child = terminal()
    child.expect_exact("what to do: ")
    child.send(end)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130
    assert "rror" not in (child.before or "")


@pytest.mark.slow
@pytest.mark.parametrize("environ", [{"RINGLET_NON_INTERACTIVE": "1"}])
def test_who_said_never_to_ask_gets_the_help(terminal: Start, environ: dict[str, str]) -> None:
    child = terminal(environ=environ)
    child.expect_exact("Usage: ringlet")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 2
