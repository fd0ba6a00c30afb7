from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.catalog import Catalog
from ringlet_py.checking.asking import Answer
from ringlet_py.checking.verdicts import UNREACHABLE, Verdict, judged
from ringlet_py.profile.check import MEANINGS, UNCLEAR, Check

CATALOG = Catalog("/nowhere")
LIST = {"data": [{"id": "model"}]}
# as the providers' own pages say, or as their SDKs and other tools treat them
ANSWERS: list[tuple[str, int, Any, str]] = [
    ("anthropic", 200, LIST, "valid"),
    ("anthropic", 401, {"type": "error", "error": {"type": "authentication_error"}}, "rejected"),
    ("anthropic", 403, {"type": "error", "error": {"type": "permission_error"}}, "limited"),
    ("anthropic", 403, {"error": {"type": "forbidden", "message": "Request not allowed"}}, "unclear"),
    ("anthropic", 402, {"type": "error", "error": {"type": "billing_error"}}, "out-of-credit"),
    ("anthropic", 529, {"type": "error", "error": {"type": "overloaded_error"}}, "unclear"),
    ("openai", 200, LIST, "valid"),
    ("openai", 401, {"error": {"code": "invalid_api_key"}}, "rejected"),
    ("openai", 403, {"error": {"message": "You have insufficient permissions for this operation."}}, "limited"),
    ("openai", 403, {"error": {"code": "unsupported_country_region_territory"}}, "unclear"),
    ("openai", 403, {"code": "unsupported_country_region_territory", "type": "request_forbidden"}, "unclear"),
    ("openai", 429, {"error": {"code": "rate_limit_exceeded"}}, "rate-limited"),
    ("openai", 429, {"error": {"code": "insufficient_quota"}}, "out-of-credit"),
    ("openrouter", 200, {"data": {"limit": None, "limit_remaining": None}}, "valid"),
    ("openrouter", 200, {"data": {"limit": 5, "limit_remaining": 4.9}}, "valid"),
    ("openrouter", 200, {"data": {"limit": 5, "limit_remaining": 0}}, "out-of-credit"),
    ("openrouter", 200, {"data": {"limit": 5, "limit_remaining": -0.25}}, "out-of-credit"),
    ("gemini", 200, {"models": [{"name": "m"}]}, "valid"),
    ("gemini", 400, {"error": {"details": [{"x": 1}, {"reason": "API_KEY_INVALID"}]}}, "rejected"),
    ("gemini", 400, {"error": {"status": "INVALID_ARGUMENT"}}, "unclear"),
    ("gemini", 403, {"error": {"status": "PERMISSION_DENIED"}}, "rejected"),
    ("groq", 401, {"error": {"code": "invalid_api_key"}}, "rejected"),
    ("groq", 400, {"error": {"code": "organization_restricted"}}, "rejected"),
    ("mistral", 401, {"detail": "Unauthorized"}, "rejected"),
    ("xai", 200, {"acls": ["api-key:model:*"], "api_key_blocked": False, "team_blocked": False}, "valid"),
    ("xai", 200, {"acls": [], "api_key_blocked": False, "api_key_disabled": True}, "rejected"),
    ("xai", 400, {"error": "Incorrect API key provided"}, "rejected"),
    ("deepseek", 200, {"is_available": True, "balance_infos": []}, "valid"),
    ("deepseek", 200, {"is_available": False, "balance_infos": []}, "out-of-credit"),
    ("minimax", 200, LIST, "valid"),
    ("minimax", 200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "rejected"),
    ("minimax", 200, {"base_resp": {"status_code": 1008}}, "out-of-credit"),
    ("minimax", 200, {"data": None, "base_resp": {"status_code": 1000}}, "unclear"),
    ("zai", 401, {"error": {"code": "1002", "message": "Authentication Token is illegal"}}, "rejected"),
    ("zai", 429, {"error": {"code": "1113"}}, "out-of-credit"),
    ("zai", 429, {"error": {"code": "1302"}}, "rate-limited"),
]


def check_of(provider: str) -> Check:
    check = CATALOG.provider(provider).check
    assert check
    return check


@pytest.mark.parametrize(("provider", "status", "content", "outcome"), ANSWERS)
def test_what_a_provider_says_is_understood(provider: str, status: int, content: Any, outcome: str) -> None:
    found = judged(check_of(provider), Answer(status=status, body=json.dumps(content).encode()))

    assert (found.outcome, found.status) == (outcome, status)


def test_every_provider_that_can_be_checked_is_shown_here() -> None:
    checked = {name for name, provider in CATALOG.providers.items() if provider.check}

    assert {provider for provider, *_ in ANSWERS} == checked


def test_what_works_works_and_what_nobody_told_is_neither() -> None:
    works = {outcome: Verdict(outcome=outcome).works for outcome in (*MEANINGS, UNREACHABLE)}

    assert works == {
        "valid": True,
        "limited": True,
        "rate-limited": True,
        "rejected": False,
        "out-of-credit": False,
        "unreachable": None,
        "unclear": None,
    }


def test_that_credit_is_not_checked_is_said_where_it_is_not() -> None:
    good = Answer(status=200, body=b'{"data": {}}')

    assert judged(check_of("openai"), good).why == "credit is not checked"
    assert not judged(check_of("openrouter"), good).why


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>log in to this network</html>", b"[]", b"null", b'{"data": null}', b"[" * 100_000, b'"data"'],
)
def test_a_good_status_alone_is_nothing(body: bytes) -> None:
    assert judged(check_of("anthropic"), Answer(status=200, body=body)).outcome == "unclear"


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("body", [b"", b"<html>blocked</html>", b"[]", b'"no"', b"1"])
def test_what_somebody_on_the_way_answers_says_nothing_about_the_key(status: int, body: bytes) -> None:
    verdict = judged(check_of("anthropic"), Answer(status=status, body=body))

    assert (verdict.outcome, verdict.works, verdict.status) == (UNCLEAR, None, status)


def test_a_redirect_and_a_failure_say_what_they_are() -> None:
    whys = [judged(check_of("groq"), Answer(status=status)).why for status in (302, 500)]

    assert whys == [
        "it sends us elsewhere (status 302), where a key does not go",
        "it answered with status 500",
    ]


def test_no_answer_is_unreachable_with_the_reason() -> None:
    found = judged(check_of("groq"), Answer(problem="Connection refused"))

    assert (found.outcome, found.why, found.status) == ("unreachable", "Connection refused", 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "error", "code", "details", "x"]), inner),
)


@pytest.mark.slow
@given(st.sampled_from(sorted({provider for provider, *_ in ANSWERS})), st.integers(100, 599), JSON | st.binary())
def test_whatever_comes_is_judged_and_never_repeated(provider: str, status: int, content: Any) -> None:
    body = content if isinstance(content, bytes) else json.dumps({"canary-in-body": content}).encode()
    found = judged(check_of(provider), Answer(status=status, body=body))

    assert found.outcome in MEANINGS
    assert "canary" not in found.why
