from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.completion.words import ARGUMENTS, COMMANDS, OPTIONS

if TYPE_CHECKING:
    from tests.completion.world import World


def test_commands_are_offered_and_their_hidden_names_are_not(world: World) -> None:
    assert world.offers("keychain", "") == [
        "set", "list", "edit", "rename", "remove", "check", "move", "status", "manage",
    ]  # fmt: skip
    assert world.offers("pro") == ["profiles"]
    assert world.offers() == world.offers("") == list(COMMANDS[""])


def test_what_a_hidden_name_takes_is_completed_all_the_same(world: World) -> None:
    world.profile("work")
    world.key("openai/office")

    assert world.offers("profiles", "rm", "") == ["work"]
    assert world.offers("keychain", "delete", "openai", "") == ["office"]
    assert world.offers("audit", "ls", "--prof") == ["--profile"]


def test_the_file_of_settings_is_no_argument(world: World) -> None:
    world.profile("work")

    for words in (("-c", "f"), ("--config", "f"), ("--config=f",)):
        assert world.offers(*words, "run", "") == ["work"]
        assert world.offers("run", *words, "") == ["work"]
        assert world.offers("profiles", *words, "inspect", "") == ["work"]
    assert world.offers("-c", "") is None  # the shell knows files
    assert world.offers("run", "work", "--config", "") is None
    assert world.offers("--con") == ["--config"]


def test_keys_to_check_and_to_move_and_backends_are_offered(world: World) -> None:
    world.key("openai/office")

    assert world.offers("keychain", "check", "openai", "") == ["office"]
    assert world.offers("keychain", "check", "minimax", "work", "--endpoint", "ch") == ["china"]
    assert world.offers("keychain", "move", "--to", "") == ["file", "sealed", "system"]
    assert world.offers("keychain", "move", "--from", "f") == ["file"]
    assert world.offers("keychain", "move", "--to", "sealed", "--select", "ope") == ["openai/office"]


def test_options_are_offered_after_a_dash_and_only_then(world: World) -> None:
    assert world.offers("run", "work", "--d") == ["--dry-run"]
    assert world.offers("--v") == ["--verbose", "--version"]
    assert world.offers("run", "work", "") == []


def test_every_command_and_group_has_help(world: World) -> None:
    for command in {*COMMANDS, *ARGUMENTS, *OPTIONS}:
        assert world.offers(*command.split(), "--hel") == ["--help"]


def test_nothing_is_offered_for_commands_and_options_that_do_not_exist(world: World) -> None:
    world.profile("work")

    assert world.offers("rnu", "") == []
    assert world.offers("keychain", "get", "") == []
    assert world.offers("run", "--nothing=") == []
    assert world.offers("run", "--json=") == []


def test_an_option_and_its_value_do_not_count_as_an_argument(world: World) -> None:
    world.profile("work")

    assert world.offers("run", "--purpose", "play", "") == ["work"]
    assert world.offers("run", "--purpose=play", "--dry-run", "") == ["work"]
    assert world.offers("--non-interactive", "run", "") == ["work"]
    assert world.offers("run", "--purpose", "") == []


def test_after_two_dashes_all_is_left_to_the_shell(world: World) -> None:
    world.profile("work")

    assert world.offers("run", "work", "--", "") is None
    assert world.offers("run", "work", "--", "--js") is None
    assert world.offers("run", "work", "--", "x", "wo") is None
    assert world.offers("run", "work", "--") != []


def test_a_file_is_left_to_the_shell(world: World) -> None:
    assert world.offers("keychain", "set", "openai", "--from-file", "k") is None
    assert world.offers("keychain", "set", "openai", "--from-file=k") is None
