from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.catalog import Catalog
from ringlet_py.moving.formats import decoded
from ringlet_py.moving.judging import LEFT, PERHAPS, SURE, Judge
from ringlet_py.secret import Secret
from tests.moving.world import CATALOG, A, B, C

JUDGE = Judge(CATALOG.providers, lambda value: "openai/old" if value.same_as(Secret("stored-long-ago-123")) else "")


if TYPE_CHECKING:
    from pathlib import Path


def judged(name: str, text: str, kind: str = "shell") -> tuple[str, str] | None:
    found = JUDGE.judged(name, Secret(text), kind)
    return (found.level, found.provider) if found else None


@pytest.mark.parametrize(
    ("name", "text", "level", "provider"),
    [
        ("ANTHROPIC_API_KEY", A, SURE, "anthropic"),
        ("ANTHROPIC_AUTH_TOKEN", A, SURE, "anthropic"),
        ("anthropic_api_key", A, SURE, "anthropic"),
        ("env.ANTHROPIC_API_KEY", A, SURE, "anthropic"),
        ("GOOGLE_API_KEY", "AIza" + "b" * 5 + "aD" * 15, SURE, "gemini"),
        ("MISTRAL_API_KEY", "abcDEF123456ghiJKL789", SURE, "mistral"),
        # the value's prefix counts before the name, since whole clients read another provider's variable
        ("OPENAI_API_KEY", "sk-or-v1-" + "0a1b2c3d" * 4, SURE, "openrouter"),
        ("WHATEVER", A, SURE, "anthropic"),
        ("primaryApiKey", B, SURE, "openai"),
        ("WORK_KEY", "sk-" + "aB3dE6gH9j" * 4, SURE, "openai"),
        ("ANY_NAME", "stored-long-ago-123", SURE, "openai"),
        ("THING", "sk-" + "aB3dE6gH9j" * 4, PERHAPS, "openai"),
        ("KEY", "sk-" + "0123456789abcdef" * 2, PERHAPS, "deepseek"),
        ("GITHUB_TOKEN", "ghp_abcdefghijklmnop1234", PERHAPS, "custom"),
        ("STRIPE_SECRET_KEY", "rk_live_abcdefghijklmnop", PERHAPS, "custom"),
    ],
)
def test_a_key_is_told_by_name_and_value(name: str, text: str, level: str, provider: str):
    assert judged(name, text) == (level, provider)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        "$ANTHROPIC_KEY_FROM_ELSEWHERE",
        "${OPENAI_API_KEY:-nothing-at-all}",
        "$(pass show anthropic/key)",
        "your-api-key-goes-here",
        "<your key goes in here>",
        "sk-ant-xxxxxxxxxxxxxxxxxxxxxxxxx",
        "op://vault/anthropic/credential",
        "https://example.com/some/long/path",
        "/run/secrets/anthropic-api-key",
        "~/.config/keys/anthropic.txt",
        "ringlet:anthropic/default",
        "env:ANTHROPIC_API_KEY_ELSEWHERE",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "k" * 5000,
    ],
)
def test_what_stands_for_a_key_or_is_too_short_or_long_is_none(text: str):
    assert judged("ANTHROPIC_API_KEY", text) is None


@pytest.mark.parametrize("name", ["PATH_TO_THINGS", "LANG", "SSH_PUBLIC_KEY", "KEYBOARD", "TOKENIZER", "AUTHOR"])
def test_other_variables_are_none(name: str):
    assert judged(name, "some-long-and-dull-value-1") is None


@pytest.mark.parametrize(
    "text", [f"{A} ", f"{A}'x", "line\nline-and-another-line", f"{A}\u00e9", decoded(b"\xff\xfe" * 10)]
)
def test_a_value_that_no_keychain_takes_is_left_and_the_reason_does_not_repeat_it(text: str):
    found = JUDGE.judged("ANTHROPIC_API_KEY", Secret(text), "shell")

    assert found is not None
    assert (found.level, found.provider) == (LEFT, "anthropic")
    assert A not in found.why


@pytest.mark.parametrize("name", ["RINGLET_MASTER_KEY", "RINGLET_NEW_MASTER_KEY", "ringlet_token"])
def test_what_opens_the_keychain_is_never_moved_into_it(name: str):
    for judge in (JUDGE, Judge(CATALOG.providers, lambda _: "custom/ringlet-master-key")):
        found = judge.judged(name, Secret("0123456789abcdef" * 4), "shell")

        assert found is not None
        assert found.level == LEFT


def test_an_entry_of_netrc_is_told_by_its_host():
    assert judged("api.mistral.ai", "abcDEF123456ghiJKL789", "netrc") == (SURE, "mistral")
    assert judged("api.anthropic.com", A, "netrc") == (SURE, "anthropic")
    assert judged("example.com", "abcDEF123456ghiJKL789", "netrc") is None


def test_a_login_that_an_agent_renews_by_itself_stays_with_it():
    token = "sk-ant-oat01-" + "aB3dE6gH9j" * 4

    assert judged("claudeAiOauth.accessToken", token, "agent") == (LEFT, "claude-subscription")
    assert judged("tokens.access_token", "eyJhbGciOi.eyJzdWIiOiIx.c2lnbmF0dXJl", "agent") is None
    assert judged("CLAUDE_CODE_OAUTH_TOKEN", token) == (SURE, "claude-subscription")


def test_the_configuration_of_an_agent_offers_nothing_without_a_provider():
    assert judged("sessionKey", "abcdefghijklmnopqrst", "agent") is None
    assert judged("mcpServers.groq.env.GROQ_API_KEY", C, "agent") == (SURE, "groq")


def test_a_provider_of_ones_own_may_have_any_pattern(tmp_path: Path):
    text = 'title = "Mine"\nkey-env = "MINE_KEY"\ndrop = []\nkey-pattern = "(?i)(mine)-\\\\1-[a-z]{12}"\n'
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers/mine.toml").write_text(text)
    judge = Judge(Catalog(str(tmp_path)).providers, lambda _: "")

    found = judge.judged("SOME_KEY", Secret("MINE-mine-abcdefghijkl"), "shell")

    assert found is not None
    assert (found.level, found.provider) == (SURE, "mine")
