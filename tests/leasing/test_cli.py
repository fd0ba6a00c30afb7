from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.app import App
from ringlet_py.completion.candidates import candidates
from ringlet_py.tokens import Caller
from tests.end_to_end.program import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.program import Home, Terminal

pytestmark = pytest.mark.slow

CREATE = ("profiles", "create", "work", "--agent", "claude", "--provider", "anthropic", "--key-alias", "work")


@pytest.fixture
def home(home: Home) -> Home:
    """A profile that is granted its key for eight hours."""
    home.program("claude", "#!/bin/sh\necho started\n")
    assert home.here("keychain", "set", "anthropic", "work", stdin=KEY.encode()).status == 0
    assert home.here(*CREATE, "--lease", "8h").status == 0
    return home


def leases(home: Home, *options: str) -> list[dict[str, Any]]:
    found = json.loads(home.here("leases", "list", "--json", *options).out)["leases"]
    assert isinstance(found, list)
    return found


def lend(home: Home) -> str:
    """A lease as the daemon makes one."""
    app = App(home.environ)
    request = Caller(name="admin").request(provider="anthropic")
    return app.leasing.remember(app.broker.claim(request), request).id


def test_both_doors_stop_at_a_lease_that_was_revoked_and_go_on_when_it_is_granted(home: Home) -> None:
    [lease] = leases(home)
    light, slow = ("run", "work"), ("profiles", "run", "work", "--audit-log", "--purpose=x")
    for words in (light, light, slow):
        assert home.ringlet(*words).out == "started\n"
    revoked = home.here("leases", "revoke", lease["id"])
    assert "revoked\nnote: whoever has read the key still has it" in revoked.err
    for words in (light, slow):
        outcome = home.ringlet(*words)
        assert (outcome.status, outcome.out) == (125, "")
        assert "error: the profile work is not granted anthropic/work" in outcome.err
        assert "hint: ringlet leases grant work" in outcome.err
    assert home.here("leases", "grant", "work").status == 0
    for words in (light, slow):
        assert home.ringlet(*words).out == "started\n"


def test_a_refused_start_is_recorded_and_fetches_no_key(home: Home) -> None:
    home.here("leases", "revoke", leases(home)[0]["id"])
    home.credentials.unlink()
    outcome = home.ringlet("run", "work")
    assert "not granted" in outcome.err
    records = json.loads(home.here("audit", "list", "--json").out)["records"]
    assert (records[-1]["action"], records[-1]["outcome"]) == ("claim", "lease-ended")


def test_a_line_written_by_hand_grants_nothing(home: Home) -> None:
    home.profile(
        "mine", 'lease = "8h"\nagent = "claude"\nprovider = "anthropic"\n[provider-config]\nkey-alias = "work"\n'
    )
    assert "hint: ringlet leases grant mine" in home.ringlet("run", "mine").err


def test_renewed_reported_released(home: Home) -> None:
    id_ = lend(home)
    renewed = home.here("leases", "renew", id_, "--ttl", "8h", "--json")
    lease = json.loads(renewed.out)["lease"]
    assert (lease["id"], lease["state"]) == (id_, "running")
    for said in (["--rate-limited", "1"], ["--quota-spent"], ["--ok"], ["--invalid"]):
        reported = home.here("leases", "report", id_, *said)
        assert f"reported {said[0][2:]}" in reported.err, reported.err
    assert home.here("leases", "report", id_, "--ok", "--invalid").status == 2
    released = home.here("leases", "release", id_)
    assert (released.status, released.err) == (0, f"{id_} (anthropic/work): released\n")
    again = home.here("leases", "release", id_)
    assert (again.status, "why: released at" in again.err) == (15, True)
    assert [each["state"] for each in leases(home, "--all")] == ["running", "released"]


def test_of_several_of_which_one_is_wrong_none_is_revoked(home: Home) -> None:
    id_ = lend(home)
    assert home.here("leases", "revoke", id_, "0" * 24).status == 3
    assert len(leases(home)) == 2
    assert home.here("leases", "revoke", id_, id_, leases(home)[0]["id"], "--json").status == 0
    assert leases(home) == []


