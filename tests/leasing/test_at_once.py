from __future__ import annotations

import os
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import LeaseEnded, RingletError
from tests.killing import kill_at_every_step
from tests.leasing.world import ADMIN, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringlet_py.leasing import Leasing
    from tests.leasing.world import World

MANY = 8
VERBS: dict[str, Callable[..., object]] = {
    "renew": lambda leasing, lease: leasing.renew(lease, 2 * HOUR, ADMIN),
    "release": lambda leasing, lease: leasing.release(lease, ADMIN),
    "revoke": lambda leasing, lease: leasing.revoke(lease, ADMIN),
}


def at_once(world: World, *calls: Callable[[Leasing], object]) -> list[str]:
    """How each call ended, each made through a connection of its own, as in another process."""
    barrier, answers = threading.Barrier(len(calls)), [""] * len(calls)
    others = [world.elsewhere(world.another_store()) for _ in calls]

    def run(place: int) -> None:
        barrier.wait()
        try:
            calls[place](others[place])
            answers[place] = "ok"
        except RingletError as problem:
            answers[place] = problem.code

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("verb", ["release", "revoke"])
def test_of_many_that_end_a_lease_exactly_one_does(world: World, verb: str) -> None:
    lease, other = world.lend(pool="p"), world.lend(pool="p")
    answers = at_once(world, *([lambda leasing: VERBS[verb](leasing, lease.id)] * MANY))
    assert Counter(answers) == {"ok": 1, "lease-ended": MANY - 1}
    assert world.counted() == ({other.id} if verb == "release" else {lease.id, other.id})


def test_all_who_renew_a_lease_renew_it(world: World) -> None:
    lease = world.lend(pool="p")
    assert set(at_once(world, *([lambda leasing: VERBS["renew"](leasing, lease.id)] * MANY))) == {"ok"}
    assert world.leasing.get(lease.id, ADMIN).expires_at == round((world.clock() + 2 * HOUR) * 1000)


def test_whoever_comes_first_decides_how_a_lease_ends(world: World) -> None:
    for _ in range(3):
        lease = world.lend(pool="p")
        names = ["release", "revoke", "renew", "release", "revoke", "renew"]
        answers = at_once(world, *(partial(VERBS[name], lease=lease.id) for name in names))
        won = [name for name, answer in zip(names, answers, strict=True) if answer == "ok" and name != "renew"]
        ended = world.leasing.get(lease.id, ADMIN).ended
        assert len(won) == 1
        assert ended == f"{won[0]}d"
        assert (lease.id in world.counted()) is (ended == "revoked")
        with pytest.raises(LeaseEnded):
            world.leasing.renew(lease.id, HOUR, ADMIN)


@pytest.mark.slow
def test_whenever_it_is_killed_no_lease_that_was_told_of_is_lost(world: World, tmp_path: Path) -> None:
    world.pool("wide", limits=["1000000/hour"])
    told = tmp_path / "told"
    told.touch()

    def lend() -> None:
        lease = world.lend(pool="wide")
        with told.open("a") as file:
            file.write(f"{lease.id}\n")

    def check() -> None:
        kept = {lease.id for lease in world.elsewhere(world.another_store()).list(ADMIN)}
        assert set(told.read_text().split()) <= kept <= world.counted()

    assert kill_at_every_step(lend, check) > 3
    check()
    assert told.read_text()


def test_a_death_between_claim_and_note_leaves_a_use_and_no_lease(world: World) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            world.broker.claim(ADMIN.request(pool="p"))
        finally:
            os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert len(world.counted()) == 1
    assert world.leasing.list(ADMIN, ended=True) == []
