from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringlet_py.errors import (
    InvalidField,
    InvalidName,
    LimitInvalid,
    OutOfScope,
    RingletError,
    ScopeInvalid,
    StoreCorrupt,
    TokenExists,
    TokenNotFound,
    TokenRefused,
)
from ringlet_py.ledger.tokens import Token
from ringlet_py.limits import Rate
from ringlet_py.scope import Scope
from ringlet_py.tokens.making import DEEPEST, changed
from ringlet_py.tokens.shown import moment
from ringlet_py.tokens.tree import beneath

if TYPE_CHECKING:
    from tests.tokens.world import World

HOUR = 3600
UNKNOWN = "rlt_" + "a" * 43


def refused(world: World, text: str) -> bool:
    try:
        world.service.authenticate(text)
    except TokenRefused:
        return True
    return False


# who holds a token


def test_a_token_is_32_random_bytes_of_which_the_ledger_has_the_digest_alone(world: World) -> None:
    token, text = world.made()

    assert text.startswith("rlt_")
    assert len(text) == 4 + 43
    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert text[4:].encode() not in b"".join(path.read_bytes() for path in world.state.iterdir())


def test_its_holder_is_known_by_its_terms(world: World) -> None:
    token, text = world.made(scope="feature=x pool=openai", ttl="8h", max_uses="7", quota="20/day")

    caller = world.service.authenticate(text)

    assert (caller.name, caller.id, caller.is_admin) == ("ci", token.id, False)
    assert caller.scopes == (Scope.parse("pool=openai feature=x"),)
    assert [bearer.id for bearer in caller.bearers] == [token.id]
    assert caller.bearers[0].rates == (Rate(amount=7), Rate.parse("20/day"))


@pytest.mark.parametrize(
    "text", ["", "rlt_", UNKNOWN, "rlt_" + "a" * 42, "rlt_" + "é" * 43, "rla_" + "a" * 43, "rlt_" + "\ud800" * 43]
)
def test_what_is_no_token_is_refused_without_a_reason(world: World, text: str) -> None:
    world.made()

    with pytest.raises(TokenRefused) as problem:
        world.service.authenticate(text)

    assert (problem.value.what, problem.value.why) == ("the token is not accepted", "")


def test_where_nothing_is_all_are_refused_and_nothing_is_made(world: World) -> None:
    assert refused(world, UNKNOWN)
    assert refused(world, "rla_" + "a" * 43)
    assert not list(world.folder.rglob("*"))


def test_a_token_with_a_character_too_many_is_refused(world: World) -> None:
    _, text = world.made()

    assert refused(world, text + "a")
    assert refused(world, text + "\n")
    assert refused(world, " " + text)
    assert not refused(world, text)


def test_an_expired_token_is_refused_and_listed_until_it_is_revoked(world: World) -> None:
    token, text = world.made(ttl="8h")
    world.clock.advance(8 * HOUR - 1)
    assert not refused(world, text)

    world.clock.advance(1)

    assert refused(world, text)
    assert world.service.list() == [token]


def test_a_token_that_the_ledger_holds_damaged_opens_nothing(world: World) -> None:
    token, text = world.made()
    store = world.service._store
    assert store.change_token(token, replace(token, scope="colour=red"))

    with pytest.raises(StoreCorrupt) as problem:
        world.service.authenticate(text)

    assert problem.value.hint == "ringlet tokens revoke ci"


def test_another_process_knows_what_was_made(world: World) -> None:
    token, text = world.made()

    assert world.again().authenticate(text).id == token.id


def test_programs_see_all_of_it_but_the_digest(world: World) -> None:
    world.clock.now = 1_795_000_000.123
    top = world.caller(scope="pool=openai", ttl="1s", max_uses="7")
    token, _ = world.made("sub", quota="20/day", under=top)

    seen = world.shown(token, tokens=world.service.list())
    world.clock.advance(1)

    assert seen == {
        "id": token.id,
        "name": "ci/sub",
        "scope": "pool=openai",
        "under": "ci",
        "created_at": "2026-11-18T11:06:40.123Z",
        "expires_at": "2026-11-18T11:06:41.123Z",
        "expired": False,
        "max_uses": None,
        "uses_left": None,
        "quota": "20/day",
        "quota_left": 20,
    }
    assert world.shown(token)["expired"] is True
    assert world.shown(token)["under"] == top.id
    assert world.shown(world.made("free")[0])["expires_at"] is None


