from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from ringlet_py.app import App
from ringlet_py.entry import Address
from ringlet_py.errors import SearchIncomplete
from ringlet_py.moving import login_shell
from ringlet_py.moving.stores.reading import MOST_BYTES
from ringlet_py.screens.desk import Desk
from ringlet_py.secret import Secret
from tests.end_to_end.program import KEY, command, store_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.end_to_end.program import Home, Terminal

pytestmark = pytest.mark.slow

AGENT = "#!/bin/sh\n"
OTHER = "sk-proj-" + "z9Y8x7W6v5U4" * 4


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


def test_apply_as_json_says_which_programs_lose_their_key(home: Home):
    path = home.path / ".config/systemd/user/bot.service"
    path.parent.mkdir(parents=True)
    path.write_text(f"[Service]\nEnvironment=ANTHROPIC_API_KEY={KEY}\n")

    shown = home.here("migrate", "apply", "--dry-run").err
    would = json.loads(home.here("migrate", "apply", "--json", "--dry-run").out)
    done = json.loads(home.here("migrate", "apply", "--json", "--yes").out)
    again = json.loads(home.here("migrate", "apply", "--json", "--yes").out)

    (note,) = would["notes"]
    assert note.startswith("bot.service no longer gets ANTHROPIC_API_KEY: ")
    assert f"note: {note}" in shown
    assert done["notes"] == [note]
    assert again["notes"] == []


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


def test_what_could_not_be_put_back_stays_in_the_receipt_until_that_is_dropped(home: Home):
    path = rc(home, text="export ANTHROPIC_API_KEY={0}\nexport OTHER_API_KEY={0}\n")
    home.here("migrate", "apply", "--yes")
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "OTHER" not in line))

    undone = home.here("migrate", "undo", "--yes")

    assert (undone.status, path.read_text()) == (1, f"export ANTHROPIC_API_KEY={KEY}\n")
    assert "was left in line 2 is gone" in undone.err
    (drop,) = [line.partition(": ringlet ")[2].split() for line in undone.err.splitlines() if "--drop" in line]
    refused = home.here(*drop)
    assert (refused.status, "note: still out of ~/.bashrc: anthropic/default" in refused.err) == (4, True)
    assert home.here(*drop, "--yes").status == 0
    listed = home.here("migrate", "list")
    assert (listed.out, listed.err.strip()) == ("", "no receipt is open")
    assert home.here("migrate", "undo").status == 3


def test_only_keys_that_went_back_are_said_to_be_still_in_the_keychain(home: Home):
    other = "sk-proj-" + "z9Y8x7W6v5U4" * 4
    rc(home, text=f"export ANTHROPIC_API_KEY={{}}\nexport OPENAI_API_KEY={other}\n")
    home.here("migrate", "apply", "--yes")
    home.here("keychain", "remove", "anthropic", "default", "--yes")

    undone = home.here("migrate", "undo", "--yes")

    assert undone.status == 1
    assert [line for line in undone.err.splitlines() if "ringlet keychain" in line] == [
        "  ringlet keychain remove openai default"
    ]
    assert json.loads(home.here("migrate", "undo", "--yes", "--json").out)["keys"] == []


def test_a_key_that_has_no_other_copy_is_not_removed_without_asking(home: Home):
    path = rc(home)
    receipt = json.loads(home.here("migrate", "apply", "--yes", "--json").out)["receipt"]

    refused = home.here("keychain", "remove", "anthropic", "default")

    assert refused.status == 4
    assert f"{path} would get it back by ringlet migrate undo {receipt}" in refused.err
    home.here("migrate", "undo", "--yes")
    assert home.here("keychain", "remove", "anthropic", "default").status == 0


@pytest.mark.parametrize(("other", "said"), [(".profile", "~/.profile:1"), (".elsewhere", "something else")])
def test_what_sets_a_variable_still_is_named(home: Home, monkeypatch: pytest.MonkeyPatch, other: str, said: str):
    rc(home)
    rc(home, other).chmod(0o400)
    monkeypatch.setattr(login_shell, "still_set", lambda names, _: names)

    done = home.here("migrate", "apply", "--yes")

    assert f"a new shell still has ANTHROPIC_API_KEY: {said} sets it" in done.err


