from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.backends.file import FileBackend
from ringlet_py.entry import Address
from ringlet_py.errors import InvalidSecret, KeychainBroken, KeyExists, KeyNotFound
from ringlet_py.keychain.fingerprints import RESERVED
from ringlet_py.keychain.relocating import Relocation, relocation
from ringlet_py.testing import MemoryBackend
from tests.keychain_world import BOUND, HOME, NEW, OLD, WEBHOOK, WORK, World
from tests.killing import kill_at_every_step

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ringlet_py.backends import Backend
    from ringlet_py.entry import Entry
    from ringlet_py.keychain.relocating import Move

AGAIN = "ringlet keychain move --all"
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is for POSIX")


class Vault(MemoryBackend):
    """The new place."""

    name = "vault"
    place = "the vault"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.keychain.set(WORK, OLD, fields={"label": "mine", "org": "acme"}, bound={"webhook": BOUND})
    world.keychain.set(HOME, NEW, fields={"active": False})
    return world


def moving(world: World, target: Backend, source: Backend | None = None) -> Relocation:
    return relocation(world.keychain, source or world.backend, target)


def move_all(one: Relocation, **how: Any) -> list[Move]:
    return one.run(one.compared(one.planned(), again=AGAIN, replace=how.get("replace", False)), **how)


def addresses(moves: Iterable[Move | Entry]) -> list[Address]:
    return [move.address for move in moves]


def seen_from(world: World, backend: Backend) -> list[object]:
    """The entries that the keychain shows when it uses that backend, whose fingerprints are its own."""
    there = World.__new__(World)
    there.__dict__ = {**world.__dict__, "keychain": relocation(world.keychain, world.backend, backend)}
    return [entry.changed(backend="", fingerprint="") for entry in there.keychain.entries()]


def test_a_moved_key_has_its_bound_secrets_and_every_field_there_and_nothing_here(world: World) -> None:
    target, before = Vault(), seen_from(world, world.backend)

    assert addresses(move_all(moving(world, target))) == [HOME, WORK]

    assert seen_from(world, target) == before
    assert {entry.backend for entry in world.ledger.entries()} == {"vault"}
    assert target.get(WORK).same_as(OLD)
    assert target.get(WEBHOOK).same_as(BOUND)
    assert world.memory.names() == []


def test_what_is_not_moved_stays_with_what_fingerprints_are_made_with(world: World) -> None:
    target = Vault()
    one = moving(world, target)
    work = [move for move in one.planned() if move.address == WORK]

    one.run(one.compared(work, again=AGAIN))

    assert addresses(one.planned()) == [HOME]
    assert RESERVED in (world.memory.names() or [])


def test_the_same_value_is_told_at_the_new_place_too(world: World) -> None:
    target = Vault()
    move_all(moving(world, target))

    prints = {entry.address: entry.fingerprint for entry in world.ledger.entries()}
    assert prints[WORK] == OLD.fingerprint(target.get(RESERVED))
    assert prints[HOME] == NEW.fingerprint(target.get(RESERVED))


def test_a_key_that_is_in_a_backend_which_is_not_in_use_is_no_key_that_is_gone(world: World) -> None:
    target = Vault()
    target.name = "sealed"
    one = moving(world, target)
    one.run(one.compared([move for move in one.planned() if move.address == WORK], again=AGAIN))

    assert [entry.address for entry in world.keychain.elsewhere(world.keychain.entries())] == [WORK]
    for act in (world.keychain.entry, world.keychain.remove):
        with pytest.raises(KeyNotFound) as raised:
            act(WORK)
        assert raised.value.why == "as the ledger has it, it is in the backend sealed, and memory is in use"
        assert raised.value.hint == "ringlet keychain move --from sealed --to memory --select anthropic/work"
    assert world.ledger.entry(WORK)
    assert target.get(WORK).same_as(OLD)


def test_compiled_plans_notice(world: World, tmp_path: Path) -> None:
    generation = tmp_path / "state/generation"
    before = generation.read_bytes()
    move_all(moving(world, Vault()))

    assert generation.read_bytes() != before


def test_every_change_is_recorded_and_holds_no_value(world: World) -> None:
    world.records.kept.clear()
    move_all(moving(world, Vault()))

    assert [(r["action"], r["address"], r["outcome"], r["backend"], r["purpose"]) for r in world.records.kept] == [
        (action, address, "ok", "vault", "from memory to vault")
        for action in ("copy", "move")
        for address in ("anthropic/home", "anthropic/work")
    ]