def test_ids_of_leases_that_nobody_ended_are_completed(home: Home) -> None:
    [granted] = leases(home)
    running, over = lend(home), lend(home)
    home.here("leases", "revoke", over)
    with closing(sqlite3.connect(home.state / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint")  # as whoever closes the ledger last does
    for verb in ("renew", "release", "report", "revoke"):
        found = candidates(["leases", verb, ""], home.environ)
        assert found is not None
        assert set(found) == {granted["id"], running}


def test_an_id_is_shown_in_errors_and_a_key_in_its_place_is_not(home: Home) -> None:
    assert f"there is no lease '{'0' * 24}'" in home.here("leases", "revoke", "0" * 24).err
    assert KEY not in home.here("leases", "revoke", KEY).err


def test_the_long_name_of_a_profile_is_shown_in_hints(home: Home) -> None:
    name = "the-profile-of-the-nightly-report"
    home.profile(name, 'lease = "8h"\nagent = "claude"\nprovider = "anthropic"\n')
    assert f"hint: ringlet leases grant {name}" in home.here("run", name).err


@pytest.mark.parametrize("gone", [("delete", "work"), ("rename", "work", "other")])
def test_who_takes_the_name_of_a_profile_does_not_inherit_its_grant(home: Home, gone: tuple[str, ...]) -> None:
    document = home.path / ".ringlet/profiles/work/ringlet.toml"
    text = document.read_text()
    done = home.here("profiles", *gone)
    assert done.status == 0
    assert ("note: it has to be granted again: ringlet leases grant other" in done.err) is (gone[0] == "rename")
    home.profile("work", text)
    assert "not granted" in home.here("run", "work").err
    assert [each["state"] for each in leases(home, "--all")] == ["revoked"]
    records = json.loads(home.here("audit", "list", "--json", "--action", "lease-revoke").out)["records"]
    assert [each["profile"] for each in records] == ["work"]


def test_a_profile_that_cannot_be_renamed_keeps_its_grant(home: Home) -> None:
    home.profile("other", 'agent = "claude"\nprovider = "anthropic"\n')
    assert home.here("profiles", "rename", "work", "other").status == 4
    assert [each["state"] for each in leases(home)] == ["running"]


@pytest.mark.parametrize("nothing", ["", "none"])
def test_a_lease_can_be_taken_off_a_profile(home: Home, nothing: str) -> None:
    assert home.here("profiles", "edit", "work", "--lease", nothing).err == "changed work\n"
    assert "lease" not in (home.path / ".ringlet/profiles/work/ringlet.toml").read_text()
    assert home.ringlet("run", "work").out == "started\n"
    assert leases(home) == []


def test_what_cannot_be_a_lease_is_told_with_the_longest_that_can(home: Home) -> None:
    done = home.here("profiles", "edit", "work", "--lease", "45d")
    assert "cannot run '45d'" in done.err
    assert "1s to 30d" in done.err


def test_a_profile_that_is_not_granted_its_key_is_told_apart_everywhere(home: Home) -> None:
    hint = "ringlet leases grant work"
    for words in (("list",), ("inspect", "work")):
        assert hint not in home.here("profiles", *words).out
    assert home.here("run", "work", "--dry-run").status == 0
    home.here("leases", "revoke", "--profile", "work")
    for words in (("list",), ("inspect", "work")):
        assert f"the profile work is not granted anthropic/work: {hint}" in home.here("profiles", *words).out
    dry = home.here("run", "work", "--dry-run")
    assert (dry.status, "profile: work" in dry.out, f"hint: {hint}" in dry.err) == (125, True, True)
    records = json.loads(home.here("audit", "list", "--json", "--action", "claim").out)["records"]
    assert records == []


def test_a_report_says_how_the_key_stands_for_the_feature_of_the_lease(home: Home) -> None:
    app = App(home.environ)
    request = Caller(name="admin").request(provider="anthropic", feature="image")
    id_ = app.leasing.remember(app.broker.claim(request), request).id
    _, told = home.here("leases", "report", id_, "--rate-limited", "5m").err.splitlines()
    assert told.startswith("anthropic/work for image: resting until ")
    assert told.endswith("Z; to end it: ringlet pools wake anthropic work")


def test_the_first_digits_of_an_id_are_enough_if_no_other_begins_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.urandom", lambda length: bytes.fromhex("abcdef") + bytes(length - 3))
    id_ = lend(home)
    assert id_.startswith("abcdef")
    assert home.here("leases", "show", "abcdef").out.startswith(f"id: {id_}\naddress: anthropic/work\nstate: running\n")
    assert json.loads(home.here("leases", "show", "abcdef", "--json").out)["lease"]["id"] == id_
    assert home.here("leases", "show", "abcde").status == 3
    assert home.here("leases", "renew", "abcdef", "--ttl", "1h").status == 0
    monkeypatch.setattr("os.urandom", lambda length: bytes.fromhex("abcdef") + b"x" * (length - 3))
    lend(home)
    several = home.here("leases", "release", "abcdef")
    assert (several.status, "2 leases begin with abcdef" in several.err) == (2, True)


def test_all_leases_of_a_key_or_a_token_end_together(home: Home) -> None:
    [granted] = leases(home)
    lent = lend(home)
    assert home.here("leases", "revoke", "--token", "nobody").status == 3
    assert home.here("leases", "revoke", "--key", "anthropic/other").status == 3
    assert home.here("leases", "revoke", lent, "--key", "anthropic/work").status == 2
    done = home.here("leases", "revoke", "--key", "anthropic/work", "--json")
    assert {each["id"] for each in json.loads(done.out)["leases"]} == {granted["id"], lent}


def test_all_leases_of_one_token_end_and_no_others(home: Home) -> None:
    app = App(home.environ)
    token, secret = app.tokens.create("ci", scope="provider=anthropic")
    caller = app.tokens.authenticate(secret.reveal())
    request = caller.request(provider="anthropic")
    id_ = app.leasing.remember(app.broker.claim(request), request, token=token.id).id
    done = home.here("leases", "revoke", "--token", "ci", "--json")
    assert [each["id"] for each in json.loads(done.out)["leases"]] == [id_]
    assert len(leases(home)) == 1


def test_a_person_is_asked_before_all_leases_of_a_profile_end(home: Home, terminal: Callable[..., Terminal]) -> None:
    asked = terminal("leases", "revoke", "--profile", "work")
    asked.expect_exact("revoke 1 lease of the profile work?")
    asked.sendline("n")
    asked.wait()
    assert len(leases(home)) == 1
