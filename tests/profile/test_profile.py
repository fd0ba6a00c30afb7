from __future__ import annotations

import pytest

from ringlet_py.document import Source
from ringlet_py.entry import Address
from ringlet_py.errors import ProfileInvalid
from ringlet_py.profile.profile import Profile, read_profile

GOOD = """
agent = "claude"
provider = "anthropic"
args = ["--verbose"]
inherit-env = "clean"
isolation = "config"

[provider-config]
key-alias = "work"
endpoint = "default"
base-url = "http://127.0.0.1:9999"
model = "claude-sonnet-4"

[env]
PLAIN = "value"
GITHUB_TOKEN = "ringlet:github/work"
"""


def read(text: str) -> Profile:
    return read_profile("work", Source(path="/p.toml", text=text, error=ProfileInvalid))


def test_a_profile_is_read() -> None:
    profile = read(GOOD)

    assert profile.address == Address("anthropic", "work")
    assert (profile.endpoint, profile.base_url, profile.model) == (
        "default",
        "http://127.0.0.1:9999",
        "claude-sonnet-4",
    )
    assert profile.env == {"PLAIN": "value"}
    assert profile.references == {"GITHUB_TOKEN": Address("github", "work")}
    assert (profile.args, profile.inherit_env, profile.isolation) == (("--verbose",), "clean", "config")


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("ringlet:#webhook", Address("anthropic", "work", "webhook")),
        ("ringlet:anthropic/other#webhook", Address("anthropic", "other", "webhook")),
        ("ringlet:github#signing", Address("github", "default", "signing")),
    ],
)
def test_a_variable_may_take_a_bound_secret_of_its_own_key_or_of_another(value: str, address: Address) -> None:
    profile = read(GOOD.replace("ringlet:github/work", value))

    assert profile.further == {"GITHUB_TOKEN": address}
    assert profile.env == {"PLAIN": "value"}


def test_what_it_does_not_say_has_its_default() -> None:
    profile = read('agent = "claude"\nprovider = "anthropic"')

    assert profile.address == Address("anthropic", "default")
    assert (profile.inherit_env, profile.isolation, profile.base_url) == ("filtered", "none", "")


def test_where_the_key_goes_may_also_stand_at_the_top() -> None:
    assert read('agent = "claude"\nprovider = "anthropic"\nmodel = "m"').model == "m"


def test_but_not_in_both_places() -> None:
    with pytest.raises(ProfileInvalid, match="'model' stands twice"):
        read('agent = "a"\nprovider = "p"\nmodel = "m"\n[provider-config]\nmodel = "n"')


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('agent = "claude"', "", "'agent' is missing"),
        ('agent = "claude"', 'agent = "../x"', "agent"),
        ('key-alias = "work"', 'key-allias = "work"', "line 9: 'key-allias' is not known"),
        ('key-alias = "work"', 'key-alias = "a/b"', "key-alias"),
        ('"clean"', '"cleen"', "'cleen' is not known"),
        ('"config"', '"container"', "'container' is not known"),
        ("http://127.0.0.1:9999", "http://evil.example", "must be https"),
        ("claude-sonnet-4", "a b", "model"),
        ("ringlet:github/work", "ringlet:git hub/work", "GITHUB_TOKEN"),
        ("ringlet:github/work", "ringlet:#", "GITHUB_TOKEN: the bound secret is empty"),
        ("ringlet:github/work", "ringlet:#a b", "GITHUB_TOKEN: the bound secret 'a b'"),
        ("ringlet:github/work", "ringlet:github/work#", "GITHUB_TOKEN: the bound secret is empty"),
        ("ringlet:github/work", "ringlet:github/work#a#b", "GITHUB_TOKEN: the bound secret 'a#b'"),
        ("PLAIN =", "PLA-IN =", "not the name of a variable"),
        ('"--verbose"', '"a\\u0000b"', "NUL"),
        ("[env]", "[evn]", "'evn' is not known"),
    ],
)
def test_a_mistake_is_refused(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ProfileInvalid, match=r"/p\.toml") as raised:
        read(GOOD.replace(old, new))
    assert message in raised.value.what
