"""What a launch may cost: instructions, as multiples of the bare interpreter's, since time depends on the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.counting import BARE, instructions, limits, ratios
from benchmarks.keychain import keychain
from benchmarks.world import World, bare_installation, peak_memory
from tests.secret_services import requires

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.keychain]

MEMORY = 12.0  # MB before exec


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation of ringlet, a home for each backend, and a key in both."""
    requires("valgrind", "gnome-keyring")
    folder = tmp_path_factory.mktemp("launch")
    with keychain() as bus:
        world = World(bare_installation(folder / "venv"), folder / "world", bus)
        world.prepare()
        yield world


@pytest.fixture(scope="module")
def counted(world: World) -> dict[str, int]:
    """The instructions of each command."""
    return instructions(world)


def test_what_is_counted_is_what_has_a_limit(counted: dict[str, int]):
    assert limits().keys() < counted.keys()


@pytest.mark.parametrize("name", limits())
def test_no_command_takes_more_instructions_than_it_may(counted: dict[str, int], name: str):
    found = ratios(counted)[name]

    assert found <= limits()[name], f"{counted[name]:,} instructions, {found:.3f} times {BARE} ({counted[BARE]:,})"


@pytest.mark.parametrize("backend", ["file", "secret-service"])
def test_a_launch_needs_little_memory(world: World, backend: str):
    assert peak_memory(world, backend) <= MEMORY


def test_a_counted_launch_is_a_whole_one(world: World):
    before = {backend: world.records(backend) for backend in world.backends()}
    instructions(world)

    for backend in world.backends():
        assert world.records(backend) == before[backend] + 1
        world.verify_audit(backend)