def test_between_both_places_hold_all_of_it(world: World) -> None:
    target = Vault()
    seen: list[bool] = []

    def look() -> None:
        seen.append({WORK, WEBHOOK, HOME} <= set(world.memory.names() or []) & set(target.names() or []))

    move_all(moving(world, target), between=look)

    assert seen == [True]


def test_what_is_there_already_is_finished(world: World) -> None:
    target = Vault()
    for address, secret in ((WORK, OLD), (WEBHOOK, BOUND)):
        target.set(address, secret)
    one = moving(world, target)

    found = one.compared(one.planned(), again=AGAIN)
    assert {move.address: move.copied for move in found} == {WORK: True, HOME: False}
    target.calls.clear()
    one.run(found)

    assert [address for verb, address in target.calls if verb == "set"] == [HOME, RESERVED]
    assert world.memory.names() == []


def test_another_value_there_is_refused_before_anything_is_changed(world: World) -> None:
    target = Vault()
    target.set(WORK, NEW)

    with pytest.raises(KeyExists, match="the vault holds another value for anthropic/work") as raised:
        move_all(moving(world, target))

    assert raised.value.hint.endswith(f"{AGAIN} --replace")
    assert target.names() == [WORK]
    assert world.keychain.there() == {WORK, WEBHOOK, HOME}


def test_it_is_replaced_where_that_is_asked_for(world: World) -> None:
    target = Vault()
    target.set(WORK, NEW)
    move_all(moving(world, target), replace=True)

    assert target.get(WORK).same_as(OLD)


def test_a_value_that_came_there_meanwhile_is_refused_too(world: World) -> None:
    target = Vault()
    one = moving(world, target)
    found = one.compared(one.planned(), again=AGAIN)
    target.set(WORK, NEW)

    with pytest.raises(KeyExists):
        one.run(found)

    assert target.get(WORK).same_as(NEW)
    assert world.backend.get(WORK).same_as(OLD)


def test_what_the_new_place_cannot_take_is_refused_before_anything_is_changed(world: World) -> None:
    target = Vault(max_length=OLD.length - 1)

    with pytest.raises(InvalidSecret, match=r"anthropic/home is longer than the vault takes \(52 characters\)"):
        move_all(moving(world, target))

    assert target.names() == []


def test_a_key_that_was_replaced_meanwhile_stays_and_is_moved_next_time(world: World) -> None:
    target = Vault()
    one = moving(world, target)

    done = move_all(one, between=lambda: world.memory.set(WORK, NEW))

    assert addresses(done) == [HOME]
    assert world.backend.get(WORK).same_as(NEW)
    assert world.outcomes()[-1] == ("move", "changed-meanwhile")
    assert addresses(move_all(one, replace=True)) == [WORK]
    assert target.get(WORK).same_as(NEW)


def test_a_key_that_was_removed_meanwhile_is_not_brought_back(world: World) -> None:
    target = Vault()
    one = moving(world, target)
    found = one.compared(one.planned(), again=AGAIN)
    world.keychain.remove(HOME)

    assert addresses(one.run(found)) == [WORK]

    assert HOME not in (target.names() or [])
    assert addresses(world.ledger.entries()) == [WORK]


def test_a_key_that_another_moved_since_we_looked_stops_nothing(world: World) -> None:
    target = Vault()
    one = moving(world, target)
    looked = one.planned()
    one.run(one.compared([move for move in looked if move.address == HOME], again=AGAIN))

    assert addresses(one.compared(looked, again=AGAIN)) == [WORK]


def test_a_key_that_was_removed_when_it_was_copied_is_in_neither_place(world: World) -> None:
    target = Vault()
    one = moving(world, target)

    done = move_all(one, between=lambda: world.keychain.remove(WORK))

    assert addresses(done) == [HOME]
    assert set(target.names() or []) == {HOME, RESERVED}
    assert addresses(world.ledger.entries()) == [HOME]


def test_one_that_was_renamed_then_is_where_it_was_under_its_new_name(world: World) -> None:
    target, new = Vault(), Address("anthropic", "team")
    one = moving(world, target)
    move_all(one, between=lambda: world.keychain.rename(HOME, new))

    assert HOME not in (target.names() or [])
    assert addresses(one.planned()) == [new]


