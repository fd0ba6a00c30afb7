"""The file of keyrings.alt, written by keyrings.alt itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from keyrings.alt.file import PlaintextKeyring

from ringlet_py.moving.stores.keyring_file import KeyringFile, keyring_folder
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, OPENAI, PROVIDERS, found, holds, named, note

if TYPE_CHECKING:
    from pathlib import Path


def store(folder: Path, *entries: tuple[str, str, str]) -> KeyringFile:
    written = PlaintextKeyring()
    written.file_path = str(folder / "keyring_pass.cfg")
    for entry in entries:
        written.set_password(*entry)
    return KeyringFile(str(folder), PROVIDERS)


def test_entries_that_name_a_provider_and_are_keys_are_offered(tmp_path: Path) -> None:
    entries = [
        ("openai", "work", OPENAI),
        ("llm tools", "ANTHROPIC_API_KEY", ANTHROPIC),
        ("mistral api key", "a-b@example.org", MISTRAL),
        ("openai", "me@example.org", "correct-horse"),
        ("mail", "me", OPENAI),
    ]
    keys = found(store(tmp_path, *entries))

    assert {(provider, alias) for _, provider, alias in named(keys)} == {
        ("openai", "work"),
        ("anthropic", "tools"),
        ("mistral", "a-b-example-org"),
    }
    assert all(any(holds(key, value) for key in keys) for value in (OPENAI, ANTHROPIC, MISTRAL))


def test_the_command_is_what_removes_it(tmp_path: Path) -> None:
    (key,) = found(store(tmp_path, ("openai", "key one", OPENAI)))
    assert key.remove == "keyring del openai 'key one'"


@pytest.mark.parametrize("text", ["no section", "[openai]\nkey", "[a]\n\xff = 1\n[", "\0"])
def test_a_file_that_is_not_its_own_is_a_note(tmp_path: Path, text: str) -> None:
    (tmp_path / "keyring_pass.cfg").write_bytes(text.encode("latin-1"))
    assert "not as keyrings.alt writes it" in note(KeyringFile(str(tmp_path), PROVIDERS))


def test_an_entry_that_is_no_key_is_a_note(tmp_path: Path) -> None:
    assert "is no key: the value holds a blank" in note(store(tmp_path, ("openai", "api key", "two words")))
    (tmp_path / "keyring_pass.cfg").write_text("[openai]\nkey = ***\n")
    assert "openai key is no key" in note(KeyringFile(str(tmp_path), PROVIDERS))


def test_the_sealed_file_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "crypted_pass.cfg").touch()
    assert "sealed with a password" in note(KeyringFile(str(tmp_path), PROVIDERS))


def test_no_file_is_no_note(tmp_path: Path) -> None:
    assert KeyringFile(str(tmp_path), PROVIDERS).finds() == ([], [])


def test_where_it_is() -> None:
    assert keyring_folder("/h", {}, "linux") == "/h/.local/share/python_keyring"
    assert keyring_folder("/h", {"XDG_DATA_HOME": "/x"}, "darwin") == "/x/python_keyring"
    assert keyring_folder("/h", {"LOCALAPPDATA": "/l"}, "win32") == "/l/Python Keyring"
