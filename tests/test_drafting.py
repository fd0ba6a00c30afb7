from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.catalog import Catalog
from ringlet_py.drafting import changed, readdress, refuse_keys
from ringlet_py.entry import Address
from ringlet_py.errors import UsageError
from ringlet_py.profile.profile import Profile
from ringlet_py.profiles import ProfileStore

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_document_has_each_value_where_it_belongs() -> None:
    text = changed("", agent="claude", provider="anthropic", key_alias="work", base_url="https://x", env=["A=b=c"])

    assert tomllib.loads(text) == {
        "agent": "claude",
        "provider": "anthropic",
        "provider-config": {"key-alias": "work", "base-url": "https://x"},
        "env": {"A": "b=c"},
    }


def test_a_change_keeps_comments_and_the_rest() -> None:
    before = '# mine\nagent = "x" # the one\nprovider = "y"\n\n[provider-config]\n# which\nkey-alias = "a"\n'

    after = changed(before, key_alias="b")

    assert after == before.replace('"a"', '"b"')


def test_what_stands_at_the_top_is_changed_there() -> None:
    assert tomllib.loads(changed('model = "a"\n', model="b")) == {"model": "b"}


def test_nothing_given_changes_nothing() -> None:
    assert changed('agent = "x"\n', agent="", command=None, env=None) == 'agent = "x"\n'


def test_lists_are_set_whole() -> None:
    assert tomllib.loads(changed('args = ["a"]\n', args=["b", "c d"])) == {"args": ["b", "c d"]}


@pytest.mark.parametrize(
    "profile",
    [
        {"args": ("--token", "sk-ant-api03-abcdefghijkl")},
        {"args": ("Bearer sk-ant-api03-abcdefghijkl",)},
        {"command": ("tool", "--key=sk-ant-api03-abcdefghijkl")},
        {"key_alias": "sk-ant-api03-abcdefghijkl"},
    ],
)
def test_a_key_in_an_argument_or_a_name_is_refused_and_not_repeated(profile: dict[str, Any]) -> None:
    made = Profile(**{"name": "p", "agent": "generic", "provider": "openai", "env": {}, "references": {}, **profile})

    with pytest.raises(UsageError, match="looks like a key") as raised:
        refuse_keys(made, Catalog("/nowhere").providers)
    assert "api03" not in f"{raised.value}{raised.value.why}{raised.value.hint}"


def test_a_variable_without_a_value_is_an_error() -> None:
    with pytest.raises(UsageError, match="--env A has no value"):
        changed("", env=["A"])


def test_profiles_follow_a_key_to_its_new_address_and_keep_their_comments(tmp_path: Path) -> None:
    store = ProfileStore(str(tmp_path))
    text = """
# mine
agent = "claude"
provider = "anthropic"

[provider-config]
key-alias = "work"  # at work

[env]
HOOK = "ringlet:#webhook"
SIGN = "ringlet:anthropic/work#signing"
OTHER = "ringlet:anthropic/worker"
"""
    store.save("a", text)
    store.save("b", 'agent = "generic"\nprovider = "openai"\n[env]\nX = "ringlet:anthropic/work"\n')

    readdress(store, ["a", "b"], Address("anthropic", "work"), Address("anthropic", "team"))

    assert store.text("a") == text.replace('"work"', '"team"').replace("anthropic/work#", "anthropic/team#")
    assert store.load("b").references == {"X": Address("anthropic", "team")}
    assert store.load("b").key_alias == "default"
