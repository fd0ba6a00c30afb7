from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import store_key

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

PASSWORD = "correct-horse-battery"


def test_a_password_does_not_come_in_by_the_command_line(home: Home) -> None:
    done = home.here("config", "set", "ledger.url", f"redis://:{PASSWORD}@127.0.0.1:1/0")

    assert done.status == 2
    assert PASSWORD not in done.out + done.err


def test_it_comes_in_by_standard_input_and_is_never_shown(home: Home) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:1/0"
    shown = [
        home.here("config", "set", "ledger.url", "-", stdin=f"{url}\n".encode()),
        home.here("config", "get", "ledger.url"),
        home.here("config", "list"),
        home.here("config", "explain", "ledger.url", "--json"),
    ]

    assert [done.status for done in shown] == [0] * 4
    assert url in (home.config / "config.toml").read_text()
    assert PASSWORD not in "".join(done.out + done.err for done in shown)
    assert shown[1].out == "redis://***@127.0.0.1:1/0\n"


def test_what_is_no_url_is_refused_and_not_repeated(home: Home) -> None:
    before = (home.config / "config.toml").read_text()
    done = home.here("config", "set", "ledger.url", "-", stdin=PASSWORD.encode())

    assert done.status == 2
    assert PASSWORD not in done.out + done.err
    assert (home.config / "config.toml").read_text() == before


def test_an_option_of_the_command_line_is_a_layer(home: Home) -> None:
    done = home.here("--no-audit-log", "config", "get", "audit.enabled", "--json")

    assert json.loads(done.out) == {
        "schema_version": 1,
        "name": "audit.enabled",
        "value": False,
        "from": "flag",
        "where": "--audit-log/--no-audit-log",
    }


def test_a_value_that_something_else_overrides_says_so(home: Home) -> None:
    environ = {"RINGLET_LEDGER_URL": "redis://127.0.0.1:1/0"}
    done = home.here("config", "set", "ledger.url", "redis://127.0.0.1:2/0", environ=environ)

    assert "note: RINGLET_LEDGER_URL wins over it" in done.err


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("audit.enabled", "false", "no access is recorded"),
        ("credentials.backend", "file", "not encrypted"),
        ("ledger.on-error", "allow", "limits do not hold"),
    ],
)
def test_nothing_is_weakened_without_a_word(home: Home, name: str, value: str, words: str) -> None:
    home.configure("")
    done = home.here("config", "set", name, value)

    assert done.status == 0
    assert words in done.err
    assert f"ringlet config unset {name}" in done.err


def test_what_has_no_place_in_the_file_says_where_it_has(home: Home) -> None:
    done = home.here("config", "set", "keychain-timeout", "60")

    assert done.status == 2
    assert "RINGLET_KEYCHAIN_TIMEOUT" in done.err


def test_keys_in_another_backend_are_not_forgotten(home: Home) -> None:
    store_key(home, "anthropic/work")
    home.here("keychain", "edit", "anthropic", "work", "--secret", "webhook", stdin=b"whsec-0123456789")
    there = home.here("config", "set", "credentials.backend", "sealed")
    back = home.here("config", "set", "credentials.backend", "file")

    move = "ringlet keychain move --from file --to sealed --all"
    assert there.err.splitlines()[1:] == [
        f"warning: 1 key is in file, and out of use while ringlet uses sealed: {move}"
    ]
    assert "out of use" not in back.err


def test_what_cannot_be_counted_is_said_too(home: Home) -> None:
    home.credentials.write_text("[[[")
    home.credentials.chmod(0o600)

    assert "whether keys are in file cannot be told" in home.here("config", "set", "credentials.backend", "sealed").err


def test_json_has_numbers_and_lists_and_yes_or_no(home: Home) -> None:
    listed = json.loads(home.here("config", "list", "--json", environ={"RINGLET_NON_INTERACTIVE": "1"}).out)
    found = {each["name"]: each["value"] for each in listed["settings"]}

    assert found["audit.enabled"] is True
    assert found["non-interactive"] is True
    assert found["audit.max-size"] == 10485760
    assert found["lending.places"] == ["own", "channel", "everyone", "environment"]
    assert found["credentials.backend"] == "file"
    changed = json.loads(home.here("config", "set", "audit.max-size", "8192", "--json").out)
    assert changed["value"] == 8192
    layers = json.loads(home.here("config", "explain", "audit.max-size", "--json").out)["settings"][0]["layers"]
    assert [layer["value"] for layer in layers] == [8192, 10485760]
