"""keypooler's SQLite databases, in the shapes that its published versions made."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.fields import checked
from ringlet_py.moving.stores.keypooler import Keypooler, _seconds
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, NOW, OPENAI, PROVIDERS, found, holds, named, note

if TYPE_CHECKING:
    from pathlib import Path

Statement = str | tuple[str, tuple[object, ...]]
MASTER = "0123456789abcdef" * 4
OLDEST = "CREATE TABLE api_keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, key_encrypted TEXT NOT NULL)"
OLD = """CREATE TABLE keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, key_encrypted TEXT NOT NULL, tier_id TEXT NOT NULL,
    is_active INTEGER DEFAULT 1, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"""
NEW = """CREATE TABLE keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, key_encrypted TEXT NOT NULL, tier_id TEXT,
    is_active INTEGER NOT NULL DEFAULT 1, expires_at TIMESTAMP, usage_limit INTEGER,
    metadata_json TEXT NOT NULL DEFAULT '{}', created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"""
BOUND = """CREATE TABLE key_secrets (key_id TEXT NOT NULL, name TEXT NOT NULL, value_encrypted TEXT NOT NULL,
    PRIMARY KEY(key_id, name))"""


def sealed(value: str, *, mark: str = "enc:gcm:") -> str:
    nonce = os.urandom(12)
    return mark + (nonce + AESGCM(bytes.fromhex(MASTER)).encrypt(nonce, value.encode(), None)).hex()


def store(folder: Path, *statements: Statement, master: str = MASTER) -> Keypooler:
    with closing(sqlite3.connect(folder / "pool.db")) as connection, connection:
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))
    return Keypooler(str(folder / "pool.db"), environ={"ENCRYPTION_KEY": master}, providers=PROVIDERS, now=NOW)


def row(number: str, name: str, value: str, *, active: int = 1) -> Statement:
    query = "INSERT INTO keys (id, name, key_encrypted, tier_id, is_active) VALUES (?, ?, ?, 't', ?)"
    return query, (number, name, value, active)


def expiry(number: str, moment: str) -> Statement:
    return "UPDATE keys SET expires_at = ? WHERE id = ?", (moment, number)


def test_values_in_the_clear_and_sealed_ones_stand_side_by_side(tmp_path: Path) -> None:
    keys = found(store(tmp_path, NEW, row("1", "openai-a", OPENAI), row("2", "work", sealed(ANTHROPIC))))

    assert named(keys) == [("openai-a", "openai", "a"), ("work", "anthropic", "work")]
    assert all(map(holds, keys, [OPENAI, ANTHROPIC]))


def test_versions_that_sealed_every_value_used_no_mark(tmp_path: Path) -> None:
    oldest = ("INSERT INTO api_keys VALUES ('1', 'groq', ?)", (sealed(MISTRAL, mark=""),))
    assert holds(found(store(tmp_path, OLDEST, oldest))[0], MISTRAL)

    (tmp_path / "pool.db").unlink()
    assert holds(found(store(tmp_path, OLD, row("1", "a", sealed(OPENAI, mark=""))))[0], OPENAI)


@pytest.mark.parametrize("master", ["", "f" * 64])
def test_a_sealed_value_without_a_mark_is_never_taken_for_a_key(tmp_path: Path, master: str) -> None:
    assert "pool.db, key 1: " in note(store(tmp_path, OLD, row("1", "a", sealed(OPENAI, mark="")), master=master))


def test_a_key_that_happens_to_be_hex_is_a_key(tmp_path: Path) -> None:
    value = "ab" * 32
    for master in (MASTER, ""):
        (tmp_path / "pool.db").unlink(missing_ok=True)
        assert holds(found(store(tmp_path, NEW, row("1", "hex", value), master=master))[0], value)


def test_the_secrets_bound_to_a_key_go_with_it(tmp_path: Path) -> None:
    bound = ("INSERT INTO key_secrets VALUES ('1', '-web hook', ?), ('9', 'x', 'orphan')", (sealed("whsec-1"),))
    first, second = found(store(tmp_path, NEW, BOUND, row("1", "a", OPENAI), row("2", "b", MISTRAL), bound))

    assert {name: secret.length for name, secret in first.bound.items()} == {"web-hook": 7}
    assert second.bound == {}
    assert "key_secrets" in first.remove
    assert "key_secrets" not in second.remove


def test_fields_are_carried_over(tmp_path: Path) -> None:
    soon, past = row("1", "a", OPENAI, active=0), row("2", "b", MISTRAL)
    moments = expiry("1", "2027-06-15 12:00:00+02:00"), expiry("2", "2020-01-02T03:04:05Z")
    keys = found(store(tmp_path, NEW, soon, past, *moments))

    assert keys[0].fields == {"label": "a", "expires_at": "2027-06-15T10:00:00.000Z", "active": "no"}
    assert keys[1].fields == {"label": "expired 2020-01-02", "active": "no"}
    assert all(checked(each.fields, providers=PROVIDERS, now=NOW) for each in keys)


def test_the_command_removes_just_that_key(tmp_path: Path) -> None:
    keypooler = store(tmp_path, NEW, row("a-1", "a", OPENAI), row("a-2", "b", MISTRAL))
    command = found(keypooler)[0].remove
    with closing(sqlite3.connect(tmp_path / "pool.db")) as connection:
        connection.executescript(command.partition('"')[2].rstrip('"'))

    assert "DELETE /admin/keys/a-1" in command
    assert [each.name for each in found(keypooler)] == ["b"]


def test_a_number_that_is_none_does_not_become_a_command(tmp_path: Path) -> None:
    (key,) = found(store(tmp_path, NEW, row('1"; rm -rf ~', "a", OPENAI)))
    assert "rm" not in key.remove.split()


@pytest.mark.parametrize(
    ("master", "why"),
    [("", "ENCRYPTION_KEY is not set"), ("f" * 64, "sealed with another"), ("nonsense", "master key is not one")],
)
def test_a_sealed_value_without_its_master_key_is_a_note(tmp_path: Path, master: str, why: str) -> None:
    keypooler = store(tmp_path, NEW, row("7", "a", sealed(OPENAI)), row("8", "b", MISTRAL), master=master)
    candidates, notes = keypooler.finds()

    assert [each.name for each in candidates] == ["b"]
    assert notes[0].startswith(f"{tmp_path}/pool.db, key 7: ")
    assert why in notes[0]


@pytest.mark.parametrize("value", ["enc:gcm:zz", "enc:gcm:", "enc:gcm:00", "two words", ""])
def test_a_damaged_value_is_a_note(tmp_path: Path, value: str) -> None:
    assert "key 1: " in note(store(tmp_path, NEW, row("1", "a", value)))


def test_a_database_of_another_program_is_a_note(tmp_path: Path) -> None:
    assert "not a database of keypooler" in note(store(tmp_path, "CREATE TABLE keys (id, name)"))


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2027-06-15 12:00:00 +0000 UTC", 1_813_060_800),
        ("2027-06-15 12:00:00.123456789 +0200 CEST m=+1.5", 1_813_053_600),
        ("2027-06-15T12:00:00Z", 1_813_060_800),
        ("2027-06-15 12:00:00", 1_813_060_800),
        ("soon", 0),
        (None, 0),
    ],
)
def test_moments_are_read_as_go_writes_them(moment: str | None, seconds: float) -> None:
    assert _seconds(moment) == seconds


@given(st.text())
def test_no_value_makes_it_raise(value: str) -> None:
    from ringlet_py.moving.stores.databases import offered

    keypooler = Keypooler("/nowhere", environ={"ENCRYPTION_KEY": MASTER}, providers=PROVIDERS, now=NOW)
    shape = {"table": "keys", "always_sealed": True, "bound": {"x": value}, "expires_at": value}
    candidates, notes = offered(
        "/nowhere", [{"id": value, "name": value, "value": value, **shape}], keypooler._candidate
    )
    assert len(candidates) + len(notes) == 1
