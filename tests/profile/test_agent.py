from __future__ import annotations

import pytest

from ringlet_py.document import Source
from ringlet_py.errors import CatalogInvalid
from ringlet_py.profile.agent import Agent, located, read_agent

GOOD = """
title = "Example"
binary = "example"
drop = ["EXAMPLE_USE_CLOUD"]
key-files = ["~/.example.json", "$EXAMPLE_HOME/auth.json"]
transcripts = ["~/.example/**/*.jsonl"]

[env]
EXAMPLE_PIN = "1"

[[shapes]]
shape = "anthropic"
env = { ANTHROPIC_API_KEY = "{key}", ANTHROPIC_BASE_URL = "{base-url}" }
args = ["--url", "{base-url}"]

[[shapes]]
shape = "openai-chat"
isolation = "config"
[shapes.env]
OPENAI_API_KEY = "{key}"
[shapes.files]
"{config-folder}/a.json" = '{"key": "$OPENAI_API_KEY"}'
"""


def read(text: str) -> Agent:
    return read_agent("example", Source(path="/a.toml", text=text, error=CatalogInvalid))


def test_an_agent_is_read() -> None:
    agent = read(GOOD)

    assert agent.shapes == ("anthropic", "openai-chat")
    assert agent.mappings[0].env == {"ANTHROPIC_API_KEY": "{key}", "ANTHROPIC_BASE_URL": "{base-url}"}
    assert agent.mappings[1].isolation == "config"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('binary = "example"', "", "'binary' is missing"),
        ('"--url", "{base-url}"', '"--key", "{key}"', "arguments and files"),
        ("$OPENAI_API_KEY", "{key}", "arguments and files"),
        ('"{key}", ANTHROPIC', '"Bearer {key}", ANTHROPIC', "the whole value"),
        ('EXAMPLE_PIN = "1"', 'EXAMPLE_PIN = "{key}"', "only stand in the env of a shape"),
        ("{config-folder}/a.json", "/etc/a.json", "must lie below"),
        ("{config-folder}/a.json", "{config-folder}/../../a.json", "must lie below"),
        ('shape = "anthropic"', 'shape = "antropic"', "'antropic' is not known"),
        ("EXAMPLE_USE_CLOUD", "EXAMPLE USE", "not the name of a variable"),
        ("drop =", "dorp =", "'dorp' is not known"),
        ("~/.example.json", "/etc/passwd", "must start with '~/' or with '$VARIABLE/'"),
        ("~/.example/**", "~/.example/../**", "without '..'"),
    ],
)
def test_a_mistake_is_refused(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogInvalid) as raised:
        read(GOOD.replace(old, new))
    assert message in raised.value.what


def test_the_places_of_keys_lie_in_the_home_folder_and_in_the_folder_that_a_variable_names() -> None:
    places = read(GOOD).key_files

    assert located(places, home="/h[1]", environ={"EXAMPLE_HOME": "/else"}) == [
        "/h[[]1]/.example.json",
        "/else/auth.json",
    ]


@pytest.mark.parametrize("folder", ["", ".", "~/relative"])
def test_a_variable_that_names_no_folder_is_no_place(folder: str) -> None:
    assert located(["$EXAMPLE_HOME/auth.json"], home="/home/somebody", environ={"EXAMPLE_HOME": folder}) == []
