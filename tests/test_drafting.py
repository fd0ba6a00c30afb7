from __future__ import annotations

import tomllib

import pytest

from ringlet_py.drafting import changed
from ringlet_py.errors import UsageError


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


def test_a_variable_without_a_value_is_an_error() -> None:
    with pytest.raises(UsageError, match="--env A has no value"):
        changed("", env=["A"])