@given(st.integers(1, 4_000_000_000_000))
@example(1001)  # a thousandth of it, times a thousand, is below it
def test_moments_are_exact_to_the_millisecond(milliseconds: int) -> None:
    text = moment(milliseconds) or ""

    assert round(datetime.fromisoformat(text).timestamp() * 1000) == milliseconds


# making


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        ({"scope": "colour=red"}, ScopeInvalid),
        ({"ttl": "2020-01-01"}, InvalidField),
        ({"ttl": "0s"}, InvalidField),
        ({"ttl": "soon"}, InvalidField),
        ({"ttl": "99999999w"}, InvalidField),
        ({"max_uses": "0"}, LimitInvalid),
        ({"max_uses": "many"}, LimitInvalid),
        ({"quota": "20/fortnight"}, LimitInvalid),
    ],
)
def test_terms_that_cannot_be_are_refused_and_recorded(
    world: World, terms: dict[str, str], problem: type[RingletError]
) -> None:
    with pytest.raises(problem) as refusal:
        world.made(**terms)

    assert "--expires" not in refusal.value.hint
    assert "--inactive" not in refusal.value.hint
    assert world.service.list() == []
    assert world.recorded() == [("token-create", problem.code, "ci")]


@pytest.mark.parametrize("name", ["", "a b", "-x", "a/b", "x" * 65, "admin", UNKNOWN, "rla_" + "a" * 43])
def test_a_name_that_cannot_be_is_refused_and_not_repeated_in_the_record(world: World, name: str) -> None:
    with pytest.raises(InvalidName):
        world.made(name)

    assert world.recorded() == [("token-create", "invalid-name", "")]


def test_two_tokens_have_two_names(world: World) -> None:
    _, text = world.made()

    with pytest.raises(TokenExists) as problem:
        world.made(scope="pool=openai")

    assert "ringlet tokens revoke ci" in problem.value.hint
    assert world.service.authenticate(text).scopes == ()
    assert world.recorded()[1:] == [("token-create", "token-exists", "ci")]


def test_of_two_who_make_the_same_name_at_once_one_does(world: World) -> None:
    ready = threading.Barrier(4)

    def make(_: int) -> bool:
        service = world.again()
        ready.wait()
        try:
            service.create("ci")
        except TokenExists:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(make, range(4)))

    assert sum(made) == len(world.service.list()) == 1


def test_when_a_token_ends_is_exact_to_the_millisecond(world: World) -> None:
    world.clock.now = 1_795_000_000.123

    assert world.made(ttl="8h")[0].expires_at == 1_795_000_000_123 + 8 * HOUR * 1000
    assert world.made("day", ttl="2027-06-15")[0].expires_at == 1_813_103_999_999
    assert world.made("never", ttl="never")[0].expires_at == 0


# under another


def test_a_narrower_token_carries_all_that_is_above_it(world: World) -> None:
    top = world.caller(scope="pool=openai", quota="20/day")
    token, text = world.made("sub", scope="pool=openai feature=image-*", max_uses="3", under=top)

    caller = world.service.authenticate(text)

    assert token.parent == top.id
    assert caller.ids == (token.id, top.id)
    assert caller.scopes == (Scope.parse("pool=openai feature=image-*"), Scope.parse("pool=openai"))
    assert [bearer.rates for bearer in caller.bearers] == [(Rate(amount=3),), (Rate.parse("20/day"),)]


