from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.program import store_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.program import Home, Outcome, Terminal

TOKEN = re.compile(r"rlt_[A-Za-z0-9_-]{43}\n")


def made(home: Home, name: str = "ci", *options: str, above: str = "") -> str:
    """The text of a new token, under the one whose text is `above`."""
    given = ("--token-file", "-") if above else ("--scope", "provider=anthropic")
    done = home.here("tokens", "create", name, *(options or given), stdin=above.encode())
    assert done.status == 0, done.err
    return done.out


def names(home: Home) -> list[str]:
    return [each["name"] for each in json.loads(home.here("tokens", "list", "--json").out)["tokens"]]


def test_standard_output_is_the_token_and_nothing_else_is(home: Home) -> None:
    created = home.here("tokens", "create", "ci", "--scope", "provider=anthropic")
    rotated = home.here("tokens", "rotate", "ci")

    for done in (created, rotated):
        assert TOKEN.fullmatch(done.out)
        assert done.out.strip() not in done.err
    assert created.out != rotated.out


def test_as_json_it_is_one_object_with_the_token_as_its_value(home: Home) -> None:
    done = home.here("tokens", "create", "ci", "--scope", "provider=anthropic", "--json")

    found = json.loads(done.out)
    assert TOKEN.fullmatch(found["value"] + "\n")
    assert found["token"]["name"] == "ci"
    assert done.err == ""
    assert "digest" not in done.out


def test_whoever_has_a_token_makes_narrower_ones_and_no_wider_ones(home: Home) -> None:
    above = made(home)

    made(home, "sub", above=above)
    wider = home.here("tokens", "create", "all", "--token-file", "-", "--scope", "provider=*", stdin=above.encode())

    assert wider.status == 15
    assert "provider=anthropic" in wider.err
    listed = json.loads(home.here("tokens", "list", "--json").out)["tokens"]
    assert [(each["name"], each["under"]) for each in listed] == [("ci", None), ("ci/sub", "ci")]


def test_what_was_made_under_it_goes_only_with_a_yes(home: Home) -> None:
    made(home, "sub", above=made(home))

    refused = home.here("tokens", "revoke", "ci")
    assert (refused.status, names(home)) == (4, ["ci", "ci/sub"])
    assert "the token ci/sub, made under the token ci, would be revoked too" in refused.err

    assert home.here("tokens", "revoke", "ci", "--yes").err == "revoked ci\nrevoked ci/sub\n"
    assert names(home) == []


def test_who_names_all_of_them_is_not_asked(home: Home) -> None:
    made(home, "sub", above=made(home))

    assert home.here("tokens", "rm", "ci", "ci/sub").err == "revoked ci\nrevoked ci/sub\n"
    assert names(home) == []


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "left"), [("y", []), ("n", ["ci", "ci/sub"])])
def test_a_person_is_asked(home: Home, terminal: Callable[..., Terminal], answer: str, left: list[str]) -> None:
    made(home, "sub", above=made(home))

    asked = terminal("tokens", "revoke", "ci")
    asked.expect_exact("revoke the token ci, and with it the token ci/sub?")
    asked.sendline(answer)
    asked.wait()

    assert names(home) == left


# editing, and what is left


def listed(home: Home, name: str = "ci") -> dict[str, object]:
    found = json.loads(home.here("tokens", "list", "--json").out)["tokens"]
    return next(each for each in found if each["name"] == name)


def test_each_term_is_changed_by_itself_and_said(home: Home) -> None:
    made(home, "ci", "--scope", "provider=anthropic", "--max-uses", "5")

    done = home.here("tokens", "edit", "ci", "--max-uses", "9", "--quota", "2/day", "--ttl", "2099-01-01")

    assert done.err == ("ci: expires: - -> 2099-01-01T23:59:59.999Z\nci: max uses: 5 -> 9\nci: quota: - -> 2/day\n")
    found = listed(home)
    assert (found["scope"], found["max_uses"], found["quota"]) == ("provider=anthropic", "9", "2/day")
    assert home.here("tokens", "edit", "ci", "--quota", "none").err == "ci: quota: 2/day -> -\n"
    assert json.loads(home.here("tokens", "edit", "ci", "--ttl", "never", "--json").out)["token"]["expires_at"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [((), "there is nothing to change"), (("--scope", " "), "the token has no scope"), (("--ttl", "x"), "x")],
)
def test_what_changes_nothing_is_told_so(home: Home, options: tuple[str, ...], said: str) -> None:
    made(home)

    done = home.here("tokens", "edit", "ci", *options)

    assert (done.status, listed(home)["scope"]) == (2, "provider=anthropic")
    assert said in done.err.splitlines()[0]


@pytest.mark.parametrize("option", ["--ttl", "--max-uses", "--quota"])
def test_a_variable_that_is_not_set_takes_no_limit_away(home: Home, option: str) -> None:
    assert home.here("tokens", "create", "ci", "--scope", "provider=*", option, "").status == 2
    assert names(home) == []
    made(home, "ci", "--scope", "provider=*", "--ttl", "8h", "--max-uses", "5", "--quota", "2/day")
    before = listed(home)

    assert home.here("tokens", "edit", "ci", option, "").status == 2
    assert listed(home) == before


@pytest.mark.slow
def test_what_is_left_is_listed_and_said_when_a_limit_is_lowered(home: Home) -> None:
    store_key(home)
    text = made(home, "ci", "--scope", "provider=*", "--max-uses", "9", "--quota", "5/day")
    assert [claimed(home, text).status for _ in range(2)] == [0, 0]

    assert (listed(home)["uses_left"], listed(home)["quota_left"]) == (7, 3)
    assert "  7 of 9, 3 of 5/day" in home.here("tokens", "list").out

    edited = home.here("tokens", "edit", "ci", "--max-uses", "2")
    assert "note: of 2 nothing is left" in edited.err
    assert claimed(home, text).status == 125


