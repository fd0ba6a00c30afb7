from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.errors import ConfigError
from ringlet_py.profile.values import check_base_url, check_plain, check_variable, host_of, is_loopback


def wrong(what: str) -> ConfigError:
    return ConfigError(what)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "https://openrouter.ai/api/v1",
        "https://host:8443/x",
        "http://127.0.0.1:8080",
        "http://localhost:11434/v1",
        "http://[::1]:80",
        "http://127.8.9.1",
    ],
)
def test_an_address_a_key_may_go_to_is_taken(url: str) -> None:
    assert check_base_url(url, wrong) == url


def test_a_slash_at_the_end_is_dropped() -> None:
    assert check_base_url("https://a.example/v1/", wrong) == "https://a.example/v1"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.anthropic.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "https://user@host",
        "https://user:pw@host",
        "https://",
        "https:///path",
        "ftp://host",
        "file:///etc/passwd",
        "host",
        "",
        "https://host/?q=1",
        "https://host/?",
        "https://host/#f",
        'https://host/"x',
        "https://host/\\x",
        "https://ho st",
        "https://host\n",
        "https://hôst",
        "https://host:port",
        "https://[::1",
        "javascript:alert(1)",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        check_base_url(url, wrong)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["192.168.0.1", "10.0.0.1", "local", "localhost.", "128.0.0.1", "::2", ""])
def test_loopback_is_nothing_else(host: str) -> None:
    assert not is_loopback(host)


def test_the_host_of_an_address_with_a_bracketed_one() -> None:
    assert host_of("http://[::1]:80/x") == "::1"


@pytest.mark.parametrize("name", ["A", "_x", "OPENAI_API_KEY", "a1"])
def test_a_variable_name_is_taken(name: str) -> None:
    assert check_variable(name, wrong) == name


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A=B", "A\n", "A\0", "Ä", "LD PRELOAD"])
def test_what_is_no_variable_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        check_variable(name, wrong)


@given(st.text())
def test_plain_text_can_stand_in_an_argument_a_json_string_and_a_toml_string(text: str) -> None:
    try:
        check_plain("model", text, wrong)
    except ConfigError:
        return
    assert text.isascii()
    assert text.isprintable()
    assert not set(" \"'\\`{}").intersection(text)
