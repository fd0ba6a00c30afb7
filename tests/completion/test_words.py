from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.completion.scripts import SHELLS, script
from ringlet_py.completion.words import ARGUMENTS, COMMANDS, NAMES, OPTIONS, SHORT

if TYPE_CHECKING:
    from types import ModuleType


def program() -> ModuleType:
    """`.ci/completion`, which writes the words."""
    loader = SourceFileLoader("completion_words", str(Path(__file__).parent.parent.parent / ".ci/completion"))
    spec = spec_from_loader("completion_words", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


WRITER = program()


def test_the_words_are_what_the_program_says() -> None:
    assert not WRITER.stale()


def test_a_parameter_whose_names_nobody_settled_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(WRITER.KINDS, "purpose")

    with pytest.raises(WRITER.UnknownError, match="run/purpose"):
        WRITER.text()


def test_a_settled_parameter_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WRITER.KINDS, "colour", "text")

    with pytest.raises(WRITER.UnknownError, match="colour"):
        WRITER.text()


def test_a_shell_can_show_every_description() -> None:
    texts = [text for table in (*COMMANDS.values(), *NAMES.values()) for text in table.values()]
    texts += [text for options in OPTIONS.values() for _, text in options.values()]

    assert all(text.isprintable() and len(text) <= WRITER.ROOM for text in texts)


def test_each_hidden_name_stands_for_a_command_that_is_shown() -> None:
    shown = {f"{group} {name}".strip() for group, names in COMMANDS.items() for name in names}

    assert set(SHORT.values()) <= shown
    assert not set(SHORT) & shown
    assert {*ARGUMENTS, *OPTIONS} - {""} <= shown


@pytest.mark.parametrize("shell", SHELLS)
def test_there_is_a_script_for_each_shell_that_says_where_it_goes(shell: str) -> None:
    text = script(shell) or ""

    assert "ringlet __complete" in text or "$program __complete" in text
    assert text.isascii()
    assert len(text) < 4096  # a pipe takes it in one piece
    assert any(line.startswith("# Completion of ringlet in") for line in text.splitlines()[:2])


def test_powershell_gets_each_name_with_what_it_is_and_files_where_a_status_says_so() -> None:
    text = script("powershell") or ""

    assert "Register-ArgumentCompleter -Native -CommandName ringlet" in text
    assert "& $program __complete @words $current 2>$null" in text  # as arguments, which no shell takes apart
    assert "if ($LASTEXITCODE -ne 0) { return }" in text
    assert '$name, $text = $line -split "`t", 2' in text
    assert not {"Invoke-Expression", "iex"} & set("".join(text.splitlines(keepends=True)[3:]).split())


@pytest.mark.parametrize("shell", ["tcsh", "", "../candidates", "Bash"])
def test_there_is_none_for_another_shell(shell: str) -> None:
    assert script(shell) is None