def test_names_in_a_scope_that_there_are_not_are_noted(home: Home) -> None:
    store_key(home)
    scope = "provider=antropic,anthropic pool=images,img-* agent=claud feature=x"

    notes = [
        "note: there is no provider 'antropic'; did you mean 'anthropic'?",
        "note: there is no pool 'images' yet",
        "note: there is no agent 'claud'; did you mean 'claude'?",
    ]
    assert home.here("tokens", "create", "ci", "--scope", scope).err.splitlines()[:-1] == notes
    assert home.here("tokens", "edit", "ci", "--scope", f"{scope} user=1").err.splitlines()[:-1] == notes


# claiming in a token's name, without a daemon


def claimed(home: Home, text: str, *options: str) -> Outcome:
    words = ("pools", "claim", "anthropic", *options, "--token-file", "-", "--", "true")
    return home.ringlet(*words, stdin=text.encode())


def records(home: Home) -> list[dict[str, str]]:
    found = json.loads(home.here("audit", "list", "--json", "--action", "claim").out)["records"]
    return [{"outcome": each["outcome"], "caller": each.get("caller", "")} for each in found]


@pytest.mark.slow
def test_a_claim_is_in_the_name_of_the_token(home: Home) -> None:
    store_key(home)

    assert claimed(home, made(home)).status == 0

    assert records(home) == [{"outcome": "ok", "caller": "token:ci"}]


@pytest.mark.slow
def test_a_token_whose_uses_are_up_claims_nothing(home: Home) -> None:
    store_key(home)
    text = made(home, "ci", "--scope", "provider=*", "--max-uses", "1")

    assert [claimed(home, text).status for _ in range(2)] == [0, 125]


@pytest.mark.slow
def test_a_token_claims_nothing_beyond_its_scope(home: Home) -> None:
    store_key(home)
    text = made(home, "ci", "--scope", "provider=anthropic feature=image")

    assert claimed(home, text, "--feature", "image").status == 0
    assert claimed(home, text, "--feature", "text").status == 125
    assert claimed(home, text).status == 125
    assert [each["outcome"] for each in records(home)] == ["ok", "out-of-scope", "out-of-scope"]


@pytest.mark.slow
def test_a_token_in_the_variable_counts_too(home: Home) -> None:
    store_key(home)
    text = made(home).strip()

    done = home.ringlet("pools", "claim", "anthropic", "--", "true", environ={"RINGLET_TOKEN": text})

    assert done.status == 0
    assert records(home)[0]["caller"] == "token:ci"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "rlt_" + "a" * 43, "nonsense"])
def test_a_token_that_is_none_never_means_the_owner(home: Home, text: str) -> None:
    store_key(home)

    done = home.ringlet("pools", "claim", "anthropic", "--", "true", environ={"RINGLET_TOKEN": text})

    assert done.status == 125
    assert [each["outcome"] for each in records(home)] != ["ok"]
    assert len(records(home)) == 1


@pytest.mark.slow
def test_a_revoked_token_claims_nothing(home: Home) -> None:
    store_key(home)
    text = made(home)
    home.here("tokens", "revoke", "ci")

    assert claimed(home, text).status == 125
    assert records(home) == [{"outcome": "token-refused", "caller": ""}]


# what is given in the place of a token


@pytest.mark.slow
def test_a_variable_that_is_empty_is_told_so(home: Home) -> None:
    store_key(home)

    done = home.ringlet("pools", "claim", "anthropic", "--", "true", environ={"RINGLET_TOKEN": ""})

    assert (done.status, records(home)[0]["outcome"]) == (125, "token-refused")
    assert done.err == "ringlet: error: RINGLET_TOKEN is empty\nringlet: hint: unset RINGLET_TOKEN\n"


@pytest.mark.parametrize("text", [b"", b"no token", b"rlt_short", b"a\nb\n", b"\xff"])
def test_a_file_without_a_token_is_told_so(home: Home, text: bytes) -> None:
    (home.path / "work/token").write_bytes(text)

    done = home.here("tokens", "create", "sub", "--token-file", "token")

    assert done.status == 15
    assert "error: token holds no token\n" in done.err
    assert "provider" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="modes as on POSIX")
@pytest.mark.parametrize(("mode", "notes"), [(0o644, 1), (0o600, 0)])
def test_a_file_that_others_can_read_is_noted_and_used(home: Home, mode: int, notes: int) -> None:
    file = home.path / "work/token"
    file.write_text(made(home))
    file.chmod(mode)

    done = home.here("tokens", "create", "sub", "--token-file", "token")

    assert done.status == 0
    assert done.err.count("note: token can be read by others: chmod 600 token\n") == notes


def test_what_was_revoked_is_told_to_programs(home: Home) -> None:
    made(home, "sub", above=made(home))

    done = json.loads(home.here("tokens", "revoke", "ci", "--yes", "--json").out)

    assert [each["name"] for each in done["revoked"]] == ["ci", "ci/sub"]


@pytest.mark.slow
def test_a_person_is_asked_for_a_single_one_too(home: Home, terminal: Callable[..., Terminal]) -> None:
    made(home)

    asked = terminal("tokens", "revoke", "ci")
    asked.expect_exact("revoke the token ci?")
    asked.sendline("n")
    asked.wait()

    assert names(home) == ["ci"]