@pytest.mark.parametrize("scope", ["pool=*", "pool=openai,other", "feature=image-*", "provider=*"])
def test_a_wider_one_is_refused_and_recorded(world: World, scope: str) -> None:
    top = world.caller(scope="pool=openai")

    with pytest.raises(OutOfScope) as problem:
        world.made("sub", scope=scope, under=top)

    assert "pool=openai" in problem.value.why
    assert world.recorded()[-1] == ("token-create", "out-of-scope", "sub")
    assert world.records.kept[-1]["caller"] == "token:ci"


def test_what_is_within_the_nearest_may_be_beyond_one_further_up(world: World) -> None:
    top = world.caller(scope="pool=a,b")
    middle = world.service.authenticate(world.made("middle", scope="pool=a,b", under=top)[1])
    world.service.change("ci", scope="pool=a")

    again = world.service.authenticate(world.service.rotate("ci/middle")[1].reveal())
    with pytest.raises(OutOfScope):
        world.made("low", scope="pool=b", under=again)

    assert middle.scopes[0] == again.scopes[0] == Scope.parse("pool=a,b")
    assert again.scopes[1] == Scope.parse("pool=a")


def test_what_is_not_said_is_taken_over(world: World) -> None:
    top = world.caller(scope="pool=openai", ttl="8h")
    token, _ = world.made("sub", under=top)
    free, _ = world.made("free", under=world.caller("top"))

    assert token.scope == "pool=openai"
    assert token.expires_at == world.service.get("ci").expires_at
    assert (free.scope, free.expires_at) == ("", 0)


@pytest.mark.parametrize("ttl", ["9h", "never"])
def test_no_token_outlives_the_one_it_was_made_under(world: World, ttl: str) -> None:
    top = world.caller(ttl="8h")

    with pytest.raises(OutOfScope):
        world.made("sub", ttl=ttl, under=top)

    assert world.made("sub", ttl="8h", under=top)[0].expires_at == world.service.get("ci").expires_at


def test_nor_one_further_up(world: World) -> None:
    middle = world.service.authenticate(world.made("middle", under=world.caller(ttl="8h"))[1])

    with pytest.raises(OutOfScope):
        world.made("low", ttl="9h", under=middle)


def test_when_one_above_has_expired_all_beneath_have(world: World) -> None:
    texts = [world.made(ttl="8h")[1]]
    for name in ("a", "b"):
        texts.append(world.made(name, under=world.service.authenticate(texts[-1]))[1])

    world.clock.advance(8 * HOUR)

    assert all(refused(world, text) for text in texts)


def test_that_holds_also_where_the_ledger_says_otherwise(world: World) -> None:
    top = world.caller(ttl="8h")
    _, text = world.made("middle", under=top)
    _, low = world.made("low", under=world.service.authenticate(text))
    for one in world.service.list(top):
        assert world.service._store.change_token(one, replace(one, expires_at=0))

    with pytest.raises(OutOfScope):
        world.made("lower", ttl="9h", under=world.service.authenticate(low))
    world.clock.advance(8 * HOUR)

    assert world.service.get("ci/middle").expires_at == 0
    assert refused(world, text)
    assert refused(world, low)


def test_the_admin_makes_tokens_that_are_under_none(world: World) -> None:
    admin = world.service.authenticate(world.service.admin.ensure().reveal())

    token, _ = world.made(under=admin)

    assert token.parent == ""
    assert world.records.kept[-1]["caller"] == ""
    assert world.service.list(admin) == [token]


def test_under_a_token_that_was_just_revoked_none_is_made(world: World) -> None:
    top = world.caller()
    world.service.revoke("ci")

    with pytest.raises(TokenRefused):
        world.made("sub", under=top)

    assert world.service.list() == []


def test_tokens_are_not_made_without_end(world: World) -> None:
    caller = world.caller("t0")
    for depth in range(1, DEEPEST):
        caller = world.service.authenticate(world.made(f"t{depth}", under=caller)[1])

    with pytest.raises(OutOfScope, match="no further token"):
        world.made("deeper", under=caller)


def test_nor_many_under_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringlet_py.tokens.making.MOST", 3)
    caller = world.caller()
    for name in ("a", "b", "c"):
        world.made(name, under=caller)

    with pytest.raises(OutOfScope, match="no further token"):
        world.made("d", under=caller)


