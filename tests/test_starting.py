from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py import starting
from ringlet_py.app import App
from ringlet_py.cli.init_steps import next_command
from tests.end_to_end.program import KEY, store_key

if TYPE_CHECKING:
    from tests.end_to_end.program import Home


@pytest.fixture
def empty_path(home: Home) -> Home:
    """A home whose PATH has only its own programs."""
    home.environ["PATH"] = str(home.path / "bin")
    return home


def look(home: Home) -> starting.Start:
    return starting.look(App(home.environ))


def test_agents_on_the_path_are_found_and_files_that_cannot_be_run_are_not(empty_path: Home) -> None:
    path = empty_path.program("claude", "#!/bin/sh\n")
    empty_path.program("codex", "#!/bin/sh\n", mode=0o644)
    assert [(found.agent, found.path) for found in look(empty_path).agents] == [("claude", str(path))]


def test_an_agent_is_proposed_with_every_key_that_it_can_use_and_no_other(empty_path: Home) -> None:
    for program in ("claude", "codex"):
        empty_path.program(program, "#!/bin/sh\n")
    for number, address in enumerate(("anthropic/default", "anthropic/work", "openai/default")):
        store_key(empty_path, address, f"{KEY}{number}")
    proposed = {(each.name, each.agent, each.key) for each in look(empty_path).proposals}
    assert proposed == {
        ("claude", "claude", "anthropic/default"),
        ("claude-work", "claude", "anthropic/work"),
        ("codex", "codex", "openai/default"),
    }


def test_a_profile_whose_key_is_gone_is_not_what_comes_next(empty_path: Home) -> None:
    empty_path.program("claude", "#!/bin/sh\n")
    empty_path.profile("claude", 'agent = "claude"\nprovider = "anthropic"\n')
    start = look(empty_path)
    assert {name: str(address) for name, address in start.lacking.items()} == {"claude": "anthropic/default"}
    assert next_command(start) == "ringlet keychain set anthropic default"
    store_key(empty_path)
    assert next_command(look(empty_path)) == "ringlet run claude"


def test_what_a_profile_has_already_is_not_proposed_and_its_name_is_taken(empty_path: Home) -> None:
    empty_path.program("claude", "#!/bin/sh\n")
    for number, alias in enumerate(("default", "work")):
        store_key(empty_path, f"anthropic/{alias}", f"{KEY}{number}")
    empty_path.profile("claude", 'agent = "claude"\nprovider = "anthropic"\n')
    assert [(each.name, each.key) for each in look(empty_path).proposals] == [("claude-work", "anthropic/work")]


def test_a_key_that_may_not_be_used_is_not_proposed(empty_path: Home) -> None:
    empty_path.program("claude", "#!/bin/sh\n")
    store_key(empty_path)
    empty_path.here("keychain", "edit", "anthropic", "default", "--inactive")
    assert look(empty_path).proposals == ()


def test_the_command_of_a_proposal_makes_what_it_says(empty_path: Home) -> None:
    empty_path.program("claude", "#!/bin/sh\n")
    store_key(empty_path, "anthropic/work")
    (only,) = look(empty_path).proposals
    assert empty_path.here(*only.words("mine")).status == 0
    (profile,) = look(empty_path).profiles
    assert (profile["name"], profile["agent"], profile["key"]) == ("mine", "claude", "anthropic/work")
