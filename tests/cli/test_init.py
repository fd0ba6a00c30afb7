from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pexpect
import pytest

from ringlet_py.cli.session import Session
from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.program import Home, Terminal

    Start = Callable[..., Terminal]


@pytest.fixture
def fresh(home: Home) -> Home:
    """A home with one agent and nothing else on its PATH."""
    home.environ["PATH"] = str(home.path / "bin")
    home.program("claude", "#!/bin/sh\n")
    return home


def profiles(home: Home) -> list[str]:
    return [line.split()[0] for line in home.here("profiles", "list").out.splitlines()]


def test_without_a_terminal_it_explains_itself_and_does_nothing(fresh: Home) -> None:
    before = set(fresh.files())
    done = fresh.here("init")
    assert done.status == 4
    assert "ringlet init -y" in done.out
    assert "hint: ringlet init -y\n" in done.err
    assert set(fresh.files()) == before


def test_y_makes_the_only_profile_that_is_possible_and_says_what_to_type(fresh: Home) -> None:
    store_key(fresh)
    done = fresh.here("init", "-y")
    assert (done.status, done.out) == (0, "ringlet run claude\n")
    assert profiles(fresh) == ["claude"]


def test_run_again_it_says_what_is_there_and_changes_nothing(fresh: Home) -> None:
    store_key(fresh)
    fresh.here("init", "-y")
    before = {path: path.read_bytes() for path in fresh.files()}
    done = fresh.here("init", "-y")
    assert "profiles: claude (anthropic/default)\n" in done.err
    assert done.out == "ringlet run claude\n"
    assert {path: path.read_bytes() for path in fresh.files()} == before


@pytest.mark.slow
def test_y_does_not_choose_among_several_and_names_their_commands(fresh: Home) -> None:
    store_key(fresh)
    store_key(fresh, "anthropic/work", KEY + "1")
    done = fresh.here("init", "-y")
    assert "  ringlet profiles create claude-work --agent claude --provider anthropic --key-alias work\n" in done.err
    assert profiles(fresh) == []


@pytest.mark.slow
def test_y_edits_no_file_of_yours(fresh: Home) -> None:
    rc = fresh.path / ".bashrc"
    rc.write_text(f"export ANTHROPIC_API_KEY={KEY}\n")
    done = fresh.here("init", "-y", environ={"ANTHROPIC_API_KEY": KEY})
    assert rc.read_text() == f"export ANTHROPIC_API_KEY={KEY}\n"
    assert KEY not in done.out + done.err
    assert not fresh.credentials.exists()


def test_y_makes_the_configuration_folder_for_its_owner_alone(fresh: Home) -> None:
    shutil.rmtree(fresh.config)
    fresh.environ["XDG_CONFIG_HOME"] = str(fresh.path / "elsewhere")
    fresh.here("init", "-y")
    assert (fresh.path / "elsewhere/ringlet").stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_as_json_it_changes_nothing_unless_y_says_so(fresh: Home) -> None:
    store_key(fresh)
    looked = json.loads(fresh.here("init", "--json").out)
    assert looked["created"] is None
    assert [each["name"] for each in looked["proposals"]] == ["claude"]
    assert profiles(fresh) == []
    made = json.loads(fresh.here("init", "-y", "--json").out)
    assert (made["created"], made["next"]) == ("claude", "ringlet run claude")
    assert profiles(fresh) == ["claude"]


def test_the_guide_makes_the_profile_that_is_chosen(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "can_ask", True)
    store_key(fresh)
    store_key(fresh, "anthropic/work", KEY + "1")
    done = fresh.here("init", stdin=b"2\nmine\n")
    assert "  2  claude with anthropic/work\n" in done.err
    assert done.out == "ringlet run mine\n"
    assert profiles(fresh) == ["mine"]


def test_the_guide_moves_the_keys_that_are_chosen_and_no_others(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "can_ask", True)
    (fresh.path / ".profile").write_text(f"ANTHROPIC_API_KEY={KEY}\nOPENAI_API_KEY=sk-proj-{KEY[13:]}\n")
    done = fresh.here("init", stdin=b"3\n1\ny\n1\n\n")
    assert "a number" not in done.out
    assert "keys that lie about, and can be moved in:\n" in done.err
    assert "to be moved by" not in done.err
    assert "numbers from 1 to 2" in done.err
    assert fresh.here("keychain", "list").out == "anthropic/default\n"
    assert (fresh.path / ".profile").read_text().endswith(f"OPENAI_API_KEY=sk-proj-{KEY[13:]}\n")
    assert profiles(fresh) == ["claude"]
    assert KEY not in done.out + done.err


@pytest.mark.slow
def test_the_guide_leaves_what_is_there_alone(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "can_ask", True)
    store_key(fresh)
    fresh.here("init", "-y")
    done = fresh.here("init")
    assert (done.status, done.out) == (0, "ringlet run claude\n")
    assert profiles(fresh) == ["claude"]


@pytest.mark.slow
def test_from_nothing_to_the_command_to_type(fresh: Home, terminal: Start) -> None:
    child = terminal("init")
    child.expect_exact("store a key now? [Y/n]: ")
    child.sendline("")
    child.expect_exact("provider, for example anthropic: ")
    child.sendline("anthropic")
    child.expect_exact("Key for anthropic/default: ")
    child.sendline(KEY)
    child.expect_exact("which profile [1]: ")
    child.sendline("")
    child.expect_exact("name of the profile [claude]: ")
    child.sendline("")
    child.expect_exact("next:")
    child.expect_exact("ringlet run claude")
    child.expect(pexpect.EOF)
    assert profiles(fresh) == ["claude"]
