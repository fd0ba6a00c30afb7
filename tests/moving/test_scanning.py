from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import KeychainLocked
from ringlet_py.moving.judging import LEFT, PERHAPS, SURE
from ringlet_py.moving.places import Place
from ringlet_py.moving.proposing import hint_of
from ringlet_py.moving.stores import Candidate
from ringlet_py.secret import Secret
from tests.moving.world import A, B, C, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringlet_py.moving.finding import Find

posix = pytest.mark.skipif(os.name != "posix", reason="made for POSIX files")


class ToolStore:
    """Another tool's store with these keys."""

    def __init__(self, *candidates: Candidate) -> None:
        self._candidates = list(candidates)

    def finds(self) -> tuple[list[Candidate], list[str]]:
        return self._candidates, ["the other one is locked"]


def told(find: Find) -> tuple[str, int, str, str]:
    return os.path.basename(find.place), find.line, find.name, find.address


def test_a_find_says_where_it_is_and_what_is_proposed(world: World):
    rc = world.file(".rc", f"x=1\nANTHROPIC_API_KEY={A}\n")

    (find,) = world.scan(rc).finds

    assert told(find) == (".rc", 2, "ANTHROPIC_API_KEY", "anthropic/default")
    assert (find.level, find.tail, find.stored) == (SURE, f"…{A[-4:]}", False)
    assert A not in repr(find)


def test_the_same_value_has_one_address_wherever_it_lies(world: World):
    rc = world.file(".rc", f"ANTHROPIC_API_KEY={A}\nCLAUDE_API_KEY={A}\n")
    env = world.file("shop/.env", f"K={A}\n")

    assert {find.address for find in world.scan(rc, env).finds} == {"anthropic/default"}


def test_another_value_is_named_after_its_project_or_numbered(world: World):
    rc = world.file(".rc", f"ANTHROPIC_API_KEY={A}\nANTHROPIC_API_KEY={A}x\nANTHROPIC_API_KEY={A}y\n")
    env = world.file("Web Shop/.env", f"ANTHROPIC_API_KEY={A}z\n")
    stage = world.file("Web Shop/.env.staging", f"ANTHROPIC_API_KEY={A}w\n")

    found = world.scanner().scan([*_of(rc, "shell"), *_of(env, "dotenv"), *_of(stage, "dotenv")]).finds

    names = ["default", "default-2", "default-3", "web-shop", "web-shop-staging"]
    assert [find.address for find in found] == [f"anthropic/{name}" for name in names]


def _of(path: Path, kind: str) -> list[Place]:
    return [Place(str(path), kind)]


def test_an_address_that_is_taken_by_another_value_is_not_proposed(world: World):
    world.app.keychain.set(Address("anthropic"), Secret(B), force=True)
    rc = world.file(".rc", f"ANTHROPIC_API_KEY={A}\n")

    assert world.scan(rc).finds[0].address == "anthropic/default-2"


def test_what_is_stored_already_is_told_by_its_value(world: World):
    world.app.keychain.set(Address("custom", "thing"), Secret("no-pattern-at-all-42"))
    rc = world.file(".rc", "SOMETHING=no-pattern-at-all-42\n")

    (find,) = world.scan(rc).finds

    assert (find.address, find.stored, find.level) == ("custom/thing", True, SURE)


def test_a_stored_value_is_not_recognised_where_only_its_entry_is_left(world: World):
    world.app.keychain.set(Address("custom", "thing"), Secret("no-pattern-at-all-42"))
    world.app.backend.remove(Address("custom", "thing"))

    assert world.scan(world.file(".rc", "SOMETHING=no-pattern-at-all-42\n")).finds == []


def test_a_locked_keychain_is_a_note_and_nobody_is_asked(world: World, monkeypatch: pytest.MonkeyPatch):
    rc = world.file(".rc", f"ANTHROPIC_API_KEY={A}\n")
    scanner = world.scanner()
    locked = KeychainLocked("the keychain is locked")
    monkeypatch.setattr(type(scanner.keychain.backend), "check", _raising(locked))
    monkeypatch.setattr(type(scanner.keychain.backend), "get", _raising(AssertionError("asked")))

    found = scanner.scan(_of(rc, "shell"))

    assert [find.address for find in found.finds] == ["anthropic/default"]
    assert found.notes == ["what is stored already could not be told: the keychain is locked"]