def test_a_new_place_that_fails_leaves_the_old_one_alone_and_keeps_no_half(world: World) -> None:
    class Half(Vault):
        def set(self, address: Address, secret: Any) -> None:
            if address == WORK:
                raise KeychainBroken("full")
            super().set(address, secret)

    target = Half()
    one = moving(world, target)
    work = [move for move in one.planned() if move.address == WORK]
    before = world.ledger.entries()

    with pytest.raises(KeychainBroken):
        one.run(work)

    assert target.names() == []
    assert world.ledger.entries() == before
    assert world.keychain.there() == {WORK, WEBHOOK, HOME}
    assert world.outcomes()[-1] == ("copy", "keychain-broken")


def test_a_new_place_that_lies_is_not_believed(world: World) -> None:
    class Liar(Vault):
        def set(self, address: Address, secret: Any) -> None:
            super().set(address, NEW if address == WORK else secret)

    with pytest.raises(KeychainBroken, match="does not hold for anthropic/work what was written"):
        move_all(moving(world, Liar()))

    assert world.backend.get(WORK).same_as(OLD)


def test_a_key_of_another_tool_and_a_bound_secret_without_its_key_go_along(world: World) -> None:
    world.memory.set(Address("openai", "x"), NEW)
    world.memory.set(Address("groq", "gone", "token"), BOUND)
    target = Vault()
    move_all(moving(world, target))

    assert {Address("openai", "x"), Address("groq", "gone", "token")} <= set(target.names() or [])
    assert world.memory.names() == []
    entry = world.ledger.entry(Address("groq", "gone"))
    assert entry
    assert (entry.backend, entry.secrets) == ("vault", ("token",))


def test_the_ledger_names_a_secret_before_it_is_stored(world: World) -> None:
    world.memory.set(Address("openai", "x"), NEW)
    world.memory.set(Address("anthropic", "home", "extra"), BOUND)

    class Watched(Vault):
        def set(self, address: Address, secret: Any) -> None:
            entry = world.ledger.entry(address.key())
            assert address == RESERVED or (entry and (not address.field or address.field in entry.secrets))
            super().set(address, secret)

    assert len(move_all(moving(world, Watched()))) == 3


def test_a_place_that_cannot_list_what_it_holds_is_emptied_all_the_same(tmp_path: Path) -> None:
    world = World(tmp_path, enumerates=False)
    world.keychain.set(WORK, OLD, bound={"webhook": BOUND})
    target = Vault(enumerates=False)
    one = moving(world, target)
    move_all(one)

    assert target.get(WEBHOOK).same_as(BOUND)
    with pytest.raises(KeyNotFound):
        world.memory.get(WEBHOOK)
    assert one.planned() == []


@pytest.mark.slow
class TestKilled:
    """At every system call: each secret is in one place at least, the ledger names it, and a second try finishes."""

    @posix
    @pytest.mark.parametrize("stride", [3, 11])
    def test_no_key_is_lost_and_none_is_hidden(self, tmp_path: Path, stride: int) -> None:
        old = FileBackend(str(tmp_path / "old" / "credentials.toml"))
        new = FileBackend(str(tmp_path / "new" / "credentials.toml"))
        new.name = "new"
        world = World(tmp_path, old)
        held = {WORK: OLD, WEBHOOK: BOUND} if stride == 3 else {WORK: OLD, WEBHOOK: BOUND, HOME: NEW}
        world.keychain.set(WORK, OLD, fields={"label": "mine"}, bound={"webhook": BOUND})
        if HOME in held:
            world.keychain.set(HOME, NEW, fields={"org": "acme"})
        before = seen_from(world, old)

        def there(backend: FileBackend) -> set[Address]:
            return set(backend.names()) - {RESERVED}

        def check() -> None:
            assert there(old) | there(new) == set(held)
            assert all(backend.get(each).same_as(held[each]) for backend in (old, new) for each in there(backend))
            named = {Address(e.address.provider, e.address.alias, n) for e in world.ledger.entries() for n in e.secrets}
            assert {e.address for e in world.ledger.entries()} | named == set(held)
            move_all(moving(world, new, old))
            assert (there(old), there(new)) == (set(), set(held))
            assert seen_from(world, new) == before
            move_all(moving(world, old, new))
            assert seen_from(world, old) == before

        steps = kill_at_every_step(lambda: move_all(moving(world, new, old)), check, stride=stride)

        assert steps > 100
        assert seen_from(world, new) == before
