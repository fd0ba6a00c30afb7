from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.login_shell import still_set

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="login shells are a thing of POSIX")

START = {
    "bash": (".bash_profile", "export SET_KEY=x\nEMPTY_KEY=\nexport EMPTY_KEY\necho noise\necho more >&2\n"),
    "zsh": (".zshrc", "export SET_KEY=x\nexport EMPTY_KEY=\necho noise\n"),
    "fish": (".config/fish/config.fish", "set -gx SET_KEY x\nset -gx EMPTY_KEY ''\necho noise\n"),
}
NAMES = ["SET_KEY", "EMPTY_KEY", "GONE_KEY", "not a name; echo SET"]


def shell_at(name: str) -> str:
    path = shutil.which(name)
    if path is None and name in os.environ.get("RINGLET_REQUIRE", "").split():
        pytest.fail(f"{name} is not installed, and RINGLET_REQUIRE names it")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def environ(home: Path, shell: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "SHELL": shell, "TERM": "xterm", "GONE_KEY": "inherited"}


@pytest.mark.slow
def test_zsh_is_asked_with_its_files_where_they_are(tmp_path: Path):
    for folder in ("given", "told"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ".zshrc").write_text(f"export {folder.upper()}_KEY=x\n")
    given = {**environ(tmp_path, shell_at("zsh")), "ZDOTDIR": str(tmp_path / "given")}

    assert still_set(["GIVEN_KEY", "TOLD_KEY"], given, limit=60) == ["GIVEN_KEY"]
    (tmp_path / ".zshenv").write_text(f"ZDOTDIR={tmp_path}/told\n")
    assert still_set(["GIVEN_KEY", "TOLD_KEY"], given, limit=60) == ["TOLD_KEY"]


@pytest.mark.slow
@pytest.mark.parametrize("name", START)
def test_a_clean_login_shell_says_which_variables_it_has(tmp_path: Path, name: str):
    path, text = START[name]
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)

    assert still_set(NAMES, environ(tmp_path, shell_at(name)), limit=60) == ["SET_KEY", "EMPTY_KEY"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({".bashrc": "export SET_KEY=x\n"}, ["SET_KEY"]),
        ({".bashrc": "export SET_KEY=x\n", ".profile": "export EMPTY_KEY=\n"}, ["SET_KEY", "EMPTY_KEY"]),
        ({}, []),
    ],
)
def test_a_shell_without_a_login_is_asked_too(tmp_path: Path, files: dict[str, str], found: list[str]):
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    assert still_set(NAMES, environ(tmp_path, shell_at("bash")), limit=60) == found


@pytest.mark.slow
def test_a_shell_that_never_gets_ready_is_ended(tmp_path: Path):
    (tmp_path / ".bash_profile").write_text("sleep 100 & echo $! > pid; wait")
    began = time.monotonic()

    assert still_set(NAMES, environ(tmp_path, shell_at("bash")), limit=1.0) is None
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_a_shell_that_becomes_another_program_tells_nothing(tmp_path: Path):
    (tmp_path / ".bash_profile").write_text("exec true")

    assert still_set(NAMES, environ(tmp_path, shell_at("bash")), limit=60) is None


@pytest.mark.parametrize("shell", ["", "/bin/nologin", "bash", "/usr/bin/nu"])
def test_other_shells_are_not_asked(tmp_path: Path, shell: str):
    assert still_set(NAMES, environ(tmp_path, shell)) is None


def test_a_shell_that_is_not_there_tells_nothing(tmp_path: Path):
    assert still_set(NAMES, environ(tmp_path, "/none/bash")) is None
