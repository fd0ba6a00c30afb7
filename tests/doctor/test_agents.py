from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.doctor import agents
from tests.doctor.around import made, states, told, write
from tests.end_to_end.program import KEY, Home, store_key

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.doctor.finding import Finding

CHECKED = "2.1.330"


def with_claude(home: Home, said: str) -> list[Finding]:
    path = home.program("claude", "#!/bin/sh\n")
    return agents.found(made(home, answers={str(path): said}))


def declining(home: Home, *tails: str, name: str = ".claude.json") -> Path:
    text = json.dumps({"customApiKeyResponses": {"approved": [], "rejected": list(tails)}})
    return write(home.path / name, text)


def test_without_agents_there_is_a_note(home: Home) -> None:
    assert states(agents.found(made(home, environ={"PATH": str(home.path / "bin")}))) == ["note"]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (f"{CHECKED} (Claude Code)", "ok"),
        ("3.0.0 (Claude Code)", "ok"),
        ("2.1.197 (Claude Code)", "warning"),
        ("", "note"),
    ],
)
def test_an_agent_is_found_with_its_version(home: Home, said: str, state: str) -> None:
    found = with_claude(home, said)

    assert states(found) == [state]
    assert "Claude Code" in told(found)


def test_a_program_that_everybody_could_have_put_there_is_not_started(home: Home) -> None:
    (home.path / "bin").chmod(0o777)

    assert states(with_claude(home, CHECKED)) == ["note"]


def test_an_old_one_is_mended_by_installing_it(home: Home) -> None:
    (finding,) = with_claude(home, "2.1.197")

    assert finding.mend == "npm install -g @anthropic-ai/claude-code"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".claude/.credentials.json", "{}"),
        (".claude.json", '{"oauthAccount": {"emailAddress": "somebody"}}'),
        ("elsewhere/.credentials.json", "{}"),
    ],
)
def test_a_login_of_its_own_is_named_by_its_file(home: Home, file: str, text: str) -> None:
    path = home.program("claude", "")
    write(home.path / file, text)
    environ = {"CLAUDE_CONFIG_DIR": str(home.path / "elsewhere")}
    found = agents.found(made(home, environ=environ, answers={str(path): CHECKED}))

    assert states(found) == ["ok", "note"]
    assert file in told(found)
    assert "somebody" not in told(found)


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"oauthAccount": null}'])
def test_a_configuration_without_an_account_is_no_login(home: Home, text: str) -> None:
    write(home.path / ".claude.json", text)

    assert states(with_claude(home, CHECKED)) == ["ok"]


def test_a_configuration_that_is_no_file_is_not_waited_for(home: Home) -> None:
    os.mkfifo(home.path / ".claude.json")

    assert states(with_claude(home, CHECKED)) == ["ok"]
    assert agents.declined(made(home)) == []


def test_a_stored_key_that_was_declined_is_found_and_not_shown(home: Home) -> None:
    store_key(home)
    path = declining(home, KEY[-20:])
    (finding,) = agents.declined(made(home))

    assert finding.state == "warning"
    assert "anthropic/default" in finding.what
    assert str(path) in told([finding])
    assert KEY[-8:] not in told([finding])


def test_so_is_one_in_the_shell_and_one_of_a_profile_with_a_folder_of_its_own(home: Home) -> None:
    declining(home, KEY[-20:], name=".ringlet/profiles/work/config/.claude.json")
    found = agents.declined(made(home, environ={"ANTHROPIC_API_KEY": KEY}))

    assert "ANTHROPIC_API_KEY" in told(found)


@pytest.mark.parametrize("first", [-20, -3])
@pytest.mark.parametrize("last", [-1, None])
def test_another_keys_ending_is_not_taken_for_it(home: Home, first: int, last: int | None) -> None:
    store_key(home)
    declining(home, KEY[first:last] if (first, last) != (-20, None) else "x" * 20, "")

    assert agents.declined(made(home)) == []


def test_no_key_is_read_where_nothing_was_declined(home: Home) -> None:
    home.credentials.write_text("[")

    assert agents.declined(made(home)) == []
