"""The golden files of every format in one home: moved, and put back to the byte."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.applying import planned
from ringlet_py.moving.finding import is_possible
from ringlet_py.moving.formats.known import format_of
from ringlet_py.moving.judging import hosts_of
from ringlet_py.moving.places import Place
from tests.moving.world import CATALOG, World

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "formats/golden"
# what a file of each format is called, and what reads it
NAMES = {
    "dotenv": ("{}.env", "dotenv", ""),
    "environment_d": ("environment.d/{}.conf", "environment", ""),
    "etc_environment": ("{}/environment", "environment", ""),
    "fish": ("{}.fish", "shell", "fish"),
    "jsonc": ("{}.json", "mcp", ""),
    "netrc": ("{}/.netrc", "netrc", ""),
    "nushell": ("{}.nu", "shell", "nushell"),
    "plist": ("{}.plist", "service", ""),
    "posix": ("{}.sh", "shell", "sh"),
    "powershell": ("{}.ps1", "shell", "powershell"),
    "systemd": ("{}.service", "service", ""),
    "toml": ("{}.toml", "agent", ""),
    "yaml": ("{}.yaml", "agent", ""),
}


def befores() -> Iterator[tuple[str, str, bytes]]:
    """Family, name and text of each golden case."""
    for path in sorted(GOLDEN.glob("*/*")):
        text = path.read_bytes()
        if b"--- before\n" in text:
            before = text.split(b"--- before\n", 1)[1].split(b"--- after\n", 1)[0]
            yield path.parent.name, path.stem, before
        elif "before" in path.name:
            yield path.parent.name, path.name.partition(".")[0], text


def test_every_format_with_golden_files_has_a_name_here():
    assert {family for family, _, _ in befores()} <= set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("family", NAMES)
def test_all_golden_files_are_moved_and_put_back_to_the_byte(world: World, family: str):
    pattern, kind, shell = NAMES[family]
    texts = {pattern.format(name): text for of, name, text in befores() if of == family}
    paths = [world.file(name, text) for name, text in texts.items()]
    reading = partial(format_of, hosts=frozenset(hosts_of(CATALOG.providers)))
    found = world.scanner(format_of=reading).scan([Place(str(path), kind, shell) for path in paths])

    plan = planned([find for find in found.finds if is_possible(find)], CATALOG.providers)
    done = world.carry_out(plan)

    assert (done.problems, plan.refused) == ([], [])
    changed = [name for name, text in texts.items() if (world.home.path / name).read_bytes() != text]
    assert len(changed) == len(done.cut)
    if changed:
        assert world.undo()[1] == []
    assert {name: (world.home.path / name).read_bytes() for name in texts} == texts


@pytest.mark.slow
def test_some_file_of_most_formats_holds_keys_that_are_moved(world: World):
    moved = set()
    for family, name, text in befores():
        pattern, kind, shell = NAMES[family]
        place = Place(str(world.file(f"{family}/{pattern.format(name)}", text)), kind, shell)
        reading = partial(format_of, hosts=frozenset(hosts_of(CATALOG.providers)))
        found = world.scanner(format_of=reading).scan([place]).finds
        moved |= {family} if any(map(is_possible, found)) else set()

    assert moved == set(NAMES)
