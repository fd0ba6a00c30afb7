from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.cli.main import run
from tests.end_to_end.program import KEY, Home, store_key

if TYPE_CHECKING:
    from tests.secret_services import GnomeKeyring

pytestmark = pytest.mark.slow

FOUND, INCOMPLETE = 1, 17


@pytest.fixture
def stored(home: Home) -> Home:
    store_key(home, "anthropic/work")
    return home


def places(home: Home, *argv: str, **environ: str) -> list[tuple[str, str, int, str]]:
    """What `ringlet where` says, without the keychain itself."""
    done = home.here("where", "anthropic", "work", "--json", *argv, environ=environ)
    assert done.status == 0, done.err
    assert KEY not in done.out + done.err
    found: list[dict[str, Any]] = json.loads(done.out)["places"]
    return [(each["kind"], each["place"], each["line"], each["form"]) for each in found]


def test_a_finding_says_where_whose_and_in_which_form_and_never_what(stored: Home):
    (stored.path / "work/notes.txt").write_text(f"one\ntwo {KEY}{KEY}\n{base64.b64encode(KEY.encode()).decode()}\n")
    done = stored.here("scan")

    assert done.status == FOUND
    assert done.out == "notes.txt:2: anthropic/work (plain)\nnotes.txt:3: anthropic/work (base64)\n"
    assert done.err == f"looking for 1 stored value ({stored.credentials}) in files\n"


def test_json_has_the_same_and_how_much_was_looked_for(stored: Home):
    stored.here("keychain", "set", "anthropic", "tiny", "--force", stdin=b"abc1234")
    (stored.path / "work/notes.txt").write_text(KEY)
    done = stored.here("scan", "--json")

    assert done.status == FOUND
    assert json.loads(done.out) == {
        "schema_version": 1,
        "values": 1,
        "too_short": ["anthropic/tiny"],
        "findings": [{"kind": "file", "place": "notes.txt", "line": 1, "address": "anthropic/work", "form": "plain"}],
        "unread": [],
    }
    assert "not looked for: anthropic/tiny" in done.err


def test_nothing_found_is_0_and_recorded_as_a_search_and_no_use(stored: Home):
    (stored.path / "work/notes.txt").write_text("clean")

    assert stored.here("scan").status == 0
    records = json.loads(stored.here("audit", "list", "--json").out)["records"]
    assert [(each["action"], each["purpose"]) for each in records][-1] == ("search", "scan: files")
    status = json.loads(stored.here("keychain", "status", "--json").out)
    assert status["entries"][0]["last_used_at"] is None


def test_the_file_that_is_the_keychain_is_no_finding(stored: Home):
    assert stored.here("scan", str(stored.path)).status == 0


def test_bound_secrets_are_looked_for(stored: Home):
    stored.here("keychain", "edit", "anthropic", "work", "--secret", "webhook", stdin=b"whsec-made-up-0123456789")
    (stored.path / "work/notes.txt").write_text("whsec-made-up-0123456789")

    assert stored.here("scan").out == "notes.txt:1: anthropic/work#webhook (plain)\n"


def test_a_keychain_that_cannot_be_read_is_never_nothing_found(stored: Home):
    stored.credentials.write_text("not TOML")

    assert stored.here("scan").status == 9


def test_a_record_that_cannot_be_written_stops_the_search(stored: Home):
    (stored.state / "audit.jsonl").unlink()
    (stored.state / "audit.jsonl").mkdir()

    assert stored.here("scan").status == 12


def test_what_could_not_be_looked_at_is_neither_clean_nor_a_finding(stored: Home):
    done = stored.here("scan", "none")

    assert done.status == INCOMPLETE
    assert "not looked at: none: No such file or directory" in done.err


def test_a_finding_counts_more_than_what_could_not_be_looked_at(stored: Home):
    (stored.path / "work/notes.txt").write_text(KEY)

    assert stored.here("scan", "none", "notes.txt").status == FOUND


def test_a_name_of_a_file_cannot_write_to_the_terminal(stored: Home):
    (stored.path / "work/a\x1b[2Jb\nc").write_text(KEY)

    assert stored.here("scan").out == "a\\x1b[2Jb\\nc:1: anthropic/work (plain)\n"


