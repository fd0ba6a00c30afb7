from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from tests.end_to_end.program import Home


@pytest.mark.parametrize(
    "line",
    [
        "where acme/work --json",
        "keychain status acme/work",
        "keychain edit acme/work --label mine",
        "keychain remove acme/work",
        "where acme/work work --json",
    ],
)
def test_an_address_is_taken_as_it_is_printed(home: Home, line: str) -> None:
    store_key(home, "acme/work", "made-up-" + KEY[-30:])
    done = home.here(*line.split())

    assert done.status == 0, done.err
    assert "acme/work" in done.out + done.err


def test_a_key_is_stored_at_the_address_as_it_is_printed(home: Home) -> None:
    assert home.here("keychain", "set", "acme/work", stdin=KEY.encode()[-30:]).status == 0
    assert home.here("keychain", "list").out == "acme/work\n"


def test_where_a_further_name_follows_two_words_are_asked_for(home: Home) -> None:
    done = home.here("keychain", "rename", "acme/work", "home")

    assert done.status == 2
    assert "hint: write provider and alias as two words: ringlet keychain rename --help" in done.err


def test_a_second_alias_is_refused(home: Home) -> None:
    store_key(home, "acme/work", "made-up-" + KEY[-30:])
    done = home.here("keychain", "check", "acme/work", "home", "--json")

    assert done.status == 2
    assert json.loads(done.err)["hint"] == "write PROVIDER/ALIAS, or PROVIDER ALIAS"


def test_a_pasted_key_with_a_slash_is_not_repeated(home: Home) -> None:
    for pasted in ("YWJj/ZGVmZ2hpams+bG1ubw", "sk-ant-api03-aaaaaaaaaa/bbbbbbbbbb"):
        done = home.here("where", pasted)

        assert done.status == 2
        assert not any(part in done.out + done.err for part in pasted.split("/"))
