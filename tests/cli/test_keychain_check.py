from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ringlet_py.checking import Checking
from ringlet_py.checking.verdicts import Verdict
from tests.checking.servers import Server, answer
from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

GOOD = answer('{"data": []}')


def key_at(home: Home, server: Server, address: str = "anthropic/work", key: str = KEY) -> None:
    """A key that may only go to that server."""
    store_key(home, address, key)
    assert home.here("keychain", "edit", *address.split("/"), "--base-url", server.url).status == 0


def test_a_key_that_works_is_valid(home: Home) -> None:
    with Server(GOOD) as server:
        key_at(home, server)
        done = home.here("keychain", "check", "anthropic", "work")

    assert (done.status, done.out) == (0, "anthropic/work  valid    credit is not checked\n")
    assert f"x-api-key: {KEY}\r\n" in server.asked[0]
    assert KEY not in done.out + done.err
    listed = home.here("audit", "list", "--key", "anthropic/work", "--action", "check").out
    assert f"valid: {server.url.removeprefix('http://')}/v1/models" in listed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sends", "status", "outcome"),
    [
        (answer("{}", 401), 1, "rejected"),
        (answer("{}", 402), 1, "out-of-credit"),
        (answer("{}", 403), 0, "limited"),
        (answer("{}", 429), 0, "rate-limited"),
        (answer("{}", 500), 8, "unclear"),
        (b"?", 8, "unreachable"),
        (answer(KEY, 500, f"X-Key: {KEY}"), 8, "unclear"),
    ],
    ids=["401", "402", "403", "429", "500", "garbage", "echo"],
)
def test_the_exit_status_tells_scripts(home: Home, sends: bytes, status: int, outcome: str) -> None:
    with Server(sends) as server:
        key_at(home, server)
        done = home.here("keychain", "check", "anthropic", "work", "--json")

    assert done.status == status
    [checked] = json.loads(done.out)["checked"]
    assert (checked["address"], checked["outcome"]) == ("anthropic/work", outcome)
    assert checked["asked"] == f"{server.url}/v1/models?limit=1"
    assert KEY not in done.out + done.err


def test_all_keys_are_checked_and_one_that_cannot_be_is_said(home: Home) -> None:
    with Server(GOOD) as good, Server(answer("{}", 401)) as bad:
        key_at(home, good)
        key_at(home, bad, "anthropic/old", KEY[:-4] + "ffff")
        store_key(home, "custom/mine", "made-up-" + KEY[-30:])
        done = home.here("keychain", "check", "--all")
        mine = home.here("keychain", "check", "custom", "mine")

    assert done.status == 1
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        ["anthropic/old", "rejected"],
        ["anthropic/work", "valid"],
        ["custom/mine", "not-checkable"],
    ]
    assert (mine.status, "custom/mine cannot be checked" in mine.err) == (11, True)


def test_a_rejected_key_is_reported_where_that_is_asked_for_and_agreed_to(home: Home) -> None:
    with Server(answer("{}", 401)) as server:
        key_at(home, server)
        refused = home.here("keychain", "check", "anthropic", "work", "--report")
        done = home.here("keychain", "check", "anthropic", "work", "--report", "--yes")

    assert (refused.status, done.status) == (4, 1)
    assert "hint: ringlet pools report anthropic work invalid" in refused.err
    assert "reported anthropic/work; to take that back: ringlet pools wake anthropic work" in done.err
    claimed = home.here("pools", "explain", "anthropic", "--json").out
    assert "invalid" in claimed


def test_a_key_that_one_region_rejects_may_be_anothers(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = Verdict(outcome="rejected", status=401)
    monkeypatch.setattr(Checking, "check", lambda *_: rejected)
    store_key(home, "minimax/work", "made-up-" + KEY[-30:])

    note = "note: minimax/work was rejected at international; another: --endpoint china"
    assert note in home.here("keychain", "check", "minimax", "work").err
    assert "note" not in home.here("keychain", "check", "minimax", "work", "--endpoint", "china").err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("", 2, "no key is named"),
        ("anthropic home", 3, "anthropic/home is not in the keychain"),
        ("anthropic work --endpoint x", 11, "has no endpoint 'x'"),
    ],
)
def test_a_mistake_is_said_and_nobody_is_asked(home: Home, words: str, status: int, said: str) -> None:
    store_key(home, "anthropic/work")
    done = home.here("keychain", "check", *words.split())

    assert (done.status, said in done.err) == (status, True), done.err


def test_with_no_key_at_all_that_is_said(home: Home) -> None:
    done = home.here("keychain", "check", "--all")

    assert (done.status, done.out, done.err) == (0, "", "there are no keys to check\n")
    store_key(home, "anthropic/work")


def test_a_provider_of_whose_keys_there_is_none_is_not_found(home: Home) -> None:
    store_key(home, "anthropic/work")
    named = home.here("keychain", "check", "antropic", "--all")

    assert (named.status, named.out) == (3, "")
    assert named.err.splitlines() == [
        "ringlet: error: there are no keys of 'antropic' to check",
        "ringlet: why: did you mean 'anthropic'?",
        "ringlet: hint: ringlet keychain list",
    ]


def test_a_damaged_key_is_no_reason_to_check_no_other(home: Home) -> None:
    with Server(GOOD) as server:
        key_at(home, server)
        store_key(home, "anthropic/gone", KEY[:-4] + "ffff")
        home.credentials.write_text(home.credentials.read_text().replace(KEY[:-4] + "ffff", ""))
        done = home.here("keychain", "check", "--all")
        alone = home.here("keychain", "check", "anthropic", "gone")

    assert (done.status, alone.status) == (1, 9)
    gone, work = done.out.splitlines()
    assert gone.split()[:2] == ["anthropic/gone", "unreadable"]
    assert gone.endswith("is empty or cannot be a key; ringlet keychain set anthropic gone --replace")
    assert work.split()[:2] == ["anthropic/work", "valid"]


def test_what_cannot_be_checked_among_all_says_its_own_reason(home: Home) -> None:
    store_key(home, "minimax/work", "made-up-" + KEY[-30:])
    done = home.here("keychain", "check", "--all", "--endpoint", "chna")
    [checked] = json.loads(home.here("keychain", "check", "--all", "--endpoint", "chna", "--json").out)["checked"]

    assert "the provider minimax has no endpoint 'chna': did you mean 'china'?" in done.out
    assert (checked["outcome"], checked["works"], done.status) == ("not-checkable", None, 0)


def test_who_could_not_be_reached_is_named_and_a_proxy_that_is_not_used(home: Home) -> None:
    with Server(GOOD) as server:
        key_at(home, server)
    proxied = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    done = home.here("keychain", "check", "anthropic", "work", environ=proxied)

    host = server.url.removeprefix("http://")
    assert done.out == f"anthropic/work  unreachable  {host}: Connection refused\n"
    assert done.err.endswith("note: HTTPS_PROXY is set, and a key goes through no proxy\n")