# finding


def test_a_token_is_found_by_name_and_by_id(world: World) -> None:
    token, _ = world.made()

    assert world.service.get("ci") == world.service.get(token.id) == token


def test_an_id_goes_before_a_name(world: World) -> None:
    token, _ = world.made()
    world.made(token.id)

    assert world.service.get(token.id) == token


def test_the_nearest_name_is_offered_and_a_pasted_token_is_not_repeated(world: World) -> None:
    _, text = world.made("deploy")

    with pytest.raises(TokenNotFound) as near:
        world.service.get("deplyo")
    with pytest.raises(TokenNotFound) as pasted:
        world.service.get(text)

    assert (near.value.what, near.value.why) == ("there is no token 'deplyo'", "did you mean 'deploy'?")
    assert text not in f"{pasted.value.what} {pasted.value.why}"


def test_a_caller_sees_what_was_made_under_it_and_no_other(world: World) -> None:
    top, other = world.caller("top"), world.caller("other")
    low = world.service.authenticate(world.made("sub", under=top)[1])
    world.made("low", under=low)

    assert [one.name for one in world.service.list()] == ["other", "top", "top/sub", "top/sub/low"]
    assert [one.name for one in world.service.list(top)] == ["top/sub", "top/sub/low"]
    assert world.service.list(other) == []
    for name in ("top", "top/sub", "sub", "top/sub/low", low.id):
        for verb in (world.service.revoke, world.service.rotate, world.service.get):
            with pytest.raises(TokenNotFound) as problem:
                verb(name, under=other)
            assert problem.value.why == "there are none yet"


# rotating, changing, revoking


def test_a_rotated_token_is_another_text_for_the_same_token(world: World) -> None:
    token, old = world.made(scope="pool=openai", ttl="8h", quota="20/day")
    _, beneath_it = world.made("sub", under=world.service.authenticate(old))

    rotated, secret = world.service.rotate("ci")

    assert refused(world, old)
    assert world.service.authenticate(secret.reveal()).id == token.id
    assert (rotated.id, rotated.scope, rotated.expires_at) == (token.id, token.scope, token.expires_at)
    assert not refused(world, beneath_it)


def test_of_those_who_rotate_at_once_the_last_one_holds_the_token(world: World) -> None:
    world.made()
    ready = threading.Barrier(4)

    def rotate(_: int) -> str:
        service = world.again()
        ready.wait()
        return service.rotate("ci")[1].reveal()

    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(rotate, range(4)))

    assert sorted(refused(world, text) for text in texts) == [False, True, True, True]


def test_a_change_counts_for_who_asks_next(world: World) -> None:
    _, text = world.made(scope="pool=openai")

    _, after = world.service.change("ci", scope="pool=other")

    assert after.scope == "pool=other"
    assert world.service.authenticate(text).scopes == (Scope.parse("pool=other"),)


def test_every_term_can_be_changed_and_a_limit_taken_away(world: World) -> None:
    _, text = world.made(scope="pool=a", ttl="1h", max_uses="5", quota="9/day")

    before, after = world.service.change("ci", ttl="8h", max_uses="50", quota="2/hour")
    assert after.expires_at - before.expires_at == 7 * HOUR * 1000
    assert (after.scope, after.max_uses, after.quota) == ("pool=a", "50", "2/hour")
    assert world.service.authenticate(text).bearers[0].rates == (Rate(amount=50), Rate.parse("2/hour"))

    _, after = world.service.change("ci", ttl="never", max_uses="none", quota="none")
    assert (after.expires_at, after.max_uses, after.quota) == (0, "", "")
    assert world.service.authenticate(text).bearers[0].rates == ()
    assert [outcome for _, outcome, _ in world.recorded()] == ["ok"] * 3


@pytest.mark.parametrize("now", [1_795_000_000.1234567, 1_795_000_000.0, 1_795_000_000.9999996])
def test_no_time_at_all_is_no_time_to_live(world: World, now: float) -> None:
    world.clock.now = now

    with pytest.raises(InvalidField):
        world.made(ttl="0s")


