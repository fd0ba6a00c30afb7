from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.catalog import Catalog
from ringlet_py.moving import below as module
from ringlet_py.moving.below import Walk
from ringlet_py.moving.places import Places

if TYPE_CHECKING:
    from pathlib import Path


def places(home: Path, **environ: str) -> list[str]:
    agents = Catalog("/nowhere").agents.values()
    found = Places(home=str(home), environ=environ, agents=agents, etc=str(home / "etc")).all()
    return [os.path.relpath(place.path, home) for place in found]


def made(home: Path, *names: str) -> None:
    for name in names:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    "name",
    [
        ".zshrc",
        ".bashrc",
        ".profile",
        ".config/fish/config.fish",
        ".config/fish/conf.d/keys.fish",
        ".config/nushell/env.nu",
        ".config/powershell/Microsoft.PowerShell_profile.ps1",
        "Documents/PowerShell/profile.ps1",
        ".config/environment.d/10-keys.conf",
        "etc/environment",
        "etc/environment.d/keys.conf",
        ".config/systemd/user/agent.service",
        ".config/systemd/user/agent.service.d/keys.conf",
        "Library/LaunchAgents/keys.plist",
        ".claude/settings.json",
        ".config/Claude/claude_desktop_config.json",
        "Library/Application Support/Claude/claude_desktop_config.json",
        ".cursor/mcp.json",
        ".codeium/windsurf/mcp_config.json",
        ".netrc",
        ".env",
    ],
)
def test_the_usual_places_are_looked_at(tmp_path: Path, name: str):
    made(tmp_path, name)

    assert name in places(tmp_path)


@pytest.mark.parametrize("name", [".env", ".gemini/.env", ".codex/.env"])
def test_a_dotenv_file_that_an_agent_reads_is_still_a_persons_own(tmp_path: Path, name: str):
    made(tmp_path, name, ".codex/auth.json", ".aider/oauth-keys.env")

    agents = Catalog("/nowhere").agents.values()
    kinds = {place.path: place.kind for place in Places(home=str(tmp_path), environ={}, agents=agents).all()}

    assert kinds[str(tmp_path / name)] == "dotenv"
    assert {kinds[str(tmp_path / other)] for other in (".codex/auth.json", ".aider/oauth-keys.env")} == {"agent"}


def test_variables_say_where_files_are(tmp_path: Path):
    made(tmp_path, "z/.zshrc", "x/fish/config.fish", "c/settings.json")
    folders = {"ZDOTDIR": "z", "XDG_CONFIG_HOME": "x", "CLAUDE_CONFIG_DIR": "c", "ENV": "rc"}

    found = places(tmp_path, **{name: str(tmp_path / folder) for name, folder in folders.items()})

    assert {"z/.zshrc", "x/fish/config.fish", "c/settings.json", "rc"} <= set(found)


def test_a_relative_variable_names_nothing(tmp_path: Path):
    assert places(tmp_path, ZDOTDIR="z", ENV="rc", XDG_CONFIG_HOME="x") == places(tmp_path)


def below(folder: Path) -> list[str]:
    walk = Walk(folder=str(folder))
    return [os.path.relpath(place.path, folder) for place in walk.places()]


def test_env_files_are_found_below_a_folder_in_order(tmp_path: Path):
    made(tmp_path, "b/.env.local", "a/.envrc", "a/deep/er/prod.env", ".env", ".mcp.json", "a/.vscode/mcp.json")
    made(tmp_path, "a/environment", "a/env", "a/.environment", "a/mcp.json", "b/settings.json")

    assert below(tmp_path) == [
        ".env",
        ".mcp.json",
        "a/.envrc",
        "a/.vscode/mcp.json",
        "a/deep/er/prod.env",
        "b/.env.local",
    ]


def test_what_tools_make_is_not_entered(tmp_path: Path):
    made(tmp_path, ".git/.env", "node_modules/.env", "mine/pyvenv.cfg", "mine/.env", "a/__pycache__/.env")

    assert below(tmp_path) == []


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path):
    made(tmp_path, "elsewhere/.env")
    (tmp_path / "here").mkdir()
    (tmp_path / "here/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "here/loop").symlink_to(tmp_path / "here")

    assert below(tmp_path / "here") == []


def test_a_link_to_a_file_is_not_followed_and_is_noted_unless_the_file_is_met(tmp_path: Path):
    made(tmp_path, "bin/deploy.sh", "here/bin/setup.sh", "here/.env", ".env", "here/.envrc")
    links = {"prod.env": "../bin/deploy.sh", "up.env": "../.env", "in.env": "bin/setup.sh", "gone.env": "nowhere"}
    for name, target in {**links, "same.env": ".env", ".mcp.json": ".envrc", "x.txt": "../.env"}.items():
        (tmp_path / "here" / name).symlink_to(target)
    walk = Walk(folder=str(tmp_path / "here"))

    assert [os.path.basename(place.path) for place in walk.places()] == [".env", ".envrc"]
    assert [note.partition(" was not looked at: it is a link to ")[::2] for note in walk.notes] == [
        (repr(str(tmp_path / "here" / link)), repr(str(tmp_path / target)))
        for link, target in [("in.env", "here/bin/setup.sh"), ("prod.env", "bin/deploy.sh"), ("up.env", ".env")]
    ]


def test_another_file_system_is_not_entered_and_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made(tmp_path, "here/.env", "mounted/.env")
    monkeypatch.setattr(module, "_on", lambda path, _: "mounted" not in path)
    walk = Walk(folder=str(tmp_path))

    assert [place.path for place in walk.places()] == [str(tmp_path / "here/.env")]
    assert walk.notes == [f"{str(tmp_path / 'mounted')!a} was not looked at: it is on another file system"]


def test_what_lies_too_deep_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_DEPTH", 2)
    made(tmp_path, "a/b/.env", "a/b/c/.env")
    walk = Walk(folder=str(tmp_path))

    assert [place.path for place in walk.places()] == [str(tmp_path / "a/b/.env")]
    assert walk.notes == [f"nothing that is more than 2 folders below {str(tmp_path)!a} was looked at"]


def test_it_ends_after_so_many_folders_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_FOLDERS", 3)
    made(tmp_path, *(f"{letter}/.env" for letter in "abcdef"))
    walk = Walk(folder=str(tmp_path))

    assert len(list(walk.places())) == 2
    assert "first 3 folders" in walk.notes[0]


def test_a_folder_that_is_not_there_is_a_note(tmp_path: Path):
    walk = Walk(folder=str(tmp_path / "none"))

    assert list(walk.places()) == []
    assert "No such file" in walk.notes[0]


def test_an_agents_file_that_cannot_be_seen_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os.path, "lexists", lambda _: False)  # as in a folder that is closed to us

    assert "c/.credentials.json" in places(tmp_path, CLAUDE_CONFIG_DIR=str(tmp_path / "c"))