def test_a_name_that_holds_a_value_is_found_and_not_shown(stored: Home):
    folder = stored.path / "work" / f"-{base64.b64encode(b'x' + KEY.encode()).decode()}"
    folder.mkdir()
    (folder / f"{KEY}.txt").write_text(f"\n{KEY}")
    (folder / "gone").symlink_to("nowhere")
    done = stored.here("scan", ".", f"{folder}/gone")

    assert done.out.splitlines() == [
        "-e***=/***.txt: anthropic/work (base64, in its name)",
        "-e***=/***.txt: anthropic/work (plain, in its name)",
        "-e***=/***.txt:2: anthropic/work (plain)",
    ]
    assert f"{stored.path}/work/-e***=/gone: No such file" in done.err
    assert done.status == FOUND
    assert KEY not in done.err
    assert folder.name not in done.err


def test_agents_files_transcripts_and_histories_are_known(stored: Home):
    for name in (
        ".claude/projects/p/s.jsonl", ".claude.json", "moved/history.jsonl", ".codex/auth.json", ".bash_history",
        ".local/share/fish/fish_history", ".ringlet/profiles/work/config/history.jsonl", "kept/elsewhere",
    ):  # fmt: skip
        path = stored.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"text": "{KEY}"}}\n')
    (stored.path / "work/notes.txt").write_text(KEY)
    environ = {"CLAUDE_CONFIG_DIR": str(stored.path / "moved"), "HISTFILE": str(stored.path / "kept/elsewhere")}
    done = stored.here("scan", "--agents", environ=environ)

    shown = {line.removeprefix(f"{stored.path}/").partition(":")[0] for line in done.out.splitlines()}
    assert shown == {
        ".claude/projects/p/s.jsonl", ".claude.json", "moved/history.jsonl", ".codex/auth.json", ".bash_history",
        ".local/share/fish/fish_history", ".ringlet/profiles/work/config/history.jsonl", "kept/elsewhere",
    }  # fmt: skip


def test_an_unknown_word_for_the_hook_is_refused(stored: Home):
    assert stored.here("scan", "--hook", "instal").status == 2


# where


def test_where_knows_keychain_environment_and_files(stored: Home):
    (stored.path / ".bashrc").write_text(f"x\nexport ANTHROPIC_API_KEY={KEY}\n")
    (stored.path / ".config/fish").mkdir()
    (stored.path / ".config/fish/config.fish").write_text(f"set -gx ANTHROPIC_API_KEY {KEY}\n")
    (stored.path / "work/notes.txt").write_text(KEY)

    assert places(stored, MY_KEY=KEY) == [
        ("keychain", str(stored.credentials), 0, "stored"),
        ("environment", "$MY_KEY", 0, "plain"),
        ("file", str(stored.path / ".bashrc"), 2, "plain"),
        ("file", str(stored.path / ".config/fish/config.fish"), 1, "plain"),
        ("file", "notes.txt", 1, "plain"),
    ]
    below = places(stored, "--below", str(stored.path))
    assert len(below) == len(set(below)) == 4


def test_where_knows_other_backends_and_addresses(stored: Home):
    store_key(stored, "anthropic/copy")
    stored.configure('[credentials]\nbackend = "sealed"\n[sealed]\nmaster-key = "file"\n')
    store_key(stored, "anthropic/work")
    store_key(stored, "openai/same")
    found = json.loads(stored.here("where", "anthropic", "work", "--json").out)["places"]

    assert [(each["address"], each["place"]) for each in found] == [
        ("anthropic/work", "ledger, sealed"),
        ("anthropic/work", str(stored.credentials)),
        ("openai/same", "ledger, sealed"),
    ]


def test_where_says_who_used_it_last(stored: Home):
    assert "last used: never" in stored.here("where", "anthropic", "work").err
    stored.ringlet("run", "--key", "anthropic/work", "--purpose", "the test", "--", "true")
    done = stored.here("where", "anthropic", "work")

    assert "purpose the test" in done.err
    assert done.out == f"keychain  {stored.credentials}  anthropic/work  stored\n"


