from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import NotFound, RingletError
from tests.killing import kill_at_every_step
from tests.moving.world import A, B, World

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="kills children that are forked"),
]

TEXTS = {".rc": f"x=1\nANTHROPIC_API_KEY={A}\n", ".env": f"OPENAI_API_KEY={B}\nK={A}\n"}
KEYS = {"anthropic/default": A, "openai/default": B}


def written(world: World) -> list[str]:
    return [world.file(name, text).read_text() for name, text in TEXTS.items()]


def texts(world: World) -> dict[str, str]:
    return {name: (world.home.path / name).read_text() for name in TEXTS}


def stored(world: World, address: str) -> str:
    try:
        return world.value(address)
    except RingletError:
        return ""


def no_key_is_lost(world: World) -> None:
    there = "".join(texts(world).values())
    for address, value in KEYS.items():
        assert value in there or stored(world, address) == value, f"{address} is lost"


def paths(world: World) -> list[Path]:
    return [world.home.path / name for name in TEXTS]


def undo_all(world: World) -> None:
    for _ in range(200):
        try:
            problems = world.undo()[1]
        except NotFound:
            return
        assert problems == []
    raise AssertionError("there is no end to it")


def no_remains(world: World) -> None:
    assert [path.name for path in world.home.path.iterdir() if path.name.endswith(".ringlet")] == []


def test_a_mover_killed_at_any_step_loses_no_key_and_finishes_when_it_runs_again(world: World):
    written(world)

    def again() -> None:
        no_key_is_lost(world)
        assert world.move(*paths(world)).problems == []
        assert not [value for value in KEYS.values() if value in "".join(texts(world).values())]
        assert {address: stored(world, address) for address in KEYS} == KEYS
        no_remains(world)
        undo_all(world)
        assert texts(world) == TEXTS
        for address in KEYS:
            world.app.keychain.remove(Address.parse(address))

    assert kill_at_every_step(lambda: world.move(*paths(world)), again, stride=13) > 100


def test_a_mover_killed_at_any_step_after_the_keys_are_stored_finishes_when_it_runs_again(world: World):
    written(world)
    world.carry_out(world.plan(*paths(world), keep=True))

    def again() -> None:
        no_key_is_lost(world)
        assert world.move(*paths(world)).problems == []
        no_remains(world)
        undo_all(world)
        assert texts(world) == TEXTS

    plan = world.plan(*paths(world))
    assert kill_at_every_step(lambda: world.carry_out(plan), again, stride=2) > 50


def test_an_undo_killed_at_any_step_loses_no_key_and_finishes_when_it_runs_again(world: World):
    written(world)
    world.move(*paths(world))

    def again() -> None:
        no_key_is_lost(world)
        undo_all(world)
        assert texts(world) == TEXTS
        no_remains(world)
        world.move(*paths(world))

    assert kill_at_every_step(world.undo, again, stride=3) > 50
