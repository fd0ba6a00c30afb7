from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py import __version__
from ringlet_py.doctor import commands, settings, shell
from ringlet_py.doctor.finding import Repair
from ringlet_py.doctor.system import System, system_of
from tests.doctor.around import made, states, told, write

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

VALUE = "sk-ant-api03-" + os.urandom(24).hex()


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY"])
def test_a_key_in_the_shell_is_a_warning_that_does_not_show_it(home: Home, name: str) -> None:
    found = shell.variables(made(home, environ={name: VALUE}))

    assert states(found) == ["warning"]
    assert f"{name} is set in this shell" in told(found)
    assert "ringlet migrate scan" in told(found)
    assert VALUE not in told(found)


def test_an_address_in_the_shell_is_a_warning_with_its_command(home: Home) -> None:
    (finding,) = shell.variables(made(home, environ={"ANTHROPIC_BASE_URL": "https://elsewhere.example"}))

    assert (finding.state, finding.mend) == ("warning", "unset ANTHROPIC_BASE_URL")
    assert "elsewhere" not in told([finding])


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("http://localhost:4000", "note"),
        ("127.0.0.1:11434", "note"),
        ("http://[::1]:8080/v1", "note"),
        ("https://localhost.example", "warning"),
        ("http://[::1", "warning"),
        ("https://127.example", "warning"),
        ("https://elsewhere.example/localhost", "warning"),
    ],
)
def test_a_server_of_ones_own_is_no_more_than_a_note(home: Home, value: str, state: str) -> None:
    assert states(shell.variables(made(home, environ={"OLLAMA_HOST": value}))) == [state]


@pytest.mark.parametrize(
    ("program", "mend"),
    [
        ("/usr/bin/fish", "set -e {}"),
        ("/usr/bin/nu", "hide-env {}"),
        ("/opt/pwsh", "Remove-Item Env:{}"),
        ("/bin/zsh", "unset {}"),
        ("", "unset {}"),
    ],
)
def test_each_shell_unsets_a_variable_in_its_own_way(home: Home, program: str, mend: str) -> None:
    environ = {"ANTHROPIC_BASE_URL": "https://elsewhere.example", "RINGLET_TOKENN": "x"}
    system = system_of("linux", {"SHELL": program}, root=str(home.path))
    around = made(home, environ=environ, system=system)

    assert [each.mend for each in shell.variables(around)] == [mend.format("ANTHROPIC_BASE_URL")]
    assert [each.mend for each in settings.variables_of_ringlet(around)] == [mend.format("RINGLET_TOKENN")]


def test_on_windows_a_variable_is_unset_in_its_own_way(home: Home) -> None:
    environ = {"ANTHROPIC_BASE_URL": "https://elsewhere.example"}
    (finding,) = shell.variables(made(home, environ=environ, system=System(kind="windows")))

    assert finding.mend == "Remove-Item Env:ANTHROPIC_BASE_URL"


def test_what_only_steers_an_agent_is_a_note(home: Home) -> None:
    found = shell.variables(made(home, environ={"CLAUDE_CODE_USE_BEDROCK": "1", "PYTHON_KEYRING_BACKEND": "x"}))

    assert states(found) == ["note", "note"]


def test_what_an_agent_sets_for_its_children_is_nothing_to_speak_of(home: Home) -> None:
    environ = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "1", "ANTHROPIC_API_KEY": ""}

    assert shell.variables(made(home, environ=environ)) == []


def test_overrides_are_told_and_mistyped_ones_warned_of(home: Home) -> None:
    environ = {"RINGLET_KEYCHAIN_TIMEOUT": "5", "RINGLET_LEGER_URL": "redis://x", "RINGLET_MINE": "1"}
    found = settings.variables_of_ringlet(made(home, environ=environ))

    assert states(found) == ["note", "warning", "note"]
    assert "did you mean RINGLET_LEDGER_URL?" in told(found)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("config.toml", "[audit]\nenabeld = true\n", "line 2: 'enabeld' is not known"),
        ("config.toml", "[[[", "is not valid TOML"),
        ("agents/mine.toml", 'title = "x"\n', "'binary' is missing"),
        ("providers/mine.toml", 'title = "x"\n', "'key-env' is missing"),
    ],
)
def test_a_document_that_cannot_be_read_is_named(home: Home, file: str, text: str, words: str) -> None:
    write(home.config / file, text)
    found = settings.configured(made(home))

    assert states(found) == ["problem"]
    assert words in told(found)


def test_one_ringlet_of_this_version_is_fine(home: Home) -> None:
    path = home.program("ringlet", "")

    assert states(commands.duplicates(made(home, answers={str(path): f"ringlet {__version__}\n"}))) == ["ok"]


@pytest.mark.parametrize(("other", "state"), [(__version__, "note"), ("0.0.1", "warning"), ("", "warning")])
def test_a_second_ringlet_is_seen(home: Home, other: str, state: str) -> None:
    first = home.program("ringlet", "")
    second = write(home.path / "more/ringlet", mode=0o755)
    path = {"PATH": f"{home.path}/bin:{home.path}/more"}
    found = commands.duplicates(made(home, environ=path, answers={str(first): __version__, str(second): other}))

    assert states(found) == [state]
    assert str(second) in told(found)


def test_a_link_to_the_same_ringlet_is_not_a_second_one(home: Home) -> None:
    first = home.program("ringlet", "")
    (home.path / "more").mkdir()
    (home.path / "more/ringlet").symlink_to(first)
    path = {"PATH": f"{home.path}/bin:{home.path}/more"}

    assert states(commands.duplicates(made(home, environ=path, answers={str(first): __version__}))) == ["ok"]


def test_a_folder_of_path_that_everybody_can_write_is_seen_and_can_be_mended(home: Home) -> None:
    folder = home.path / "bin"
    folder.chmod(0o757)
    (finding,) = commands.open_folders(made(home))

    assert finding.state == "warning"
    assert finding.repairs == (Repair(verb="chmod", path=str(folder), mode=0o755),)


def test_a_folder_for_everybodys_files_is_not_to_be_closed_but_taken_out_of_path(home: Home) -> None:
    folder = home.path / "bin"
    folder.chmod(0o1777)
    (finding,) = commands.open_folders(made(home))

    assert finding.mend.startswith(f"take {folder} out of PATH")
    assert not finding.fixable


@pytest.mark.parametrize("entry", ["", ".", "node_modules/.bin"])
def test_an_entry_of_path_that_depends_on_where_one_stands_is_seen(home: Home, entry: str) -> None:
    assert states(commands.open_folders(made(home, environ={"PATH": f"/usr/bin:{entry}"}))) == ["warning"]


@pytest.mark.parametrize(
    ("version", "other", "older"),
    [
        ("2.1.9", "2.1.330", True),
        ("2.1.330", "2.1.330", False),
        ("10.0", "9.9", False),
        ("1.2", "1.2.1", True),
        ("", "1.0", False),
        ("1.0", "", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, other: str, older: object) -> None:
    assert commands.is_older(version, other) is older


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.1.330 (Claude Code)", "2.1.330"), ("codex-cli 0.169.0\n", "0.169.0"), ("v7", ""), ("", "")],
)
def test_a_version_is_found_in_what_a_program_says(text: str, version: str) -> None:
    assert commands.version_in(text) == version
