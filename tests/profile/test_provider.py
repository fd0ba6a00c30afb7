from __future__ import annotations

import pytest

from ringlet_py.document import Source
from ringlet_py.errors import CatalogInvalid
from ringlet_py.profile.provider import Provider, read_provider

GOOD = """
title = "Example"
key-env = "EXAMPLE_API_KEY"
base-url-env = "EXAMPLE_BASE_URL"
drop = ["EXAMPLE_TOKEN"]
key-pattern = "ex-[a-z]{4,}"
key-prefixes = ["ex-"]

[endpoints.international]
anthropic = "https://api.example/anthropic"
openai-chat = "https://api.example/v1"

[endpoints.china]
anthropic = "https://api.example.cn/anthropic"
"""


def read(text: str) -> Provider:
    return read_provider("example", Source(path="/p.toml", text=text, error=CatalogInvalid))


def test_a_provider_is_read() -> None:
    provider = read(GOOD)

    assert provider.name == "example"
    assert provider.variables == {"EXAMPLE_API_KEY", "EXAMPLE_BASE_URL", "EXAMPLE_TOKEN"}
    assert list(provider.endpoints) == ["international", "china"]
    assert provider.all_shapes() == ("anthropic", "openai-chat")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Example"', "", "'title' is missing"),
        ('key-env = "EXAMPLE_API_KEY"', "", "'key-env' is missing"),
        ('"EXAMPLE_API_KEY"', '"EXAMPLE-API-KEY"', "not the name of a variable"),
        ('"ex-[a-z]{4,}"', '"ex-["', "not a regular expression"),
        ('anthropic = "https://api.example.cn', 'antropic = "https://api.example.cn', "wire shape 'antropic'"),
        ("https://api.example.cn", "http://api.example.cn", "must be https"),
        ("key-prefixes", "key-prefixs", "'key-prefixs' is not known"),
    ],
)
def test_a_mistake_is_refused(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogInvalid, match=r"/p\.toml") as raised:
        read(GOOD.replace(old, new))
    assert message in raised.value.what


def test_a_keyless_provider_needs_no_variable() -> None:
    assert read('title = "x"\nkeyless = true\nshapes = ["self"]').variables == frozenset()
