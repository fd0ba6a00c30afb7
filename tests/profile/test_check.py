from __future__ import annotations

import pytest

from ringlet_py.document import Source
from ringlet_py.errors import CatalogInvalid
from ringlet_py.profile.check import Check, Telling
from ringlet_py.profile.provider import read_provider

FRONT = """
title = "Example"
key-env = "EXAMPLE_API_KEY"

[endpoints.default]
openai-chat = "https://api.example/v1"
"""
GOOD = """
[check]
shape = "openai-chat"
path = "/models?limit=1"
expects = "data"
credit = true
source = "https://docs.example"

[check.statuses]
400 = "rejected"

[[check.tells]]
field = "error.code"
is = "spent"
outcome = "out-of-credit"

[[check.tells]]
field = "left"
at-most = 0
outcome = "out-of-credit"
"""


def read(text: str) -> Check | None:
    return read_provider("example", Source(path="/p.toml", text=FRONT + text, error=CatalogInvalid)).check


def test_a_check_is_read() -> None:
    assert read(GOOD) == Check(
        shape="openai-chat",
        path="/models?limit=1",
        url="",
        expects="data",
        credit=True,
        source="https://docs.example",
        statuses={400: "rejected"},
        tellings=(
            Telling(field="error.code", text="spent", most=None, outcome="out-of-credit"),
            Telling(field="left", text="", most=0, outcome="out-of-credit"),
        ),
    )


def test_without_one_there_is_none() -> None:
    assert read("") is None


def test_a_whole_url_may_be_anywhere_on_an_endpoints_host() -> None:
    check = read('[check]\nshape = "openai-chat"\nurl = "https://api.example/user/balance?x=1"\nexpects = "x"\n')

    assert check
    assert check.url == "https://api.example/user/balance?x=1"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('path = "/models', 'path = "models', "begins with '/'"),
        ('path = "/models?limit=1"', 'path = "/mod els"', "has a blank"),
        ('path = "/models?limit=1"', "", "either a 'path' or a 'url'"),
        ("credit = true", 'url = "https://api.example/x"', "either a 'path' or a 'url'"),
        ('path = "/models?limit=1"', 'url = "https://evil.example/x"', "on the host of an endpoint"),
        ('path = "/models?limit=1"', 'url = "https://api.example.evil.example/x"', "on the host of an endpoint"),
        ('path = "/models?limit=1"', 'url = "http://api.example/x"', "must be https"),
        ('path = "/models?limit=1"', 'url = "https://api.example@evil.example/x"', "no user name"),
        ('expects = "data"', "", "'expects' is missing"),
        ('shape = "openai-chat"', 'shape = "openai-chad"', "is not known"),
        ("400 =", "4000 =", "no status with an outcome"),
        ('400 = "rejected"', '400 = "refused"', "no status with an outcome"),
        ('is = "spent"', "", "either 'is' or 'at-most'"),
        ("at-most = 0", 'at-most = 0\nis = "x"', "either 'is' or 'at-most'"),
        ("at-most = 0", "at-least = 0", "'at-least' is not known"),
        ("credit = true", "credits = true", "'credits' is not known"),
    ],
)
def test_a_mistake_is_refused(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogInvalid, match=r"/p\.toml") as raised:
        read(GOOD.replace(old, new, 1))
    assert message in raised.value.what