def test_an_expired_token_that_gets_a_new_end_opens_again(world: World) -> None:
    _, text = world.made(ttl="1h")
    world.clock.advance(2 * HOUR)
    assert refused(world, text)

    world.service.change("ci", ttl="1h")

    assert not refused(world, text)


@pytest.mark.parametrize("ttl", ["9h", "never"])
def test_no_token_gets_an_end_after_that_of_one_above_it(world: World, ttl: str) -> None:
    top = world.service.authenticate(world.made(ttl="8h")[1])
    middle = world.service.authenticate(world.made("middle", under=top)[1])
    world.made("low", ttl="1h", under=middle)

    with pytest.raises(OutOfScope) as problem:
        world.service.change("ci/middle/low", ttl=ttl)

    assert "outlive" in problem.value.what
    assert world.service.change("ci/middle/low", ttl="8h")[1].expires_at == world.service.get("ci").expires_at


PATTERNS = st.sampled_from(["a", "b", "a*", "*"])
SCOPES = st.lists(st.tuples(st.sampled_from(["pool", "feature", "user"]), PATTERNS), max_size=3).map(
    lambda parts: " ".join(f"{name}={pattern}" for name, pattern in parts)
)
ENDS = st.sampled_from([0, 1_000_000, 2_000_000, 9_000_000])
TERMS = st.fixed_dictionaries(
    {}, optional={"scope": SCOPES, "ttl": st.sampled_from(["10m", "1h", "3h", "never"]), "max_uses": st.just("5")}
)


@given(st.lists(st.tuples(SCOPES, ENDS), min_size=1, max_size=3), TERMS)
def test_no_change_makes_a_token_wider_than_one_above_it(line: list[tuple[str, int]], terms: dict[str, str]) -> None:
    over = [Token(id=str(n), name="", digest="", scope=scope, expires_at=ends) for n, (scope, ends) in enumerate(line)]
    strictest = Token(id="own", name="", digest="", scope="pool=a feature=a", expires_at=1_000)
    try:
        after = changed(strictest, terms, over, now=0.0)
    except OutOfScope:
        return

    for one in over:
        assert "scope" not in terms or not Scope.parse(after.scope).wider(Scope.parse(one.scope))
        assert not one.expires_at or 0 < after.expires_at <= one.expires_at


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"ttl": "soon"}, InvalidField),
        ({"ttl": ""}, InvalidField),
        ({"quota": " "}, InvalidField),
        ({"max_uses": "0"}, LimitInvalid),
        ({"quota": "many"}, LimitInvalid),
    ],
)
def test_terms_that_cannot_be_change_nothing(world: World, terms: dict[str, str], error: type[Exception]) -> None:
    token, _ = world.made(scope="pool=a", ttl="1h")

    with pytest.raises(error):
        world.service.change("ci", scope="pool=b", **terms)

    assert world.service.get("ci") == token


def test_changes_of_different_terms_at_once_are_all_kept(world: World) -> None:
    world.made(scope="pool=a")
    ready = threading.Barrier(3)

    def change(terms: dict[str, str]) -> None:
        service = world.again()
        ready.wait()
        service.change("ci", **terms)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(change, [{"scope": "pool=b"}, {"max_uses": "5"}, {"quota": "2/day"}]))

    token = world.service.get("ci")
    assert (token.scope, token.max_uses, token.quota) == ("pool=b", "5", "2/day")


# names


def test_what_others_tokens_are_called_is_nobody_elses_business(world: World) -> None:
    world.made("deploy")
    one, other = world.caller("one"), world.caller("other")

    for caller in (one, other):
        assert world.made("deploy", under=caller)[0].name == f"{caller.name}/deploy"
        with pytest.raises(TokenExists) as taken:
            world.made("deploy", under=caller)
        assert taken.value.what == "there is a token deploy already"


