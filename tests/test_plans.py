from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.image import stamp_of
from ringlet_py.plan import LaunchPlan
from ringlet_py.plans import MAGIC, SETTLED, PlanStore, stamps_of
from ringlet_py.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PLAN = LaunchPlan(
    profile="work",
    agent="claude",
    provider="anthropic",
    command=("claude",),
    args=("--x", "é"),
    env={"A": "b"},
    keys={"ANTHROPIC_API_KEY": Address("anthropic", "work"), "HOOK": Address("anthropic", "work", "webhook")},
    drop=frozenset({"STALE"}),
    files={"/f": "text"},
    folders=("/d",),
    base_url="https://api.example",
    loopback=True,
    shape="anthropic",
    install="npm",
    inherit="clean",
)


class World:
    def __init__(self, folder: Path) -> None:
        self.source = folder / "source.toml"
        self.source.write_text("a = 1\n")
        self.absent = folder / "absent.toml"
        self.store = PlanStore(str(folder / "cache"))
        self.path = folder / "cache" / "plans" / "work.plan"

    def save(self, *, now: int = 0) -> None:
        stamps = stamps_of([str(self.source), str(self.absent)])
        self.store.save(
            PLAN, Settings(backend="file", keychain_timeout=2.5), stamps, now=now or time.time_ns() + 2 * SETTLED
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_compiled_plan_comes_back_whole(world: World) -> None:
    world.save()

    found = world.store.load("work")

    assert found is not None
    plan, settings = found
    assert {name: getattr(plan, name) for name in plan.__slots__} == {
        name: getattr(PLAN, name) for name in plan.__slots__
    }
    assert (settings.backend, settings.keychain_timeout) == ("file", 2.5)


def test_it_is_private(world: World) -> None:
    world.save()

    assert world.path.stat().st_mode & 0o777 == 0o600
    assert world.path.parent.stat().st_mode & 0o777 == 0o700


def test_without_one_planning_is_needed(world: World) -> None:
    assert world.store.load("work") is None


@pytest.mark.parametrize("name", ["../work", "", "a/b", ".work"])
def test_a_name_never_becomes_another_path(world: World, name: str) -> None:
    assert world.store.load(name) is None


def test_an_edited_source_makes_it_stale(world: World) -> None:
    world.save()
    world.source.write_text("a = 2\n")

    assert world.store.load("work") is None


def test_a_source_replaced_by_one_of_the_same_size_and_time_makes_it_stale(world: World, tmp_path: Path) -> None:
    before = world.source.stat()
    world.save()
    other = tmp_path / "other"
    other.write_text("a = 2\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(world.source)

    assert world.store.load("work") is None


def test_a_source_edited_in_place_with_its_old_time_put_back_makes_it_stale(world: World) -> None:
    before = world.source.stat()
    world.save()
    world.source.write_text("a = 2\n")
    os.utime(world.source, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert world.store.load("work") is None


def test_a_source_that_others_can_now_write_makes_it_stale(world: World) -> None:
    world.save()
    world.source.chmod(0o666)

    assert world.store.load("work") is None


def test_a_source_that_is_gone_makes_it_stale(world: World) -> None:
    world.save()
    world.source.unlink()

    assert world.store.load("work") is None


def test_a_source_that_appears_makes_it_stale(world: World) -> None:
    world.save()
    world.absent.touch()

    assert world.store.load("work") is None


def test_a_source_that_has_just_changed_could_change_again_unseen_so_nothing_is_kept(world: World) -> None:
    world.save(now=max(stamp_of(str(world.source))[:2]) + 1)

    assert not world.path.exists()


def test_every_damaged_byte_is_noticed(world: World) -> None:
    world.save()
    good = world.path.read_bytes()
    for place in range(0, len(good), 7):
        world.path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert world.store.load("work") is None, place


@pytest.mark.parametrize("content", [b"", b"x", MAGIC, MAGIC + b"0" * 64])
def test_what_is_no_plan_means_planning(world: World, content: bytes) -> None:
    world.save()
    world.path.write_bytes(content)

    assert world.store.load("work") is None


def test_a_plan_of_another_version_means_planning(world: World) -> None:
    world.save()
    world.path.write_bytes(world.path.read_bytes().replace(b"ringlet plan 2 ", b"ringlet plan 0 ", 1))

    assert world.store.load("work") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_plan_that_others_could_read_or_write_means_planning(world: World, mode: int) -> None:
    world.save()
    world.path.chmod(mode)

    assert world.store.load("work") is None


def test_a_link_in_its_place_means_planning(world: World, tmp_path: Path) -> None:
    world.save()
    world.path.rename(tmp_path / "elsewhere")
    world.path.symlink_to(tmp_path / "elsewhere")

    assert world.store.load("work") is None


def test_a_cache_that_cannot_be_written_is_no_error(world: World, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")

    world.save()

    assert world.store.load("work") is None


def test_a_forgotten_plan_is_gone(world: World) -> None:
    world.save()

    world.store.forget("work")
    world.store.forget("work")

    assert world.store.load("work") is None
