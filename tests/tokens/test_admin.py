from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import pytest

from ringlet_py.errors import InsecurePermissions, KeychainBroken, StoreCorrupt, TokenRefused
from ringlet_py.files.private import Lock
from tests.killing import kill_at_every_step
from tests.people import NOBODY, as_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringlet_py.tokens import AdminToken
    from tests.tokens.world import World

posix = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing on Windows")
LONG = 3600.0  # seconds after which no file was changed just now


def admin(world: World) -> AdminToken:
    """What another process has."""
    return world.again().admin


def file(world: World) -> Path:
    return world.config / "http_token"


def look_later(world: World) -> None:
    """The clock, as real files' times have it, some time from now: what is read now may be kept."""
    world.clock.now = file(world).stat().st_ctime + LONG


def test_it_is_32_random_bytes_in_a_private_file(world: World) -> None:
    text = admin(world).ensure().reveal()

    assert text.startswith("rla_")
    assert len(text) == 4 + 43
    assert file(world).read_text() == f"{text}\n"
    assert stat.S_IMODE(file(world).stat().st_mode) == 0o600 or os.name != "posix"
    assert admin(world).path == str(file(world))


def test_it_is_made_once_and_recorded_without_its_text(world: World) -> None:
    text = admin(world).ensure().reveal()

    assert admin(world).ensure().reveal() == text
    assert world.recorded() == [("token-create", "ok", "admin")]
    assert text not in repr(world.records.kept)


def test_it_opens_everything_and_nothing_else_does(world: World) -> None:
    text = world.service.admin.ensure().reveal()

    caller = world.service.authenticate(text)

    assert (caller.name, caller.is_admin, caller.scopes, caller.bearers) == ("admin", True, (), ())
    for wrong in (text[:-1], text + "a", text.replace("rla_", "rlt_"), "rla_" + "a" * 43, text[::-1]):
        with pytest.raises(TokenRefused):
            world.service.authenticate(wrong)


def test_without_a_file_nothing_matches_and_none_is_made(world: World) -> None:
    assert not admin(world).matches("rla_" + "a" * 43)
    assert not world.config.exists()


def test_a_rotated_one_is_known_at_once_to_who_knew_the_old_one(world: World) -> None:
    running = admin(world)
    old = running.ensure().reveal()
    look_later(world)
    assert running.matches(old)
    assert running.matches(old)

    new = admin(world).rotate().reveal()

    assert new != old
    assert (running.matches(old), running.matches(new)) == (False, True)
    assert world.recorded()[-1] == ("token-rotate", "ok", "admin")


def test_however_fast_it_is_rotated_an_old_one_is_never_known(world: World) -> None:
    running, other = admin(world), admin(world)
    old = [running.ensure().reveal()]
    for _ in range(30):
        assert running.matches(old[-1])
        old.append(other.rotate().reveal())
        assert not running.matches(old[-2])
    assert [text for text in old if running.matches(text)] == old[-1:]


def test_a_file_that_just_changed_is_read_again(world: World) -> None:
    running = admin(world)
    running.ensure()
    world.clock.now = file(world).stat().st_ctime + 1

    running.matches("rla_" + "a" * 43)

    assert running._known is None


def test_a_file_that_has_settled_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running = admin(world)
    text = running.ensure().reveal()
    look_later(world)
    assert running.matches(text)
    monkeypatch.delattr("ringlet_py.tokens.admin.read_private")

    assert running.matches(text)
    assert not running.matches("rla_" + "a" * 43)


def test_rotating_makes_it_where_none_is(world: World) -> None:
    assert admin(world).matches(admin(world).rotate().reveal())


# what others could have read or changed


def readable(world: World) -> None:
    file(world).chmod(0o640)


def writable_folder(world: World) -> None:
    world.config.chmod(0o770)


def linked(world: World) -> None:
    file(world).rename(world.folder / "elsewhere")
    file(world).symlink_to(world.folder / "elsewhere")


def writable_way(world: World) -> None:
    world.folder.chmod(0o777)


