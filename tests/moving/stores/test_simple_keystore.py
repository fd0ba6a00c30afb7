"""The databases of simple_keystore, made as its version 0.11.0 makes them."""

from __future__ import annotations

import os
import shlex
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from ringlet_py.fields import checked
from ringlet_py.moving.stores.simple_keystore import SimpleKeystore
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, NOW, OPENAI, PROVIDERS, found, holds, named, note

if TYPE_CHECKING:
    from pathlib import Path

MASTER = Fernet.generate_key().decode()
TABLE = """CREATE TABLE IF NOT EXISTS keystore (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, expiration_in_sse INTEGER, active INTEGER DEFAULT 1, batch TEXT,
    source TEXT, login TEXT, encrypted_key TEXT UNIQUE, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)"""
COLUMNS = ("name", "expiration_in_sse", "active", "batch", "source", "login", "encrypted_key")

INSERT = """INSERT INTO keystore (name, expiration_in_sse, active, batch, source, login, encrypted_key)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""


def row(name: str, value: str, **fields: Any) -> dict[str, Any]:
    sealed = Fernet(MASTER.encode()).encrypt(value.encode())
    return {"expiration_in_sse": 0, "active": 1, "name": name, "encrypted_key": sealed, **fields}


def store(home: Path, *rows: dict[str, Any], environ: dict[str, str] | None = None) -> SimpleKeystore:
    path = str(home / "simple_keystore.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(TABLE)
        for each in rows:
            connection.execute(INSERT, [each.get(column) for column in COLUMNS])
    given = {"SIMPLE_KEYSTORE_KEY": MASTER} if environ is None else environ
    return SimpleKeystore(path, home=str(home), environ=given, providers=PROVIDERS, now=NOW)


def test_each_key_is_offered_and_its_fields_are_carried_over(tmp_path: Path) -> None:
    fields = {"source": "web", "login": "me@example.org", "batch": "b1", "expiration_in_sse": int(NOW) + 86400}
    (key,) = found(store(tmp_path, row("openai-work", OPENAI, **fields)))

    assert named([key]) == [("openai-work (1)", "openai", "work")]
    assert holds(key, OPENAI)
    assert checked(key.fields, providers=PROVIDERS, now=NOW) == {
        "source": "web",
        "login": "me@example.org",
        "batch": "b1",
        "expires_at": "2027-01-16T08:00:00.000Z",
    }


def test_keys_of_one_name_get_aliases_of_their_own(tmp_path: Path) -> None:
    keys = found(store(tmp_path, row("openai", OPENAI), row("claude", ANTHROPIC), row("openai", MISTRAL)))

    assert [each.alias for each in keys] == ["key-1", "", "key-3"]
    assert [each.provider for each in keys] == ["openai", "anthropic", "openai"]


def test_an_expired_or_inactive_key_stays_inactive(tmp_path: Path) -> None:
    keys = found(store(tmp_path, row("a", OPENAI, expiration_in_sse=1_700_000_000), row("b", MISTRAL, active=0)))

    assert [each.fields for each in keys] == [{"label": "expired 2023-11-14", "active": "no"}, {"active": "no"}]
    assert checked(keys[0].fields, providers=PROVIDERS, now=NOW)["active"] is False


def test_the_command_removes_just_that_key(tmp_path: Path) -> None:
    keystore = store(tmp_path, row("a", OPENAI), row("b", MISTRAL))
    command = found(keystore)[0].remove

    program, path, statement = shlex.split(command)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)

    assert program == "sqlite3"
    assert [each.name for each in found(keystore)] == ["b (2)"]


def test_the_master_key_may_be_in_the_netrc(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(f"machine SIMPLE_KEYSTORE_KEY login x password {MASTER}\n")
    assert holds(found(store(tmp_path, row("a", OPENAI), environ={}))[0], OPENAI)


@pytest.mark.parametrize(
    "netrc",
    ["", "machine a login b password c\n", f"nonsense {MASTER}\n", "\xff"],
    ids=["empty", "others", "broken", "binary"],
)
def test_without_its_master_key_it_is_locked(tmp_path: Path, netrc: str) -> None:
    (tmp_path / ".netrc").write_bytes(netrc.encode("latin-1"))
    said = note(store(tmp_path, row("a", OPENAI), environ={}))

    assert "is locked: 1 sealed keys" in said
    assert MASTER not in said


@pytest.mark.parametrize(
    ("master", "why"),
    [(Fernet.generate_key().decode(), "does not open it"), ("short", "is not one"), ("\N{SNOWMAN}", "is not one")],
    ids=["another", "short", "strange"],
)
def test_another_master_key_is_a_note_for_each_key(tmp_path: Path, master: str, why: str) -> None:
    keystore = store(tmp_path, row("a", OPENAI), row("b", MISTRAL), environ={"SIMPLE_KEYSTORE_KEY": master})
    candidates, notes = keystore.finds()

    assert candidates == []
    assert len(notes) == 2
    assert f"key 1: the master key {why}" in notes[0]


@pytest.mark.parametrize(
    "fields", [{"encrypted_key": "no token"}, {"encrypted_key": None}, {"expiration_in_sse": "soon"}, {"name": b"\xff"}]
)
def test_a_damaged_row_is_a_note_and_the_others_are_offered(tmp_path: Path, fields: dict[str, Any]) -> None:
    candidates, notes = store(tmp_path, {**row("a", OPENAI), **fields}, row("b", MISTRAL)).finds()

    assert "b (2)" in [each.name for each in candidates]
    assert len(candidates) + len(notes) == 2


def test_another_database_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "simple_keystore.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE keystore (id)")
    keystore = SimpleKeystore(str(path), home="/nowhere", environ={}, providers=PROVIDERS, now=NOW)
    assert "not a database of simple_keystore" in note(keystore)

    path.write_bytes(os.urandom(4096))
    assert "not a SQLite database" in note(keystore)

    path.unlink()
    assert keystore.finds() == ([], [])
