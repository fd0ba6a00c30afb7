"""`ringlet pools` as a person meets it, where a transcript cannot show it: processes, terminals, broken files."""

from __future__ import annotations

import gc
import json
import shutil
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests import answers
from tests.end_to_end.program import KEY, Home, Terminal, store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Terminal]

pytestmark = pytest.mark.slow

SHOW = "echo $ANTHROPIC_BASE_URL:$OPENAI_API_KEY:$OTHER"


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the pool `images` of two keys of anthropic, each for two uses a day; to be copied."""
    home = Home.at(tmp_path_factory.mktemp("furnished") / "home")
    store_key(home, "anthropic/a")
    store_key(home, "anthropic/b", KEY + "2")
    done(home, "pools", "create", "images", "--provider", "anthropic", "--limit", "2/day")
    gc.collect()  # closes the ledger, so that nothing of it moves between its files during a copy
    return home


@pytest.fixture
def pool(home: Home, furnished: Home) -> Home:
    """A home with that pool."""
    shutil.copytree(furnished.path, home.path, dirs_exist_ok=True)
    return home


def done(home: Home, *words: str) -> str:
    """What the command printed; it must succeed."""
    outcome = home.here(*words)
    assert outcome.status == 0, outcome.err
    return outcome.out


def keys_of(home: Home, pool: str = "images") -> dict[str, dict[str, object]]:
    (found,) = json.loads(done(home, "pools", "status", pool, "--json"))["pools"]
    return {key["address"]: key for key in found["keys"]}


# claim


def test_a_claimed_key_is_in_the_commands_environment_and_nowhere_else(pool: Home) -> None:
    script = 'tr "\\0" " " < /proc/$$/cmdline; printf %s "$ANTHROPIC_API_KEY" > key; printf done'
    outcome = pool.ringlet("pools", "claim", "anthropic", "--pool", "images", "--", "sh", "-c", script)

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith("done")
    assert KEY not in outcome.out
    assert (pool.path / "work/key").read_text() == KEY


def test_a_claim_hands_over_no_other_key_of_the_callers_environment(pool: Home) -> None:
    environ = {"ANTHROPIC_BASE_URL": "http://elsewhere.invalid", "OPENAI_API_KEY": "made-up", "OTHER": "1"}
    outcome = pool.ringlet("pools", "claim", "--pool", "images", "--", "sh", "-c", SHOW, environ=environ)

    assert outcome.out == "https://api.anthropic.com::1\n"


def test_the_command_takes_the_place_of_ringlet(pool: Home) -> None:
    child = pool.start("pools", "claim", "--pool", "images", "--", "sh", "-c", "echo $$; kill -TERM $$")
    out, _ = child.communicate()

    assert int(out) == child.pid
    assert child.returncode == -signal.SIGTERM


def test_a_key_with_a_base_url_travels_with_it(home: Home) -> None:
    store_key(home, "openai/a")
    done(home, "keychain", "edit", "openai", "a", "--base-url", "https://git.example/v1")
    outcome = home.ringlet("pools", "claim", "openai", "--", "sh", "-c", "echo $OPENAI_BASE_URL")

    assert outcome.out == "https://git.example/v1\n"


def test_a_key_whose_base_url_nothing_would_tell_is_not_handed_over_and_given_back(home: Home) -> None:
    store_key(home, "gitea/a")
    done(home, "keychain", "edit", "gitea", "a", "--base-url", "https://git.example")
    done(home, "pools", "create", "git", "--provider", "gitea", "--limit", "1/day")
    claim = ("pools", "claim", "gitea", "--pool", "git", "--env", "GIT_TOKEN")
    refused = home.ringlet(*claim, "--", "sh", "-c", "echo started")
    given = home.ringlet(*claim, "--base-url-env", "GIT_URL", "--", "sh", "-c", "echo $GIT_URL")

    assert (refused.status, refused.out) == (125, "")
    assert "--base-url-env" in refused.err
    assert given.out == "https://git.example\n"


def test_a_key_that_the_command_could_not_be_started_with_is_given_back(pool: Home) -> None:
    pool.program("broken", "#!/no/such/interpreter\n")
    outcome = pool.ringlet("pools", "claim", "--pool", "images", "--", "broken")

    assert outcome.status == 126
    assert keys_of(pool)["anthropic/a"]["left"] == [{"rate": "2/day", "left": 2}]


def test_a_program_that_is_not_there_is_missed_before_a_key_is_claimed(pool: Home) -> None:
    assert pool.ringlet("pools", "claim", "--pool", "images", "--", "no-such-program").status == 127
    assert "claim" not in [record["action"] for record in json.loads(done(pool, "audit", "list", "--json"))["records"]]


def test_a_claim_waits_for_a_key_that_becomes_free(pool: Home) -> None:
    done(pool, "pools", "edit", "images", "--limit", "1/1.5s", "--where", "alias=a")
    claim = ("pools", "claim", "--pool", "images", "--wait", "30", "--purpose", "a test", "--", "true")
    began = time.monotonic()
    statuses = [pool.ringlet(*claim).status for _ in range(2)]

    assert statuses == [0, 0]
    assert time.monotonic() - began >= 1.4
    purposes = [record.get("purpose") for record in json.loads(done(pool, "audit", "list", "--json"))["records"]]
    assert purposes.count("a test") == 2


def test_ctrl_c_ends_the_wait(pool: Home) -> None:
    for alias in ("a", "b"):
        done(pool, "pools", "report", "anthropic", alias, "rate-limited", "--retry-after", "600")
    child = pool.start("pools", "claim", "--pool", "images", "--wait", "600", "--", "true")
    wait_until(lambda: any("'images'" in line for line in dump(pool) if line.startswith('INSERT INTO "turns"')))
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)

    assert child.returncode == 130
    assert b"Traceback" not in err


# explain, report, wake


def test_the_users_own_key_comes_first_and_the_variable_last(pool: Home) -> None:
    store_key(pool, "anthropic/mine", KEY + "3")
    done(pool, "keychain", "edit", "anthropic", "mine", "--owner", "user:42")
    shown = done(pool, "pools", "explain", "anthropic", "--user", "42", "--channel", "7")

    assert [line.split(":")[0] for line in shown.splitlines() if line[0].isdigit()] == [
        "1. own",
        "2. channel",
        "3. everyone",
        "4. environment",
    ]
    assert shown.splitlines()[-1] == "a claim now gets anthropic/mine"


def test_explaining_takes_nothing(pool: Home) -> None:
    done(pool, "pools", "explain", "images", "--user", "42")
    before = dump(pool)
    done(pool, "pools", "explain", "images", "--user", "42", "--json")
    done(pool, "pools", "status")

    assert dump(pool) == before


def test_keys_of_one_org_rest_and_wake_together(pool: Home) -> None:
    done(pool, "keychain", "edit", "--where", "provider=anthropic", "--org", "acme", "--yes")
    reported = pool.here("pools", "report", "anthropic", "a", "rate-limited", "--retry-after", "60")

    assert "with all keys of the org acme" in reported.err
    assert {key["state"] for key in keys_of(pool).values()} == {"resting"}

    done(pool, "pools", "wake", "anthropic", "b")

    assert {key["state"] for key in keys_of(pool).values()} == {"free"}


def test_an_orgs_cooldown_ends_although_no_claim_has_named_its_keys_yet(home: Home) -> None:
    store_key(home, "anthropic/a")
    store_key(home, "anthropic/b", KEY + "2")
    done(home, "keychain", "edit", "--where", "provider=anthropic", "--org", "acme", "--yes")
    done(home, "pools", "report", "anthropic", "a", "rate-limited")
    woken = json.loads(done(home, "pools", "wake", "anthropic", "b", "--json"))

    assert woken["state"] == "free"


def test_this_key_spares_the_others_of_its_org(pool: Home) -> None:
    done(pool, "keychain", "edit", "--where", "provider=anthropic", "--org", "acme", "--yes")
    done(pool, "pools", "report", "anthropic", "a", "rate-limited", "--retry-after", "60", "--this-key")

    assert [key["state"] for key in keys_of(pool).values()] == ["resting", "free"]


def test_a_report_for_a_feature_is_for_it_alone(pool: Home) -> None:
    done(pool, "pools", "report", "anthropic", "a", "rate-limited", "--feature", "image")

    assert keys_of(pool)["anthropic/a"]["state"] == "free"
    assert "resting" in done(pool, "pools", "status", "images", "--feature", "image")


def test_reports_and_wakes_are_recorded(pool: Home) -> None:
    done(pool, "pools", "report", "anthropic", "a", "invalid")
    done(pool, "pools", "wake", "anthropic", "a")
    records = json.loads(done(pool, "audit", "list", "--key", "anthropic/a", "--json"))["records"]

    assert [(record["action"], record.get("purpose")) for record in records[-2:]] == [
        ("report", "invalid"),
        ("wake", ""),
    ]


def test_a_report_on_a_key_whose_tier_is_gone_says_so_and_changes_nothing(pool: Home) -> None:
    done(pool, "tiers", "set", "gold", "image=1/day")
    done(pool, "keychain", "edit", "anthropic", "a", "--tier", "gold")
    done(pool, "tiers", "delete", "gold", "--yes")
    refused = pool.here("pools", "report", "anthropic", "a", "invalid")
    done(pool, "keychain", "edit", "anthropic", "a", "--tier", "")

    assert refused.status == 3
    assert keys_of(pool)["anthropic/a"]["state"] == "free"


def test_the_status_of_the_keychain_shows_who_rests(pool: Home) -> None:
    done(pool, "pools", "report", "anthropic", "a", "rate-limited", "--retry-after", "60")
    found = json.loads(done(pool, "keychain", "status", "--json"))

    assert [(entry["address"], entry["state"]) for entry in found["entries"]] == [
        ("anthropic/a", "resting"),
        ("anthropic/b", "usable"),
    ]
    assert [(group["resting"], group["usable"]) for group in found["groups"]] == [(1, 1)]


def test_the_status_of_the_keychain_makes_no_ledger(home: Home) -> None:
    done(home, "keychain", "status")

    assert not (home.state / "ledger.sqlite").exists()


# delete


def test_deleting_a_pool_that_profiles_use_names_them(pool: Home) -> None:
    text = 'agent = "claude"\nprovider = "anthropic"\n[provider-config]\nkey-pool = "images"\n'
    pool.profile("painter", text)
    refused = pool.here("pools", "delete", "images")

    assert refused.status == 4
    assert "painter" in refused.err
    assert done(pool, "pools", "list")
    assert pool.here("pools", "delete", "images", "--yes").status == 0


def test_a_profile_shows_the_pool_that_its_key_comes_from(pool: Home) -> None:
    text = 'agent = "claude"\nprovider = "anthropic"\n[provider-config]\nkey-pool = "images"\n'
    pool.profile("painter", text)

    assert json.loads(done(pool, "profiles", "inspect", "painter", "--json"))["profile"]["keys"] == {
        "ANTHROPIC_API_KEY": "pool images"
    }


def test_deleting_a_pool_asks_at_a_terminal(pool: Home, terminal: Start) -> None:
    child = terminal("pools", "delete", "images")
    child.expect_exact("delete the pool images?")
    child.sendline("n")
    child.expect(pexpect.EOF)

    assert "images" in done(pool, "pools", "list")


@pytest.mark.parametrize("kind", ["pool", "tier"])
@pytest.mark.parametrize("text", ["no json", "[]", '{"provider": "openai", "polcy": "first"}'])
def test_what_cannot_be_read_says_so_and_can_be_deleted(pool: Home, kind: str, text: str) -> None:
    with sqlite3.connect(pool.state / "ledger.sqlite") as ledger:
        ledger.execute("INSERT INTO documents VALUES (?, 'odd', ?)", (kind, text))
    refused = pool.here(f"{kind}s", "list")

    assert refused.status == 9
    assert f"ringlet {kind}s delete odd" in refused.err
    assert pool.here(f"{kind}s", "delete", "odd", "--yes").status == 0
    assert pool.here(f"{kind}s", "list").status == 0


# the ledger


@pytest.mark.parametrize(
    "words",
    [
        ("pools", "list"),
        ("pools", "status"),
        ("pools", "explain", "anthropic"),
        ("pools", "create", "more", "--provider", "anthropic"),
        ("pools", "wake", "anthropic", "a"),
        ("tiers", "list"),
    ],
    ids=" ".join,
)
def test_a_ledger_that_is_none_is_left_as_it_is_with_the_next_step(pool: Home, words: tuple[str, ...]) -> None:
    ledger = pool.state / "ledger.sqlite"
    for name in ("-wal", "-shm"):
        (pool.state / f"ledger.sqlite{name}").unlink(missing_ok=True)
    ledger.write_bytes(b"this was a ledger once " * 400)
    before = ledger.read_bytes()
    outcome = pool.here(*words)

    assert outcome.status == 9
    assert "ringlet: hint: move it away" in outcome.err
    assert ledger.read_bytes() == before


def test_a_newer_ledger_is_refused(pool: Home) -> None:
    with sqlite3.connect(pool.state / "ledger.sqlite") as ledger:
        ledger.execute("PRAGMA user_version = 99")

    assert "is of version 99" in pool.here("pools", "list").err
    assert pool.ringlet("pools", "claim", "--pool", "images", "--", "true").status == 125


# watching


def test_watching_without_a_terminal_prints_a_line_for_each_change(pool: Home) -> None:
    child = pool.start("pools", "status", "--watch")
    assert child.stdout is not None
    first = [child.stdout.readline().decode() for _ in range(2)]
    done(pool, "pools", "report", "anthropic", "b", "invalid")
    changed = child.stdout.readline().decode()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)

    assert [line.split()[1:4] for line in first] == [
        ["images", "anthropic/a", "free;"],
        ["images", "anthropic/b", "free;"],
    ]
    assert changed.split()[1:4] == ["images", "anthropic/b", "invalid;"]
    assert (child.returncode, out, err) == (130, b"", b"")


def test_watching_as_json_is_one_object_a_line(pool: Home) -> None:
    child = pool.start("pools", "status", "--watch", "--json")
    assert child.stdout is not None
    line = child.stdout.readline().decode()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    answers.check(("pools", "status", "--watch", "--json"), line)
    found = json.loads(line)

    assert (found["schema_version"], found["pool"], found["address"]) == (1, "images", "anthropic/a")


def test_watching_at_a_terminal_redraws_and_leaves_it_as_it_was(pool: Home, terminal: Start) -> None:
    child = terminal("pools", "status", "--watch")
    child.setwinsize(24, 60)
    child.expect_exact("\x1b[?1049h\x1b[?25l")
    child.expect_exact("anthropic/b")
    done(pool, "pools", "report", "anthropic", "b", "invalid")
    child.expect_exact("invalid")
    seen = child.before or ""
    child.sendintr()
    child.expect_exact("\x1b[?25h\x1b[?1049l")
    child.expect(pexpect.EOF)
    child.wait()

    assert child.exitstatus == 130
    assert "\x1b[2J" not in seen  # a screen that is cleared flickers
    assert "\x1b[H" in seen
    assert KEY not in seen + (child.before or "")


def test_a_picture_is_cut_to_the_screen(pool: Home, terminal: Start) -> None:
    child = terminal("pools", "status", "--watch", environ={"COLUMNS": "20", "LINES": "4"})
    child.setwinsize(4, 20)
    child.expect_exact("more lines")
    child.expect_exact("\x1b[H")
    child.expect_exact("\x1b[J")
    picture = child.before or ""
    child.sendintr()
    child.expect(pexpect.EOF)

    lines = picture.replace("\x1b[K", "").replace("\r", "").split("\n")
    assert len(lines) == 4
    assert max(map(len, lines)) <= 20


def test_a_terminal_that_knows_lines_alone_gets_lines(pool: Home, terminal: Start) -> None:
    child = terminal("pools", "status", "--watch", environ={"TERM": "dumb"})
    child.expect_exact("images anthropic/a free")
    child.sendintr()
    child.expect(pexpect.EOF)

    assert "\x1b" not in (child.before or "")


def test_nothing_that_pools_print_holds_a_key(pool: Home) -> None:
    for words in (("list",), ("status",), ("explain", "images"), ("report", "anthropic", "a", "ok")):
        for more in ((), ("--json",)):
            outcome = pool.here("pools", *words, *more)
            assert KEY not in outcome.out + outcome.err


def dump(home: Home) -> list[str]:
    """Everything that the ledger holds."""
    ledger = sqlite3.connect(home.state / "ledger.sqlite")
    try:
        return list(ledger.iterdump())
    finally:
        ledger.close()


def wait_until(happened: Callable[[], bool]) -> None:
    """Returns once it happened; a minute is for broken machines."""
    ending = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < ending
        time.sleep(0.02)
