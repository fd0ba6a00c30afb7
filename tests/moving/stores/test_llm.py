"""The keys of llm, in files as its version 0.36 writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.stores.llm import LlmKeys, keys_file
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, OPENAI, PROVIDERS, found, holds, named, note

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = {
    "// Note": "This file stores secret API credentials. Do not share!",
    "openai": OPENAI,
    "claude": ANTHROPIC,
    "mistral-home": MISTRAL,
}


def store(folder: Path, text: str) -> LlmKeys:
    (folder / "keys.json").write_text(text, encoding="utf-8")
    return LlmKeys(str(folder / "keys.json"), PROVIDERS)


def test_each_name_is_offered_with_its_provider_alias_and_line(tmp_path: Path) -> None:
    keys = found(store(tmp_path, json.dumps(WRITTEN, indent=2) + "\n"))

    assert named(keys) == [("openai", "openai", ""), ("claude", "anthropic", ""), ("mistral-home", "mistral", "home")]
    assert [each.line for each in keys] == [3, 4, 5]
    assert all(map(holds, keys, [OPENAI, ANTHROPIC, MISTRAL]))
    assert keys[0].remove == f'take the line of "openai" out of {tmp_path}/keys.json'


def test_a_value_that_is_no_key_is_a_note_and_the_others_are_offered(tmp_path: Path) -> None:
    keys, notes = store(tmp_path, json.dumps({"a": "two words", "b": 7, "c": "", "openai": OPENAI})).finds()

    assert named(keys) == [("openai", "openai", "")]
    assert ["a is no key: the value holds a blank" in notes[0], "b is no key" in notes[1], len(notes)] == [
        True,
        True,
        2,
    ]


@pytest.mark.parametrize("text", ["", "{", '{"a": "\x00', "[" * 100_000, "[]", '"text"'])
def test_a_file_that_is_not_as_llm_writes_it_is_one_note(tmp_path: Path, text: str) -> None:
    assert "keys.json was not read: it " in note(store(tmp_path, text))


def test_a_key_in_the_place_of_a_name_is_not_shown(tmp_path: Path) -> None:
    (key,) = found(store(tmp_path, json.dumps({OPENAI: MISTRAL})))
    assert key.name == "***"


def test_no_file_is_no_note(tmp_path: Path) -> None:
    assert LlmKeys(str(tmp_path / "none"), PROVIDERS).finds() == ([], [])


@pytest.mark.parametrize(
    ("environ", "platform", "path"),
    [
        ({}, "linux", "/h/.config/io.datasette.llm/keys.json"),
        ({"XDG_CONFIG_HOME": "/x"}, "linux", "/x/io.datasette.llm/keys.json"),
        ({"XDG_CONFIG_HOME": "/x"}, "darwin", "/h/Library/Application Support/io.datasette.llm/keys.json"),
        ({"APPDATA": r"C:\R"}, "win32", r"C:\R\io.datasette.llm\keys.json"),
        ({"LLM_USER_PATH": "/l"}, "linux", "/l/keys.json"),
    ],
)
def test_where_llm_keeps_them(environ: dict[str, str], platform: str, path: str) -> None:
    assert keys_file("/h", environ, platform) == path