def test_a_dotenv_file_in_the_home_is_read_as_one(home: Home):
    rc(
        home,
        ".env",
        "AWS_SECRET_ACCESS_KEY=abcdefghij0123456789abcdefghij0123456789\nGITHUB_TOKEN=ghp_0123456789abcdefghij\n",
    )

    shown = home.here("migrate", "scan").out

    assert ("AWS_SECRET_ACCESS_KEY" in shown, "GITHUB_TOKEN" in shown) == (True, True)


def test_a_providers_name_selects_its_keys(home: Home):
    path = rc(home)
    rc(home, ".profile", "export GITHUB_TOKEN=ghp_0123456789abcdefghij\n")

    done = home.here("migrate", "apply", "--yes", "--select", "anthropic", "--no-profile")

    assert (done.status, KEY in path.read_text()) == (0, False)
    assert "ghp_" in (home.path / ".profile").read_text()


@pytest.mark.parametrize("json_", [[], ["--json"]])
def test_a_profile_that_was_asked_for_and_cannot_be_made_is_a_failure(home: Home, json_: list[str]):
    rc(home)

    done = home.here("migrate", "apply", "--yes", "--profile", "day", *json_)
    again = home.here("migrate", "apply", "--yes", "--profile", "day", *json_)

    assert (done.status, again.status) == (1, 1)
    assert "no profile was created: no agent is here that ringlet knows" in done.err
    assert "no profile was created: no key was moved" in again.err


def test_a_profile_is_made_for_a_program_that_asks_as_well(home: Home):
    rc(home)
    home.program("claude", AGENT)

    assert home.here("migrate", "apply", "--yes", "--profile", "day", "--json").status == 0
    assert (home.path / ".ringlet/profiles/day/ringlet.toml").exists()


def test_where_no_history_holds_a_key_none_was_removed(home: Home):
    assert json.loads(home.here("migrate", "history", "--remove", "--yes", "--json").out)["removed"] is False


def test_a_short_value_is_not_looked_for_in_histories(home: Home):
    store_key(home, "custom/pin", "1234567")
    (home.path / ".bash_history").write_text("call 1234567\n")

    shown = home.here("migrate", "history", "--remove", "--yes")

    assert (shown.status, "not looked for: custom/pin" in shown.err) == (0, True)
    assert (home.path / ".bash_history").read_text() == "call 1234567\n"


def test_a_history_that_cannot_be_read_is_never_one_that_holds_nothing(home: Home):
    store_key(home)
    with (home.path / ".zsh_history").open("wb") as file:
        file.truncate(MOST_BYTES + 1)

    shown = home.here("migrate", "history")

    assert "no history holds" not in shown.err
    assert (shown.status, "not every history was looked at (1)" in shown.err) == (SearchIncomplete.exit_status, True)


@pytest.mark.parametrize(("name", "said"), [(".nothing", "no keys lie about"), (".bashrc", "no keys were found in")])
def test_where_not_everything_was_looked_at_nothing_is_said_of_the_rest(home: Home, name: str, said: str):
    (home.path / name).mkdir()

    assert said in home.here("migrate", "scan").err


def test_histories_as_json_count_and_never_show(home: Home):
    store_key(home)
    (home.path / ".python_history").write_text(f"key = '{KEY}'\nprint(1)\n")

    shown = home.here("migrate", "history", "--json")

    assert (shown.status, KEY in shown.out) == (1, False)
    record = json.loads((home.state / "audit.jsonl").read_text().splitlines()[-1])
    assert (record["action"], record["purpose"]) == ("search", "migrate history")
    histories = json.loads(shown.out)["histories"]
    assert [(each["entries"], each["keys"]) for each in histories] == [(1, ["anthropic/default"])]


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


@pytest.mark.keychain
def test_keys_go_into_a_real_keychain_and_come_back(keychain_home: Home):
    path = rc(keychain_home)
    before = path.read_bytes()

    applied = keychain_home.ringlet("migrate", "apply", "--yes")

    assert (applied.status, KEY.encode() in path.read_bytes()) == (0, False), applied.err
    assert keychain_home.ringlet("migrate", "scan").status == 0
    assert keychain_home.ringlet("migrate", "undo", "--yes").status == 0
    assert path.read_bytes() == before