def test_a_caller_calls_its_tokens_as_it_named_them(world: World) -> None:
    top = world.caller("top")
    middle = world.service.authenticate(world.made("middle", under=top)[1])
    low, _ = world.made("low", under=middle)

    assert [world.shown(low, top=each.top)["name"] for each in (middle, top)] == ["low", "middle/low"]
    assert world.service.get("low", under=middle) == world.service.get("middle/low", under=top) == low
    with pytest.raises(TokenNotFound) as problem:
        world.service.get("lowe", under=middle)
    assert problem.value.why == "did you mean 'low'?"


def test_who_asks_for_a_token_below_another_by_its_last_name_is_told_the_whole(world: World) -> None:
    world.made("sub", under=world.caller("top"))

    with pytest.raises(TokenNotFound) as problem:
        world.service.get("sub")

    assert problem.value.why == "did you mean 'top/sub'?"


def test_nobody_gives_a_name_below_anothers(world: World) -> None:
    world.made("top")

    with pytest.raises(InvalidName):
        world.made("top/sub")


# what is left


def test_a_limit_that_the_ledger_holds_damaged_is_listed_without_what_is_left(world: World) -> None:
    token, _ = world.made(max_uses="5", quota="2/day")
    assert world.service._store.change_token(token, replace(token, quota="much"))

    seen = world.shown(world.service.get("ci"))

    assert (seen["uses_left"], seen["quota"], seen["quota_left"]) == (5, "much", None)


def test_a_change_to_what_is_there_is_none(world: World) -> None:
    token, _ = world.made(scope="pool=b,a")

    assert world.service.change("ci", scope="pool=a pool=b") == (token, token)
    assert world.recorded() == [("token-create", "ok", "ci")]


def test_a_change_stays_within_what_is_above(world: World) -> None:
    world.made("sub", scope="pool=openai feature=x", under=world.caller(scope="pool=openai"))

    with pytest.raises(OutOfScope):
        world.service.change("ci/sub", scope="feature=x")

    assert world.service.change("ci/sub", scope="pool=openai")[1].scope == "pool=openai"


def test_a_revoked_token_is_gone_with_all_beneath_it(world: World) -> None:
    token, text = world.made()
    sub, below = world.made("sub", under=world.service.authenticate(text))
    world.made("other")

    assert world.service.revoke("ci") == [token.id, sub.id]

    assert refused(world, text)
    assert refused(world, below)
    assert [one.name for one in world.service.list()] == ["other"]
    with pytest.raises(TokenNotFound):
        world.service.revoke("ci")


def test_a_caller_revokes_and_rotates_beneath_itself(world: World) -> None:
    top = world.caller()
    _, text = world.made("sub", under=top)

    assert not refused(world, world.service.rotate("sub", under=top)[1].reveal())
    assert refused(world, text)
    assert len(world.service.revoke("sub", under=top)) == 1


def test_every_change_is_recorded_and_never_a_text(world: World) -> None:
    _, text = world.made(scope="pool=openai")
    top = world.service.authenticate(text)
    _, low = world.made("sub", under=top)
    _, rotated = world.service.rotate("ci")
    world.service.change("ci", scope="pool=*")
    world.service.revoke("ci")

    assert world.recorded() == [
        ("token-create", "ok", "ci"),
        ("token-create", "ok", "ci/sub"),
        ("token-rotate", "ok", "ci"),
        ("token-change", "ok", "ci"),
        ("token-revoke", "ok", "ci"),
        ("token-revoke", "ok", "ci/sub"),
    ]
    assert world.records.kept[1]["caller"] == "token:ci"
    everything = repr([{**each, "secrets": ""} for each in world.records.kept])
    assert not [one for one in (text, low, rotated.reveal()) if one[4:] in everything]


def test_a_line_of_tokens_that_runs_in_a_circle_ends(world: World) -> None:
    token, _ = world.made()
    kind = type(token)
    circle = [kind(id=one, name=one, digest=one, parent=parent) for one, parent in (("a", "b"), ("b", "a"))]

    assert beneath("a", circle) == circle
    assert beneath("c", circle) == []