def _raising(problem: BaseException) -> Callable[..., None]:
    def raise_it(*_: object) -> None:
        raise problem

    return raise_it


def test_files_that_are_read_in_turn_are_looked_at_once_each(world: World):
    world.file(".a", f". ~/.b\n. $HOME/.b\n. ${{HOME}}/.a\n. {world.home.path}/.c\n. .relative\n. $NOWHERE/x\n")
    world.file(".b", f"ANTHROPIC_API_KEY={A}\n. ~/.a\n")
    world.file(".c", f"OPENAI_API_KEY={B}\n")

    assert [told(find)[0] for find in world.scan(world.home.path / ".a").finds] == [".b", ".c"]


@posix
def test_what_is_no_readable_file_is_a_note(world: World):
    fifo = world.home.path / ".fifo"
    os.mkfifo(fifo)
    folder = world.home.path / ".folder"
    folder.mkdir()
    gone = world.home.path / ".gone"

    found = world.scan(fifo, folder, gone, world.file(".rc", f"ANTHROPIC_API_KEY={A}\n"))

    assert [told(find)[0] for find in found.finds] == [".rc"]
    assert [os.path.basename(note.split(" was")[0]).strip("'") for note in found.notes] == [".fifo", ".folder"]


@posix
@pytest.mark.parametrize("name", ["new\nline", "\x1b[2Jclear", "bl ank", "caf\udcff", "-rf"])
def test_a_file_of_a_hostile_name_is_found_and_moved(world: World, name: str):
    path = os.path.join(world.home.path, name)
    with open(path, "w") as file:
        file.write(f"ANTHROPIC_API_KEY={A}\n")
    from pathlib import Path

    done = world.move(Path(path))
    assert (done.stored, done.problems) == (["anthropic/default"], [])
    assert world.undo()[1] == []
    assert A in Path(path).read_text()


def test_a_variable_says_which_file_sets_it(world: World):
    rc = world.file(".rc", f"ANTHROPIC_API_KEY={A}\n")
    environ = {"ANTHROPIC_API_KEY": A, "OPENAI_API_KEY": B, "SESSION_TOKEN": "abcdefghijklmnopqrst"}

    found = world.scan(rc, environ=environ).finds

    assert [(find.name, find.level, find.why) for find in found[1:]] == [
        ("ANTHROPIC_API_KEY", LEFT, f"set by {rc}:1"),
        ("OPENAI_API_KEY", LEFT, "it is not in a file that was found; what set it is not known"),
    ]


def test_what_another_tool_keeps_is_copied_and_its_way_to_remove_it_shown(world: World):
    told_ = Candidate(place="tool", name="o", value=Secret(B), provider="openai", alias="work", remove="tool rm o")
    asking = Candidate(place="tool", name="a", value=None, provider="anthropic", later=lambda: Secret(A))

    found = world.scan(stores=lambda: [ToolStore(told_, asking)])

    assert [(find.address, find.level, find.remove) for find in found.finds] == [
        ("openai/work", SURE, "tool rm o"),
        ("anthropic/default", PERHAPS, ""),
    ]
    assert found.notes == ["the other one is locked"]


def test_the_name_of_a_key_without_a_provider_becomes_its_alias(world: World):
    rc = world.file(".rc", f"GITHUB_TOKEN={C[4:]}\n")

    assert [(find.address, find.level) for find in world.scan(rc).finds] == [("custom/github-token", PERHAPS)]


