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
    from tests.end_to_end.program import Home

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
