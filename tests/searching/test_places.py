from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.catalog import Catalog
from ringlet_py.searching.places import of_agents, of_histories, of_settings

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = Catalog("/nowhere")


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has `closed` in its path cannot be listed, and what is in it not even be seen."""
    stat, access = os.stat, os.access

    def seen(path: str, **how: bool) -> os.stat_result:
        if "shut/" in str(path):
            raise PermissionError
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", seen)
    monkeypatch.setattr(os, "access", lambda path, mode: "shut" not in path and access(path, mode))


@pytest.mark.usefixtures("closed")
def test_what_is_closed_to_us_is_no_empty_folder(tmp_path: Path):
    (tmp_path / "shut").mkdir()
    environ = {"CLAUDE_CONFIG_DIR": str(tmp_path / "shut"), "HISTFILE": str(tmp_path / "shut" / "history")}

    assert str(tmp_path / "shut" / "projects") in of_agents(CATALOG, home=str(tmp_path), environ=environ)
    assert of_histories(home=str(tmp_path), environ=environ) == [str(tmp_path / "shut" / "history")]


@pytest.mark.usefixtures("closed")
def test_a_file_that_is_closed_to_us_is_looked_at_and_a_folder_beside_it_is_not(tmp_path: Path):
    (tmp_path / ".shut").mkdir()
    (tmp_path / ".shut.rc").write_text("")

    found = of_settings(home=str(tmp_path), environ={})

    assert [path for path in found if path.startswith(str(tmp_path))] == [str(tmp_path / ".shut.rc")]


def test_what_is_not_there_is_no_place(tmp_path: Path):
    (tmp_path / ".bash_history").symlink_to("nowhere/at/all")

    assert of_agents(CATALOG, home=str(tmp_path), environ={}) == []
    assert of_histories(home=str(tmp_path / "none"), environ={"HISTFILE": "/nowhere/x"}) == []


def test_a_link_that_leads_nowhere_is_nothing_and_one_into_a_closed_place_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stat, links = os.stat, [tmp_path / ".bash_history", tmp_path / ".zsh_history"]
    links[0].symlink_to("nowhere/at/all")
    links[1].symlink_to("/closed/history")

    def seen(path: str, **how: bool) -> os.stat_result:
        if str(path) == str(links[1]):
            raise PermissionError
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", seen)
    assert of_histories(home=str(tmp_path), environ={}) == [str(links[1])]