def test_where_says_how_all_of_the_home_is_looked_at(stored: Home):
    elsewhere = stored.path / "elsewhere/notes.txt"
    elsewhere.parent.mkdir()
    elsewhere.write_text(KEY)
    said = stored.here("where", "anthropic", "work").err
    wider = f"--below {stored.path}"
    assert said.endswith(f"all of yours: ringlet where anthropic work {wider}\n")

    done = stored.here("where", "anthropic", "work", *wider.split())
    assert "elsewhere/notes.txt:1" in done.out
    assert "--below" not in done.err


def test_where_refuses_a_folder_that_is_not_there(stored: Home):
    done = stored.here("where", "anthropic", "work", "--below", "nowhere")

    assert (done.status, done.out) == (2, "")
    assert "there is no folder 'nowhere'" in done.err
    pasted = stored.here("where", "anthropic", "work", "--below", f"/nowhere/{KEY}")
    assert "there is no folder '/nowhere/***'" in pasted.err
    assert KEY not in pasted.err


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_where_that_could_not_look_everywhere_says_so_by_its_status(stored: Home, options: tuple[str, ...]):
    (stored.path / "work/loop").symlink_to("loop")
    done = stored.here("where", "anthropic", "work", "--below", "loop", *options)

    assert (done.status, "stored" in done.out) == (INCOMPLETE, True)
    assert "not everything was looked at (1)" in done.err


def test_where_of_a_key_that_is_not_there_says_what_is(stored: Home):
    done = stored.here("where", "anthropic", "wrok")

    assert done.status == 3
    assert "anthropic/work" in done.err


def test_where_looks_into_the_repository_of_the_current_folder(stored: Home):
    from tests.searching.repositories import git, needs_git

    needs_git()
    git(stored, "init")
    (stored.path / "work/a").write_text(KEY)
    git(stored, "add", "a")
    git(stored, "commit", "-m", "one")
    (stored.path / "work/a").write_text("clean")

    [(kind, place, line, form)] = places(stored)[1:]
    assert (kind, place.partition(":")[2], line, form) == ("history", "a", 1, "plain")


@pytest.mark.keychain
def test_a_locked_keychain_is_never_nothing_found(keychain_home: Home, gnome: GnomeKeyring):
    store_key(keychain_home)
    gnome.lock()

    assert keychain_home.ringlet("--non-interactive", "scan").status == 5


def test_a_terminal_shows_how_far_it_is(stored: Home):
    with open(stored.path / "work/large", "wb") as file:
        file.writelines(os.urandom(1 << 20) for _ in range(700))
        file.write(b"\n" + KEY.encode())
    terminal = stored.at_terminal("scan")
    terminal.expect("searching")
    terminal.expect(r"\d+%")
    terminal.expect("anthropic/work")
    terminal.expect_exact("\x1b[?25h")
    terminal.close()


# a folder that is gone


@pytest.fixture
def gone(stored: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The current folder was deleted."""
    folder = stored.path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    return stored


@pytest.mark.skipif(os.name != "posix", reason="Windows lets no current folder go")
@pytest.mark.parametrize("words", ["", "below", "--staged", "--history", "--hook status"])
def test_in_a_folder_that_is_gone_scan_asks_for_another(
    gone: Home, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(["scan", *words.split()], gone.environ)

    assert (status, capsys.readouterr().out) == (2, "")


@pytest.mark.skipif(os.name != "posix", reason="Windows lets no current folder go")
def test_it_says_what_is_gone(gone: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run(["scan"], gone.environ)

    assert capsys.readouterr().err.splitlines() == [
        "ringlet: error: the current folder is not there any more",
        "ringlet: hint: cd, then this again; or: ringlet scan /FOLDER",
    ]


@pytest.mark.skipif(os.name != "posix", reason="Windows lets no current folder go")
def test_what_needs_no_current_folder_works_there(gone: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "--agents"], gone.environ) == 0
    assert run(["scan", str(gone.path / "work")], gone.environ) == 0
    assert run(["where", "anthropic", "work"], gone.environ) == 0
    assert "keychain" in capsys.readouterr().out