@pytest.mark.parametrize(
    ("path", "kind", "hint"),
    [
        ("/h/shop/.env", "dotenv", "shop"),
        ("/h/shop/.env.local", "dotenv", "shop"),
        ("/h/shop/.env.prod", "dotenv", "shop-prod"),
        ("/h/shop/prod.env", "dotenv", "shop-prod"),
        ("/h/shop/.envrc", "dotenv", "shop"),
        ("/h/shop/.vscode/mcp.json", "mcp", "shop"),
        ("/h/shop/.mcp.json", "mcp", "shop"),
        ("/h/.cursor/mcp.json", "mcp", "cursor"),
        ("/h/.config/Claude/claude_desktop_config.json", "mcp", "claude"),
        ("/h/.codex/.env", "dotenv", "codex"),
        ("/h/.claude.json", "agent", "claude"),
        ("/h/.claude/settings.json", "agent", "claude"),
        ("/h/.config/goose/config.yaml", "agent", "goose"),
        ("/h/.env", "dotenv", ""),
        ("/h/.zshrc", "shell", ""),
    ],
)
def test_a_second_key_is_named_after_its_project_or_program(path: str, kind: str, hint: str):
    assert hint_of(path, kind, "/h") == hint


@pytest.mark.parametrize(
    ("name", "kind", "address"),
    [
        ("work/shop/.env", "dotenv", "openai/shop"),
        ("shop/.mcp.json", "mcp", "openai/shop"),
        ("shop/.vscode/mcp.json", "mcp", "openai/shop"),
        ("default/.env", "dotenv", "openai/default-2"),
        ("config/.env", "dotenv", "openai/default-2"),
        (".env", "dotenv", "openai/default"),
        (".codex/.env", "dotenv", "openai/default"),
        (".cursor/mcp.json", "mcp", "openai/default"),
        (".config/Claude/claude_desktop_config.json", "mcp", "openai/default"),
        (".claude/settings.json", "agent", "openai/default"),
        (".zshrc", "shell", "openai/default"),
    ],
)
def test_only_a_key_of_a_persons_own_files_becomes_the_default(world: World, name: str, kind: str, address: str):
    path = world.file(name, f"OPENAI_API_KEY={B}\n")

    assert [find.address for find in world.scan(path, kind=kind).finds] == [address]


def test_a_second_key_of_a_project_does_not_become_the_default_either(world: World):
    paths = [world.file(f"{name}/shop/.env", f"OPENAI_API_KEY={B}{name}\n") for name in "ab"]

    found = world.scan(*paths, kind="dotenv").finds

    assert [find.address for find in found] == ["openai/shop", "openai/shop-2"]


def test_a_key_in_a_comment_or_a_command_is_told_and_left(world: World):
    rc = world.file(
        ".rc", f"# was {B}\nANTHROPIC_API_KEY={A}\ncurl -H 'x-api-key: {A}y' x\n# sk-ant-api03-xxxxxxxxxxxxx\n"
    )

    found = world.scan(rc).finds

    assert [(find.line, find.name, find.level) for find in found] == [
        (1, "-", LEFT),
        (2, "ANTHROPIC_API_KEY", SURE),
        (3, "-", LEFT),
    ]


def test_bytes_that_are_no_text_stop_nothing(world: World):
    rc = world.file(".rc", b"ANTHROPIC_API_KEY=\xff\xfe\xfd-not-a-text-at-all\n. /a\0b\n. ~/\xff\n. ~/[\n")

    found = world.scan(rc, environ={"ANTHROPIC_API_KEY": "\udcff\udcfe\udcfd-not-a-text-at-all", "X": A})

    assert [(find.name, find.level) for find in found.finds] == [
        ("ANTHROPIC_API_KEY", LEFT),
        ("ANTHROPIC_API_KEY", LEFT),
        ("X", LEFT),
    ]


def test_a_name_that_is_a_key_itself_is_not_shown(world: World):
    from ringlet_py.moving.formats.jsonc import Jsonc

    path = world.file("mcp.json", f'{{"{A}": {{"x": {{"{A}": "{B}"}}}}}}')

    finds = world.scan(path, kind="mcp", format_of=lambda *_, **__: Jsonc()).finds

    assert [find.address for find in finds if find.address] == ["openai/default"]
    assert not any(A in find.name for find in finds)


def test_a_file_in_utf_16_is_a_note(world: World):
    path = world.file("profile.ps1", f"$env:OPENAI_API_KEY = '{B}'\r\n".encode("utf-16"))

    found = world.scan(path)

    assert (found.finds, found.notes) == ([], [f"{str(path)!a} was not looked at: it is in UTF-16"])
