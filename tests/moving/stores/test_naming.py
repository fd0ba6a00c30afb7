"""What another tool's name for a key says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.entry import check_name
from ringlet_py.moving.stores.naming import Naming
from ringlet_py.secret import Secret
from tests.moving.stores.shown import ANTHROPIC, MISTRAL, OPENAI, PROVIDERS

NAMING = Naming(PROVIDERS)


@pytest.mark.parametrize(
    ("name", "provider", "alias"),
    [
        ("openai", "openai", ""),
        ("OPENAI_API_KEY", "openai", ""),
        ("openai-work", "openai", "work"),
        ("openai_key_2", "openai", "2"),
        ("claude", "anthropic", ""),
        ("google", "gemini", ""),
        ("GOOGLE_API_KEY", "gemini", ""),
        ("api/mistral/home", "mistral", "home"),
        ("claude-subscription", "claude-subscription", ""),
        ("CLAUDE_CODE_OAUTH_TOKEN", "claude-subscription", ""),
        ("OPENAI_WEBHOOK_SECRET", "openai", "webhook"),
        ("openai or anthropic", "", "or"),
        ("custom", "", "custom"),
        ("Stripe live key", "", "stripe-live"),
        ("", "", ""),
    ],
)
def test_a_name_tells_provider_and_alias(name: str, provider: str, alias: str) -> None:
    assert (NAMING.provider(name), NAMING.alias(name)) == (provider, alias)


def test_the_values_prefix_counts_before_the_name() -> None:
    assert NAMING.provider("openai", Secret(ANTHROPIC)) == "anthropic"
    assert NAMING.provider("openai", Secret(MISTRAL)) == "openai"


def test_a_name_that_is_a_key_is_neither_shown_nor_made_an_alias() -> None:
    assert NAMING.shown(OPENAI) == "***"
    assert NAMING.alias(OPENAI) == ""
    assert OPENAI not in NAMING.removal(f"keyring del openai {OPENAI}")
    assert NAMING.carried({"login": OPENAI, "source": "web"}) == {"source": "web"}


def test_a_name_with_control_characters_is_shown_escaped() -> None:
    assert NAMING.shown("a\x1b[2Jb") == r"a\x1b[2Jb"


@given(st.lists(st.text(), max_size=3))
def test_every_alias_follows_the_grammar(names: list[str]) -> None:
    alias = NAMING.alias(*names)
    assert not alias or check_name("alias", alias) == alias


@pytest.mark.parametrize(("name", "says"), [("api key", True), ("OPENAI_API_KEY", True), ("login", False)])
def test_whether_a_name_says_that_it_is_a_key(name: str, *, says: bool) -> None:
    assert NAMING.means_key(name) is says


def test_a_value_looks_right_by_prefix_or_pattern() -> None:
    assert NAMING.looks_right(Secret(OPENAI), "openai")
    assert not NAMING.looks_right(Secret(OPENAI), "anthropic")
    assert not NAMING.looks_right(Secret("correct-horse"), "openai")
    assert not NAMING.looks_right(Secret("anything"), "")
