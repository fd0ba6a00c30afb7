"""What is counted of a key, and what was compiled with it, follow the keychain's changes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.file import FileBackend
from ringlet_py.errors import KeychainBroken
from ringlet_py.image import stamp_of
from ringlet_py.ledger.claims import Claim, Member, Rest, Taken, Turn
from ringlet_py.ledger.clock import SystemClock
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.limits import NEVER, Rate
from tests.keychain_world import HOME, NEW, OLD, WORK, World
from tests.killing import kill_at_every_step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringlet_py.entry import Address, Entry
    from ringlet_py.keychain import Keychain

posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is for POSIX")
TURN = Turn(pool="p", provider="anthropic", feature="chat", policy="first")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class TestCounts:
    @pytest.fixture
    def claims(self, world: World) -> Iterator[SqliteClaims]:
        claims = SqliteClaims(Session(SqliteFile(world.ledger.file.path)), SystemClock(world.clock))
        yield claims
        claims.close()

    @pytest.fixture
    def keychain(self, world: World, claims: SqliteClaims) -> Keychain:
        return replace(world.keychain, counts=lambda: claims)

    def refuse(self, claims: SqliteClaims, why: str = "invalid") -> None:
        """The provider refuses the key."""
        claims.rest(Rest(provider=WORK.provider, address=str(WORK), until=NEVER, limited=False, why=why))

    def taken(self, claims: SqliteClaims, address: Address, *, lease: str, uses: str = "1") -> bool:
        member = Member(address=str(address), own=(Rate.parse(uses),))
        version = claims.version()
        claims.enlist(TURN, [member], version=version)
        return isinstance(claims.claim(Claim(turn=TURN, version=version, lease=lease)), Taken)

    @pytest.mark.parametrize("why", ["invalid", "missing"])
    def test_a_replaced_key_is_lent_again(self, keychain: Keychain, claims: SqliteClaims, why: str) -> None:
        keychain.set(WORK, OLD)
        self.refuse(claims, why)
        keychain.set(WORK, NEW, replace=True)

        assert claims.resting() == {}

    def test_a_key_that_was_removed_and_is_stored_again_is_lent_again(
        self, keychain: Keychain, claims: SqliteClaims
    ) -> None:
        keychain.set(WORK, OLD)
        self.refuse(claims)
        keychain.remove(WORK)
        keychain.set(WORK, NEW)

        assert claims.resting() == {}

    def test_any_other_change_and_one_that_fails_leave_it_out(
        self, world: World, keychain: Keychain, claims: SqliteClaims
    ) -> None:
        keychain.set(WORK, OLD)
        self.refuse(claims)
        keychain.edit([WORK], {"label": "mine"})
        keychain.set(HOME, NEW)
        world.memory.failure, world.memory.failing = KeychainBroken("full"), frozenset({"set"})
        with pytest.raises(KeychainBroken):
            keychain.set(WORK, NEW, replace=True, force=True)

        assert claims.resting() == {str(WORK): NEVER}

    def test_a_renamed_key_rests_under_its_new_alias(self, keychain: Keychain, claims: SqliteClaims) -> None:
        keychain.set(WORK, OLD)
        self.refuse(claims)
        keychain.rename(WORK, HOME)

        assert claims.resting() == {str(HOME): NEVER}

    def test_a_renamed_key_has_no_uses_anew(self, keychain: Keychain, claims: SqliteClaims) -> None:
        keychain.set(WORK, OLD)
        assert self.taken(claims, WORK, lease="one")
        keychain.rename(WORK, HOME)

        assert not self.taken(claims, HOME, lease="two")
        assert self.taken(claims, WORK, lease="three")

    def test_a_renaming_that_was_cut_off_is_finished_with_its_counts(
        self, keychain: Keychain, claims: SqliteClaims
    ) -> None:
        def fail() -> None:
            raise KeychainBroken("the profile")

        keychain.set(WORK, OLD)
        assert self.taken(claims, WORK, lease="one")
        with pytest.raises(KeychainBroken):
            keychain.rename(WORK, HOME, meanwhile=fail)
        keychain.rename(WORK, HOME)

        assert not self.taken(claims, HOME, lease="two")

    def test_no_ledger_is_made_for_it(self, claims: SqliteClaims) -> None:
        claims.renewed(str(WORK))
        claims.renamed(str(WORK), str(HOME))

        assert not claims.session.file.exists()


def test_compiled_plans_are_stale_before_the_ledger_changes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.keychain.set(WORK, OLD)
    stamps = [stamp_of(world.keychain.generation_path)]
    put, forget = world.ledger.put, world.ledger.forget

    def noting_put(*entries: Entry) -> None:
        stamps.append(stamp_of(world.keychain.generation_path))
        put(*entries)

    def noting_forget(address: Address) -> None:
        stamps.append(stamp_of(world.keychain.generation_path))
        forget(address)

    monkeypatch.setattr(world.ledger, "put", noting_put)
    monkeypatch.setattr(world.ledger, "forget", noting_forget)
    world.keychain.edit([WORK], {"active": False})
    stamps.append(stamp_of(world.keychain.generation_path))
    world.keychain.remove(WORK)
    stamps.append(stamp_of(world.keychain.generation_path))

    assert len(stamps) == len(set(stamps)) == 5


@pytest.mark.slow
@posix
class TestKilled:
    """At every system call: a plan that was compiled before is valid only while the entry is as it was."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        world = World(tmp_path, FileBackend(str(tmp_path / "credentials" / "credentials.toml")))
        world.keychain.set(WORK, OLD)
        return world

    def test_no_key_that_was_set_inactive_is_in_a_valid_plan(self, world: World) -> None:
        before = stamp_of(world.keychain.generation_path)
        deaths = {True: 0, False: 0}

        def check() -> None:
            nonlocal before
            entry = world.ledger.entry(WORK)
            assert entry is not None
            deaths[entry.active] += 1
            assert entry.active or stamp_of(world.keychain.generation_path) != before
            world.keychain.edit([WORK], {"active": True})
            before = stamp_of(world.keychain.generation_path)

        assert kill_at_every_step(lambda: world.keychain.edit([WORK], {"active": False}), check) > 20
        assert min(deaths.values()) > 0

    def test_no_entry_that_was_forgotten_is_in_a_valid_plan(self, world: World) -> None:
        before = stamp_of(world.keychain.generation_path)

        def check() -> None:
            nonlocal before
            there = world.ledger.entry(WORK) is not None
            assert there or stamp_of(world.keychain.generation_path) != before
            world.keychain.set(WORK, OLD, replace=True)
            before = stamp_of(world.keychain.generation_path)

        assert kill_at_every_step(lambda: world.keychain.remove(WORK), check, stride=3) > 20
