from __future__ import annotations

import re
import time
from itertools import combinations, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringlet_py.errors import ScopeInvalid
from ringlet_py.scope import NAMES, Scope

# few letters and few names, so that what one pattern admits another often does too
TEXTS = st.text("ab", max_size=4)
PATTERNS = st.text("ab*", min_size=1, max_size=4)
FEW = ("pool", "feature", "user")
SCOPES = st.dictionaries(st.sampled_from(FEW), st.lists(PATTERNS, min_size=1, max_size=3), max_size=2).map(
    lambda said: Scope.parse(" ".join(f"{name}={','.join(patterns)}" for name, patterns in said.items()))
)
FACTS = st.fixed_dictionaries(dict.fromkeys(FEW, TEXTS))
EVERY_TEXT = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]


def test_what_is_not_named_may_be_anything() -> None:
    scope = Scope.parse("pool=openai")

    assert scope.forbids({"pool": "openai", "feature": "image", "host": ""}) == ""
    assert scope.forbids({"pool": "images", "feature": "image"}) == "pool"
    assert Scope().forbids(dict.fromkeys(NAMES, "x")) == ""


def test_for_whom_a_caller_may_speak_has_to_be_named() -> None:
    plain, named = Scope.parse("provider=openai"), Scope.parse("user=7,a@b.example channel=*")

    assert plain.forbids({"provider": "openai", "user": "7"}) == "user"
    assert plain.forbids({"provider": "openai", "user": "", "channel": ""}) == ""
    assert [named.forbids({"user": user, "channel": "c"}) for user in ("7", "a@b.example", "8", "")] == [
        "",
        "",
        "user",
        "",
    ]
    assert named.wider(plain) == "provider"
    assert Scope.parse("provider=openai user=7").wider(plain) == "user"
    assert plain.wider(Scope.parse("provider=openai user=7")) == ""


def test_a_fact_that_is_empty_fits_a_star_alone() -> None:
    assert Scope.parse("agent=claude").forbids({"agent": ""}) == "agent"
    assert Scope.parse("agent=c*").forbids({"agent": ""}) == "agent"
    assert Scope.parse("agent=*").forbids({"agent": ""}) == ""


def test_names_without_a_fact_are_asked_later() -> None:
    assert Scope.parse("host=api.openai.com").forbids({"pool": "openai"}) == ""


def test_several_patterns_are_several_ways_to_fit() -> None:
    scope = Scope.parse("pool=images,text pool=*-test")

    assert [scope.forbids({"pool": pool}) for pool in ("images", "text", "a-test", "other")] == ["", "", "", "pool"]


def test_the_order_of_words_says_nothing() -> None:
    assert Scope.parse("pool=b feature=x pool=a") == Scope.parse("feature=x  pool=a,b")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pool", "not NAME=PATTERN"),
        ("=x", "a scope has no ''"),
        ("pol=x", "a scope has no 'pol'"),
        ("Pool=x", "a scope has no 'Pool'"),
        ("pool=", "cannot be a pattern"),
        ("pool=a,,b", "cannot be a pattern"),
        ("pool=a?", "cannot be a pattern"),
        ("pool=[a]", "cannot be a pattern"),
        ("pool=a=b", "cannot be a pattern"),
        ("pool=ä", "cannot be a pattern"),
        ("pool=a\0", "cannot be a pattern"),
        ("pool=" + "a" * 256, "cannot be a pattern"),
        ("pool=a " * 300, "at most 2000 characters"),
    ],
)
def test_what_is_no_scope_is_refused(text: str, what: str) -> None:
    with pytest.raises(ScopeInvalid) as refused:
        Scope.parse(text)

    assert what in str(refused.value)


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(ScopeInvalid) as refused:
        Scope.parse("featur=x")

    assert refused.value.why == "did you mean 'feature'?"


@given(st.text(max_size=200) | st.text("pol=*,fe \t\n", max_size=60))
@example("pool=a\u2028feature=b")
@example("\ud800=\udfff")
def test_any_text_is_a_scope_or_invalid(text: str) -> None:
    try:
        scope = Scope.parse(text)
    except ScopeInvalid:
        return
    assert Scope.parse(str(scope)) == scope


@given(SCOPES)
def test_a_scope_is_written_as_it_is_read(scope: Scope) -> None:
    assert Scope.parse(str(scope)) == scope
    assert str(Scope.parse(str(scope))) == str(scope)


@pytest.mark.parametrize("pattern", ["".join(letters) for n in (1, 2, 3) for letters in product("ab*", repeat=n)])
def test_a_pattern_fits_what_its_regular_expression_fits(pattern: str) -> None:
    meant = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    scope = Scope.parse(f"pool={pattern}")

    fitting = [text for text in (*EVERY_TEXT, "a\nb", "*") if scope.forbids({"pool": text}) == ""]

    assert fitting == [text for text in (*EVERY_TEXT, "a\nb", "*") if meant.fullmatch(text)]


@given(SCOPES, SCOPES, FACTS)
def test_what_a_scope_within_another_admits_the_other_admits(one: Scope, other: Scope, facts: dict[str, str]) -> None:
    if one.wider(other) == "" and one.forbids(facts) == "":
        assert other.forbids(facts) == ""


def test_that_is_so_for_every_pair_of_short_patterns() -> None:
    patterns = ["".join(letters) for length in (1, 2) for letters in product("ab*", repeat=length)]
    scopes = [Scope.parse(f"pool={','.join(each)}") for n in (1, 2) for each in combinations(patterns, n)]
    admitted = {scope: {text for text in EVERY_TEXT if scope.forbids({"pool": text}) == ""} for scope in scopes}
    within = [(one, other) for one in scopes for other in scopes if one.wider(other) == ""]

    assert not [(str(one), str(other)) for one, other in within if not admitted[one] <= admitted[other]]
    assert len(scopes) < len(within) < len(scopes) ** 2 / 2


@given(SCOPES)
def test_a_scope_is_within_itself_and_within_none(scope: Scope) -> None:
    assert scope.wider(scope) == ""
    assert scope.wider(Scope()) == ""
    assert Scope().wider(scope) == (scope.patterns[0][0] if scope.patterns else "")


@given(SCOPES, st.data())
def test_what_is_made_narrower_is_within_what_it_was_made_from(scope: Scope, data: st.DataObject) -> None:
    words = [f"{name}={_narrower(data, patterns)}" for name, patterns in scope.patterns]
    further = data.draw(st.lists(st.sampled_from(["agent=a*", "host=b", "tier=*"]), max_size=2))

    assert Scope.parse(" ".join([*words, *further])).wider(scope) == ""


def _narrower(data: st.DataObject, patterns: tuple[str, ...]) -> str:
    """Some of the patterns, with texts or patterns in the place of their stars."""
    kept = data.draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=3))
    filled = ["".join(data.draw(PATTERNS | st.just("*")) if c == "*" else c for c in pattern) for pattern in kept]
    return ",".join(filled)


def test_no_pattern_takes_long() -> None:
    stars = Scope.parse(f"pool={'*a' * 127}b")
    many = Scope.parse("pool=" + ",".join(f"{a}{b}*" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"))
    start = time.process_time()

    assert stars.forbids({"pool": "a" * 100_000}) == "pool"
    assert stars.wider(stars) == ""
    assert many.wider(many) == ""
    assert time.process_time() - start < 2
