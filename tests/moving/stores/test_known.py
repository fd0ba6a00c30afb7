"""Which stores are on this machine."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.stores import Candidate
from ringlet_py.moving.stores.known import stores
from tests.moving.stores.shown import NOW, OPENAI, PROVIDERS

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = ["PlainItems", "Envchain", "GoKeyring", "Exports"]


def known(home: Path, *folders: Path, platform: str = "linux", **environ: str) -> list[str]:
    given = [str(folder) for folder in folders]
    found = stores(home=str(home), environ=environ, providers=PROVIDERS, now=NOW, folders=given, platform=platform)
    return [type(store).__name__ for store in found]


def test_in_an_empty_home_there_is_only_what_has_no_file(tmp_path: Path) -> None:
    assert known(tmp_path) == ALWAYS


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_each_system_is_asked_for_its_own_keychain_alone(tmp_path: Path, platform: str) -> None:
    assert known(tmp_path, platform=platform) == ["KeychainItems", "Exports"]


def test_each_store_is_known_by_its_file(tmp_path: Path) -> None:
    for path in ("io.datasette.llm/keys.json", "python_keyring/keyring_pass.cfg", "passes/openai.gpg"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()
    folder = tmp_path / "project"
    for path in ("simple_keystore.db", "data/pool.db"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(folder / path)):
            pass

    environ = {"PASSWORD_STORE_DIR": "passes", "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": ""}
    environ = {name: str(tmp_path / end) for name, end in environ.items()}
    first = ["LlmKeys", "KeyringFile", "PasswordStore"]
    both = ["Keypooler", "SimpleKeystore"]
    assert known(tmp_path, **environ) == [*first, *ALWAYS]
    assert sorted(known(tmp_path, folder, folder, **environ)) == sorted([*first, *both, *ALWAYS])


def test_all_that_is_there_is_asked_without_a_service(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=op://v/i/f\n")
    (tmp_path / "doppler.json").write_text(f'{{"OPENAI_API_KEY": "{OPENAI}"}}')
    found = [store.finds() for store in stores(home=str(tmp_path), environ={}, providers=PROVIDERS, now=NOW)]

    assert [len(candidates) for candidates, _ in found] == [0, 0, 0, 1]
    assert [notes for _, notes in found if notes] == [
        [f"{tmp_path}/.env has references (1 of 1Password), which are no keys"]
    ]


@pytest.mark.parametrize(
    ("name", "table", "kind"),
    [
        (
            "keys.sqlite",
            "keystore (id, name, expiration_in_sse, active, batch, source, login, encrypted_key)",
            "SimpleKeystore",
        ),
        ("ours.db", "keys (id, name, key_encrypted, tier_id)", "Keypooler"),
        ("pool.db", "other (id)", "Keypooler"),
        ("app.db", "keys (id, name, key_value)", ""),
        ("keys.txt", "keys (id, name, key_encrypted, tier_id)", ""),
    ],
)
def test_a_database_of_another_name_is_known_by_its_tables(tmp_path: Path, name: str, table: str, kind: str) -> None:
    with closing(sqlite3.connect(tmp_path / name)) as connection:
        connection.execute(f"CREATE TABLE {table}")
    assert known(tmp_path) == [*ALWAYS[:-1], *([kind] if kind else []), ALWAYS[-1]]


def test_a_file_that_only_looks_like_a_database_is_none(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_text("no database")
    (tmp_path / "link.db").symlink_to("nowhere")
    assert known(tmp_path) == ALWAYS


def test_a_candidate_without_a_value_says_so() -> None:
    with pytest.raises(ValueError, match="has no value"):
        Candidate(place="p", name="n", value=None).secret()
