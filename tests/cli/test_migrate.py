from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.end_to_end.program import Home, Terminal

AGENT = "#!/bin/sh\n"


def rc(home: Home, name: str = ".bashrc", text: str = "export ANTHROPIC_API_KEY={}\n") -> Path:
    path = home.path / name
    path.write_text(text.format(KEY))
    return path


def test_a_scan_as_json_says_everything_but_the_value(home: Home):
    path = rc(home)

    shown = home.here("migrate", "scan", "--json", environ={"ANTHROPIC_API_KEY": KEY})

    assert shown.status == 1
    assert KEY not in shown.out
    document = json.loads(shown.out)
    assert document["schema_version"] == 1
    assert document["found"][0] == {
        "place": str(path),
        "kind": "shell",
        "line": 1,
        "variable": "ANTHROPIC_API_KEY",
        "provider": "anthropic",
        "address": "anthropic/default",
        "stored": False,
        "tail": f"…{KEY[-4:]}",
        "level": "sure",
        "certain": True,
        "why_not": "",
        "remove": "",
    }
    assert document["found"][1]["why_not"] == f"set by {path}:1"


def test_apply_as_json_says_what_was_done(home: Home):
    path = rc(home)

    would = json.loads(home.here("migrate", "apply", "--json", "--dry-run").out)
    done = json.loads(home.here("migrate", "apply", "--json", "--yes").out)

    assert (would["would_store"], would["would_edit"]) == (["anthropic/default"], [str(path)])
    assert (done["stored"], done["edited"], done["problems"]) == (["anthropic/default"], [str(path)], [])
    listed = json.loads(home.here("migrate", "list", "--json").out)["receipts"]
    assert [(each["receipt"], each["keys"]) for each in listed] == [(done["receipt"], ["anthropic/default"])]


def test_keeping_the_files_stores_the_keys(home: Home):
    path = rc(home)

    assert home.here("migrate", "apply", "--keep", "--yes").status == 0

    assert KEY in path.read_text()
    assert "anthropic/default" in home.here("keychain", "list").out


def test_a_profile_is_made_for_an_agent_that_is_here(home: Home):
    rc(home)
    home.program("claude", AGENT)

    done = home.here("migrate", "apply", "--yes", "--profile", "day")

    assert "created day; run it: ringlet run day" in done.err
    assert 'agent = "claude"' in (home.path / ".ringlet/profiles/day/ringlet.toml").read_text()


def test_a_file_that_cannot_be_edited_is_named_and_its_key_is_not_moved(home: Home):
    path = rc(home)
    path.chmod(0o400)

    scan, apply = home.here("migrate", "scan"), home.here("migrate", "apply", "--yes")

    assert "it is read-only" in scan.out
    assert "note: ANTHROPIC_API_KEY in ~/.bashrc:1 is left: it is read-only" in apply.err
    assert "there is nothing to move" in apply.err
    assert (apply.status, home.here("migrate", "apply", "--yes", "--select", "~/.bashrc").status) == (0, 1)
    assert home.here("keychain", "list").out == ""


def test_a_key_that_stands_where_it_cannot_be_cut_is_a_finding_to_be_mended_by_hand(home: Home):
    rc(home, text="export ANTHROPIC_API_KEY=$(echo {})\n")

    shown = home.here("migrate", "scan")

    assert (shown.status, KEY in shown.out) == (1, False)
    assert "~/.bashrc:1" in shown.out
    assert "left where they are" in shown.err


def test_a_damaged_receipt_is_named_and_the_others_are_listed(home: Home):
    rc(home)
    home.here("migrate", "apply", "--yes")
    bad = home.state / "receipts/20200101T000000-aaaaaa.json"
    bad.write_text("{")
    bad.chmod(0o600)

    listed = home.here("migrate", "list")

    assert f"the receipt {bad} cannot be read" in listed.out
    assert "~/.bashrc" in listed.out
    assert home.here("migrate", "undo", "2020").status == 9


def test_a_short_value_is_not_looked_for_in_histories(home: Home):
    store_key(home, "custom/pin", "1234567")
    (home.path / ".bash_history").write_text("call 1234567\n")

    assert home.here("migrate", "history", "--remove", "--yes").status == 0
    assert (home.path / ".bash_history").read_text() == "call 1234567\n"


def test_histories_as_json_count_and_never_show(home: Home):
    store_key(home)
    (home.path / ".python_history").write_text(f"key = '{KEY}'\nprint(1)\n")

    shown = home.here("migrate", "history", "--json")

    assert (shown.status, KEY in shown.out) == (1, False)
    record = json.loads((home.state / "audit.jsonl").read_text().splitlines()[-1])
    assert (record["action"], record["purpose"]) == ("search", "migrate history")
    histories = json.loads(shown.out)["histories"]
    assert [(each["entries"], each["keys"]) for each in histories] == [(1, ["anthropic/default"])]


@pytest.mark.slow
def test_four_at_once_move_every_key_once_and_one_undo_brings_it_back(home: Home):
    path, other = rc(home), rc(home, ".profile", "export ANTHROPIC_API_KEY={}\nexport OTHER=1\n")
    before = (path.read_bytes(), other.read_bytes())

    started = [home.start("migrate", "apply", "--yes", "--no-profile") for _ in range(4)]
    said = [each.communicate(timeout=60) for each in started]

    assert KEY.encode() not in path.read_bytes() + other.read_bytes()
    assert not [each for pair in said for each in pair if b"Traceback" in each or KEY.encode() in each]
    assert json.loads(home.here("keychain", "list", "--json").out)["entries"][0]["address"] == "anthropic/default"
    while home.here("migrate", "undo", "--yes").status == 0:
        pass
    assert (path.read_bytes(), other.read_bytes()) == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="plays a terminal")
def test_a_person_is_asked_once_for_the_move_and_once_for_a_profile(home: Home, terminal: Callable[..., Terminal]):
    path = rc(home)
    home.program("claude", AGENT)
    screen = terminal("migrate", "apply")
    screen.expect_exact("move 1 key")
    screen.sendline("y")
    screen.expect_exact("create a profile claude, which runs claude with anthropic/default?")
    screen.sendline("y")
    screen.expect_exact("created claude")
    screen.wait()

    assert KEY not in path.read_text()
    assert (home.path / ".ringlet/profiles/claude/ringlet.toml").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="plays a terminal")
def test_a_person_who_says_no_changes_nothing(home: Home, terminal: Callable[..., Terminal]):
    path = rc(home)
    screen = terminal("migrate", "apply")
    screen.expect_exact("move 1 key")
    screen.sendline("n")
    screen.expect_exact("nothing was changed")
    screen.wait()

    assert KEY in path.read_text()
    assert home.here("keychain", "list").out == ""


@pytest.mark.slow
@pytest.mark.keychain
def test_keys_go_into_a_real_keychain_and_come_back(keychain_home: Home):
    path = rc(keychain_home)
    before = path.read_bytes()

    applied = keychain_home.ringlet("migrate", "apply", "--yes")

    assert (applied.status, KEY.encode() in path.read_bytes()) == (0, False), applied.err
    assert keychain_home.ringlet("migrate", "scan").status == 0
    assert keychain_home.ringlet("migrate", "undo", "--yes").status == 0
    assert path.read_bytes() == before
