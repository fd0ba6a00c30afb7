from __future__ import annotations

import pytest

from ringlet_py import values
from ringlet_py.catalog import Catalog
from ringlet_py.entry import Address
from ringlet_py.errors import InvalidName, KeySuspicious, ProviderSuspicious
from ringlet_py.secret import Secret

PROVIDERS = Catalog("/nowhere").providers
ANTHROPIC = "sk-ant-api03-" + "aB3-_x" * 16


def check(address: str, value: str, *, force: bool = False) -> list[str]:
    return values.check(Address.parse(address), Secret(value), PROVIDERS, force=force)


def test_a_key_of_its_provider_raises_no_question() -> None:
    assert check("anthropic/work", ANTHROPIC) == []


@pytest.mark.parametrize(
    ("address", "value", "likely"),
    [
        ("openai", ANTHROPIC, "anthropic"),
        ("anthropic", "gsk_" + "a1" * 26, "groq"),
        ("anthropic", "xai-" + "a1" * 40, "xai"),
        ("anthropic", "AIza" + "a1" * 17 + "b", "gemini"),
        ("anthropic", "sk-or-v1-" + "a1" * 32, "openrouter"),
        ("github", ANTHROPIC, "anthropic"),
    ],
)
def test_a_key_of_another_provider_is_refused_by_name_and_never_repeated(address: str, value: str, likely: str) -> None:
    with pytest.raises(KeySuspicious, match=f"looks like a key of {likely}") as raised:
        check(address, value)
    assert value not in f"{raised.value.what}{raised.value.why}{raised.value.hint}"


def test_a_bare_sk_is_nobodys() -> None:
    assert values.likely_provider(Secret("sk-" + "a1B2" * 12), PROVIDERS) == ""


def test_force_stores_it_all_the_same() -> None:
    check("openai", ANTHROPIC, force=True)


@pytest.mark.parametrize(
    "value",
    [
        "your-key-here",
        "YOUR_API_KEY",
        "your-openai-api-key",
        "sk-ant-your-key-here",
        "<your-key>",
        "[key]",
        "$ANTHROPIC_API_KEY",
        "{key}",
        "changeme",
        "change-me",
        "sk-...",
        "xxxxxxxxxxxx",
        "sk-xxxxxxxxxxxxxxxx",
        "****************",
        "api-key-here",
        "placeholder",
        "test-key",
        "INSERT_API_KEY",
    ],
)
def test_a_placeholder_is_refused(value: str) -> None:
    with pytest.raises(KeySuspicious, match="placeholder"):
        check("mistral", value)


@pytest.mark.parametrize("value", [ANTHROPIC, "gsk_" + "aX9" * 17, "sk-proj-" + "Ab1_" * 30, "0123456789abcdef" * 2])
def test_a_real_looking_value_is_no_placeholder(value: str) -> None:
    assert not any(Secret(value).matches(pattern) for pattern in values.PLACEHOLDERS)


def test_a_value_unlike_its_providers_keys_is_stored_with_a_warning() -> None:
    (warning,) = check("anthropic", "something-else-entirely-1")

    assert "does not look like a key of Anthropic" in warning


def test_a_provider_outside_the_catalog_is_fine() -> None:
    assert check("github", "ghp_" + "a1B2" * 9) == []


def test_a_near_miss_of_a_provider_needs_force() -> None:
    with pytest.raises(ProviderSuspicious, match="'antropic' is not in the catalog, but 'anthropic' is"):
        check("antropic", ANTHROPIC)
    check("antropic", ANTHROPIC, force=True)


def test_a_key_in_place_of_the_alias_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidName, match="looks like a key") as raised:
        values.check_address(Address("openai", "sk-ant-api03-abcdefghijkl"), PROVIDERS)
    assert "api03" not in f"{raised.value}{raised.value.why}{raised.value.hint}"


def test_an_ordinary_alias_is_taken() -> None:
    assert values.check_address(Address("openai", "work-2.0"), PROVIDERS) == Address("openai", "work-2.0")


@pytest.mark.parametrize(("name", "value"), [("GITHUB_TOKEN", "x"), ("MY_API_KEY", "x"), ("PLAIN", ANTHROPIC)])
def test_what_looks_secret_is_not_shown(name: str, value: str) -> None:
    assert values.looks_secret(name, value, PROVIDERS)


@pytest.mark.parametrize(("name", "value"), [("KEYBOARD", "us"), ("PLAIN", "x")])
def test_what_does_not_is_shown(name: str, value: str) -> None:
    assert not values.looks_secret(name, value, PROVIDERS)