@posix
@pytest.mark.parametrize("spoil", [readable, writable_folder, linked, writable_way])
def test_what_others_could_touch_is_refused(world: World, spoil: Callable[[World], None]) -> None:
    text = admin(world).ensure().reveal()
    spoil(world)

    with pytest.raises(InsecurePermissions):
        admin(world).matches(text)
    with pytest.raises(InsecurePermissions):
        admin(world).ensure()


@posix
@pytest.mark.parametrize("spoil", [readable, writable_folder, linked])
def test_it_is_refused_also_by_who_knew_it_before(world: World, spoil: Callable[[World], None]) -> None:
    running = admin(world)
    text = running.ensure().reveal()
    look_later(world)
    assert running.matches(text)

    spoil(world)

    with pytest.raises(InsecurePermissions):
        running.matches(text)


@posix
@as_root
def test_somebody_elses_file_is_refused(world: World) -> None:
    text = admin(world).ensure().reveal()
    os.chown(file(world), NOBODY, NOBODY)

    with pytest.raises(InsecurePermissions):
        admin(world).matches(text)


@posix
@pytest.mark.parametrize("spoil", [readable, linked])
def test_rotating_mends_the_file(world: World, spoil: Callable[[World], None]) -> None:
    old = admin(world).ensure().reveal()
    spoil(world)

    new = admin(world).rotate().reveal()

    assert admin(world).matches(new)
    assert not admin(world).matches(old)
    assert stat.S_IMODE(file(world).lstat().st_mode) == 0o600


@posix
def test_rotating_writes_nothing_where_others_could_swap_it_and_says_so_in_the_record(world: World) -> None:
    admin(world).ensure()
    before = file(world).read_text()
    writable_folder(world)

    with pytest.raises(InsecurePermissions):
        admin(world).rotate()

    assert file(world).read_text() == before


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"rla_short\n", b"rla_" + b"a" * 44, b"\xff" * 47, b"rlt_" + b"a" * 43]
)
def test_a_file_with_something_else_is_damaged_and_never_matched(world: World, content: bytes) -> None:
    admin(world).ensure()
    file(world).write_bytes(content)

    with pytest.raises(StoreCorrupt) as problem:
        admin(world).matches("rla_" + "a" * 43)

    assert problem.value.hint == "ringlet daemon rotate-token"
    assert admin(world).matches(admin(world).rotate().reveal())


def test_a_folder_in_its_place_is_an_error(world: World) -> None:
    file(world).mkdir(parents=True, mode=0o700)
    world.config.chmod(0o700)

    with pytest.raises(StoreCorrupt):
        admin(world).matches("rla_" + "a" * 43)
    with pytest.raises(KeychainBroken):
        admin(world).rotate()

    assert world.recorded() == [("token-rotate", "keychain-broken", "admin")]


# crashes and crowds


@posix
@pytest.mark.slow
def test_whenever_rotating_is_killed_the_old_one_or_a_new_one_is_there(world: World) -> None:
    admin(world).ensure()
    seen = set()

    def check() -> None:
        seen.add(admin(world).ensure().reveal())
        assert file(world).lstat().st_mode & 0o077 == 0

    steps = kill_at_every_step(lambda: admin(world).rotate(), check)

    assert steps > 10
    assert len(seen) > 1
    admin(world).rotate()
    assert sorted(path.name for path in world.config.iterdir()) == ["http_token", "http_token.lock"]


def test_what_another_made_meanwhile_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    others = []

    class Late(Lock):
        def __enter__(self) -> Self:
            monkeypatch.undo()
            others.append(admin(world).ensure().reveal())
            return super().__enter__()

    monkeypatch.setattr("ringlet_py.tokens.admin.Lock", Late)

    assert [admin(world).ensure().reveal()] == others


@pytest.mark.parametrize("verb", ["ensure", "rotate"])
def test_two_at_once_end_with_one_that_counts(world: World, verb: str) -> None:
    ready = threading.Barrier(4)

    def act(_: int) -> str:
        mine = admin(world)
        ready.wait()
        secret = getattr(mine, verb)()
        return str(secret.reveal())

    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(act, range(4)))

    assert sum(admin(world).matches(text) for text in set(texts)) == 1
    assert len(set(texts)) == (1 if verb == "ensure" else 4)