def test_an_undo_shows_no_other_secret_that_stands_beside_a_key(home: Home):
    rc(home, text="export DB_PASSWORD=hunter2-prod ANTHROPIC_API_KEY={}\n")
    (home.path / "work/.mcp.json").write_text(
        '{"mcpServers": {"x": {"env": {"OPENAI_API_KEY": "' + OTHER + '", "X_TOKEN": "tokens-4-all", '
        '"DATABASE_URL": "postgres://me:hunter4@host/db"}}}}'
    )
    moved = home.here("migrate", "apply", "--yes", "--no-profile")
    undone = home.here("migrate", "undo", "--yes")

    for done in (moved, undone):
        assert done.status == 0, done.err
        for secret in (KEY, OTHER, "hunter2", "tokens-4-all", "hunter4"):
            assert secret not in done.out + done.err


def test_a_key_that_is_renamed_can_still_be_put_back_and_is_not_removed_without_asking(home: Home):
    path = rc(home)
    before = path.read_text()
    home.here("migrate", "apply", "--yes", "--no-profile")
    home.here("keychain", "rename", "anthropic", "default", "work")

    assert "ringlet migrate undo" in home.here("keychain", "remove", "anthropic", "work").err
    assert (home.here("migrate", "undo", "--yes").status, path.read_text()) == (0, before)


def test_a_key_in_the_place_of_a_receipt_is_not_repeated(home: Home):
    shown = home.here("migrate", "undo", KEY)

    assert (shown.status, KEY[:20] in shown.err) == (3, False)


def test_neither_way_shows_a_value_that_stands_there_once_more(home: Home):
    value = "0123456789abcdefABCDEF99"
    path = rc(home, text=f"export MINE_API_KEY={value} # was {value}\n")

    there = home.here("migrate", "apply", "--yes", "--no-profile", "--select", "MINE_API_KEY")
    back = home.here("migrate", "undo", "--yes")

    assert value not in there.out + there.err + back.out + back.err
    assert path.read_text().count(value) == 2


def test_a_project_cannot_lead_out_of_its_folder(home: Home):
    rc(home, "deploy.sh")
    project = home.path / "work/clone"
    project.mkdir()
    (project / ".envrc").write_text(f"source $HOME/deploy.sh\nsource {project}/more.sh\n")
    (project / "more.sh").write_text(f"export OPENAI_API_KEY={OTHER}\n")

    done = home.here("migrate", "scan", "--below", str(project), "--json")
    found = {each["place"] for each in json.loads(done.out)["found"]}
    assert found == {str(project / "more.sh")}
    assert "deploy.sh' was not looked at" in done.out


def test_keys_that_have_no_other_copy_are_not_removed_by_a_filter_without_a_word_of_it(home: Home):
    path = rc(home)
    receipt = json.loads(home.here("migrate", "apply", "--yes", "--json").out)["receipt"]
    store_key(home, "openai/spare", OTHER)
    damaged = home.path / ".ringlet/profiles/damaged/ringlet.toml"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("not toml")

    refused = home.here("keychain", "remove", "--where", "active=yes")

    assert refused.status == 4
    assert f"note: {path} would get anthropic/default back by ringlet migrate undo {receipt}" in refused.err
    assert "note: these profiles cannot be read and may use them: damaged" in refused.err
    assert "would get" not in home.here("keychain", "remove", "--where", "provider=openai").err


def test_the_table_of_keys_says_so_before_it_removes_one(home: Home):
    path = rc(home)
    home.here("migrate", "apply", "--yes")
    desk = Desk(app=App(home.environ, say=lambda _: None), ask=Secret, agree=lambda _: False)

    assert f"\n{path} would get it back by ringlet migrate undo " in desk.question([Address("anthropic", "default")])


@pytest.mark.skipif(os.name != "posix", reason="Windows lets no current folder go")
def test_in_a_folder_that_is_gone_it_asks_for_another(home: Home):
    rc(home)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        gone = ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", *command(), "migrate", *words]
        return subprocess.run(gone, cwd=home.path, env=home.environ, capture_output=True, text=True, check=False)

    for words in (("scan",), ("apply", "--yes"), ("scan", "--below", "here")):
        done = run(*words)
        assert (done.returncode, "the current folder is not there any more" in done.stderr) == (2, True)
    done = run("apply", "--yes", "--below", str(home.path), "--select", "*/.bashrc")
    assert (done.returncode, KEY in (home.path / ".bashrc").read_text()) == (0, False)
