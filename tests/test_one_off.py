from __future__ import annotations

import os

import pytest

from ringlet_py import one_off
from ringlet_py.catalog import Catalog
from ringlet_py.entry import Address
from ringlet_py.errors import PairingImpossible, UsageError

CATALOG = Catalog("/nowhere")


def test_a_command_gets_the_key_in_its_providers_own_variable() -> None:
    plan, args = one_off.plan(["anthropic/work"], ("tool", "-x"), catalog=CATALOG)

    assert (plan.command, args) == (("tool",), ("-x",))
    assert plan.keys == {"ANTHROPIC_API_KEY": Address("anthropic", "work")}


def test_an_agent_of_the_catalog_gets_its_own_mapping_and_pins() -> None:
    plan, _ = one_off.plan(["anthropic"], ("/opt/bin/claude",), catalog=CATALOG)

    assert plan.agent == "claude"
    assert plan.command == ("/opt/bin/claude",)
    assert plan.env["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"] == "1"


def test_an_agent_that_cannot_use_the_key_is_refused() -> None:
    with pytest.raises(PairingImpossible):
        one_off.plan(["mistral"], ("claude",), catalog=CATALOG)


def test_a_variable_can_be_named_for_any_provider() -> None:
    plan, _ = one_off.plan(["GITHUB_TOKEN=github/work"], ("gh",), catalog=CATALOG)

    assert plan.keys == {"GITHUB_TOKEN": Address("github", "work")}


def test_several_keys_can_be_given() -> None:
    plan, _ = one_off.plan(["anthropic", "GITHUB_TOKEN=github/work"], ("tool",), catalog=CATALOG)

    assert set(plan.keys) == {"ANTHROPIC_API_KEY", "GITHUB_TOKEN"}


def test_a_path_is_meant_from_the_current_folder() -> None:
    plan, _ = one_off.plan(["anthropic"], ("./tool",), catalog=CATALOG)

    assert plan.command == (os.path.join(os.getcwd(), "tool"),)


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (["anthropic"], ()),
        (["anthropic", "openai"], ("tool",)),
        (["github/work"], ("tool",)),
        (["1A=github/work"], ("tool",)),
        (["a/b/c"], ("tool",)),
        (["="], ("tool",)),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(keys: list[str], command: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        one_off.plan(keys, command, catalog=CATALOG)
