from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from ringlet_py.errors import KeychainBroken, KeychainLocked
from ringlet_py.moving import made, replacing
from ringlet_py.moving.applying import planned
from ringlet_py.moving.formats import Edit
from ringlet_py.moving.formats.posix import Posix
from ringlet_py.moving.judging import LEFT
from ringlet_py.moving.receipts import Receipts
from ringlet_py.moving.stores import Candidate
from ringlet_py.secret import Secret
from tests.moving.test_scanning import ToolStore
from tests.moving.world import CATALOG, A, B, C, Lines, World
from tests.people import NOBODY, as_root

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ringlet_py.entry import Address
    from ringlet_py.moving.formats import Format, Spot
    from ringlet_py.moving.receipts import Receipt

posix = pytest.mark.skipif(os.name != "posix", reason="made for POSIX files")
ANTHROPIC = f"ANTHROPIC_API_KEY={A}\n"
CUT = "# ringlet: ANTHROPIC_API_KEY is anthropic/default in the keychain (ringlet migrate undo)\n"


def everything_below(folder: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_key_goes_into_the_keychain_and_out_of_its_file(world: World):
    rc = world.file(".rc", f"x=1\n{ANTHROPIC}y=2")

    done = world.move(rc)

    assert (done.stored, len(done.cut), done.problems) == (["anthropic/default"], 1, [])
    assert rc.read_text() == f"x=1\n{CUT}y=2"
    assert world.value("anthropic/default") == A


def test_the_receipt_and_whatever_else_is_kept_hold_no_value(world: World):
    world.move(world.file(".rc", f"{ANTHROPIC}OPENAI_API_KEY='{B}'\n"))

    kept = everything_below(world.home.state)

    assert A.encode() not in kept
    assert B.encode() not in kept
    assert b"anthropic/default" in kept


@posix
def test_receipts_are_private(world: World):
    world.move(world.file(".rc", ANTHROPIC))

    (receipt,) = (world.home.state / "receipts").iterdir()

    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600


def test_done_again_there_is_nothing_to_do(world: World):
    rc = world.file(".rc", ANTHROPIC)
    world.move(rc)

    assert world.plan(rc).is_empty
    assert world.move(rc).receipt == ""


def test_what_is_stored_already_is_only_cut(world: World):
    world.move(world.file(".rc", ANTHROPIC))
    env = world.file(".env", f"K={A}\n")

    done = world.move(env)

    assert (done.stored, len(done.cut)) == ([], 1)
    assert A not in env.read_text()
    assert world.addresses() == {"anthropic/default"}


def test_keys_can_be_stored_and_the_files_kept(world: World):
    rc = world.file(".rc", ANTHROPIC)

    done = world.carry_out(world.plan(rc, keep=True))

    assert (done.stored, done.cut, rc.read_text()) == (["anthropic/default"], [], ANTHROPIC)


def test_nothing_is_cut_if_the_keychain_does_not_hold_what_was_stored(world: World, monkeypatch: pytest.MonkeyPatch):
    rc = world.file(".rc", ANTHROPIC)
    plan, app = world.plan(rc), world.app
    mover = made.mover(app.keychain, app.folders, app.clock)
    kept = type(app.backend).get

    def another(backend: object, address: Address) -> Secret:
        return kept(backend, address) if address.field else Secret(kept(backend, address).reveal()[::-1])  # type: ignore[arg-type]

    monkeypatch.setattr(type(app.backend), "get", another)

    with pytest.raises(KeychainBroken, match="does not hold"):
        mover.apply(plan)

    assert rc.read_text() == ANTHROPIC
    assert not (world.home.state / "receipts").exists()


def test_a_file_that_was_changed_since_the_scan_is_left_alone(world: World):
    rc, other = world.file(".rc", ANTHROPIC), world.file(".other", f"OPENAI_API_KEY={B}\n")
    plan = world.plan(rc, other)
    rc.write_text(f"{ANTHROPIC}new=1\n")

    done = world.carry_out(plan)

    assert rc.read_text() == f"{ANTHROPIC}new=1\n"
    assert done.problems == [f"{rc} was changed meanwhile and left as it is"]
    assert [os.path.basename(cut.text.source.path) for cut in done.cut] == [".other"]
    assert world.undo() == ([".other"], [])


def test_a_file_that_is_changed_while_it_is_written_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch):
    rc = world.file(".rc", ANTHROPIC)
    plan = world.plan(rc)
    taking = replacing._take_after

    def meanwhile(fd: int, *arguments: str) -> None:
        taking(fd, *arguments)
        rc.write_text("somebody else's\n")

    monkeypatch.setattr(replacing, "_take_after", meanwhile)

    assert world.carry_out(plan).problems
    assert rc.read_text() == "somebody else's\n"
    assert sorted(path.name for path in rc.parent.iterdir() if "ringlet" in path.name) == []


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_file_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch, call: str):
    rc = world.file(".rc", ANTHROPIC)
    plan = world.plan(rc)
    monkeypatch.setattr(replacing, "os", _Full(call))

    done = world.carry_out(plan)

    assert done.problems == [f"{rc} was left as it is: No space left on device"]
    assert rc.read_text() == ANTHROPIC
    assert [path for path in rc.parent.iterdir() if path.name.endswith(".ringlet")] == []
    assert world.value("anthropic/default") == A


class _Full:
    """The module `os` on a full disk."""

    def __init__(self, call: str) -> None:
        self._call = call

    def __getattr__(self, name: str) -> object:
        if name != self._call:
            return getattr(os, name)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        return full


def why_left(world: World, path: Path) -> str:
    (find,) = world.scan(path).finds
    assert find.level == LEFT
    plan = planned([find], world.app.catalog.providers)
    assert plan.is_empty
    return find.why


@posix
class TestFilesThatAreNotTouched:
    def test_read_only(self, world: World):
        assert why_left(world, world.file(".rc", ANTHROPIC, mode=0o400)) == "it is read-only"

    def test_with_a_second_name(self, world: World):
        rc = world.file(".rc", ANTHROPIC)
        os.link(rc, world.home.path / ".second")

        assert "hard link" in why_left(world, rc)

    @as_root
    def test_of_somebody_else(self, world: World):
        rc = world.file(".rc", ANTHROPIC)
        os.chown(rc, NOBODY, NOBODY)

        assert why_left(world, rc) == f"it belongs to user {NOBODY}"

    def test_in_a_folder_that_is_closed(self, world: World, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(os, "access", lambda *_: False)

        assert why_left(world, world.file(".rc", ANTHROPIC)) == "its folder is not writable"

    def test_whose_value_cannot_be_parsed_with_certainty(self, world: World):
        rc = world.file(".rc", f"ANTHROPIC_API_KEY?={A}\n")

        assert why_left(world, rc) == "it is set only if it is not set"

    def test_whose_value_no_keychain_takes(self, world: World):
        rc = world.file(".rc", f"ANTHROPIC_API_KEY={A} and more\n")

        assert why_left(world, rc) == "the value holds a blank"


@posix
class TestTheNewFile:
    @pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755])
    def test_has_the_mode_of_the_old_one(self, world: World, mode: int):
        rc = world.file(".rc", ANTHROPIC, mode=mode)

        world.move(rc)
        assert stat.S_IMODE(rc.stat().st_mode) == mode
        world.undo()
        assert stat.S_IMODE(rc.stat().st_mode) == mode

    @as_root
    def test_has_the_group_of_the_old_one(self, world: World):
        rc = world.file(".rc", ANTHROPIC)
        os.chown(rc, -1, NOBODY)

        world.move(rc)

        assert rc.stat().st_gid == NOBODY

    def test_is_never_open_to_others_before_it_is_complete(self, world: World, monkeypatch: pytest.MonkeyPatch):
        rc = world.file(".rc", ANTHROPIC, mode=0o644)
        modes = []
        taking = replacing._take_after

        def look(fd: int, *arguments: str) -> None:
            modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
            taking(fd, *arguments)

        monkeypatch.setattr(replacing, "_take_after", look)
        world.move(rc)

        assert modes == [0o600]

    def test_is_where_a_link_points_to(self, world: World):
        target = world.file("dotfiles/zshrc", ANTHROPIC)
        (world.home.path / ".zshrc").symlink_to("dotfiles/zshrc")

        world.move(world.home.path / ".zshrc")

        assert (world.home.path / ".zshrc").is_symlink()
        assert target.read_text() == CUT
        assert world.undo() == ([".zshrc"], [])
        assert target.read_text() == ANTHROPIC


def test_what_another_tool_keeps_is_stored_and_nothing_is_cut(world: World):
    store = ToolStore(Candidate(place="tool", name="a", value=None, provider="groq", later=lambda: Secret(C)))
    finds = world.scan(stores=lambda: [store]).finds

    done = world.carry_out(planned(finds, world.app.catalog.providers))

    assert (done.stored, done.cut, done.receipt) == (["groq/default"], [], "")
    assert world.value("groq/default") == C


class Greedy(Lines):
    """A format that takes the line above along."""

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        return [Edit(start=0, end=edit.end, left=edit.left) for edit in super().edits(text, cut)]


class Careless(Lines):
    """A format that changes another name's value, too."""

    def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
        return [Edit(start=0, end=len(text), left="x=2\n")]


@pytest.mark.parametrize(
    ("format_", "above", "words"),
    [
        (Greedy(), f"# {B}\n", "something else that reads like a key"),
        (Greedy(), f"# {A}\n", "something else that reads like a key"),
        (Careless(), "x=1\n", "would not be the same"),
    ],
)
def test_an_edit_that_would_take_more_along_is_refused(world: World, format_: Format, above: str, words: str):
    rc = world.file(".rc", f"{above}{ANTHROPIC}")
    finds = world.scan(rc, format_of=lambda *_, **__: format_).finds

    plan = planned(finds, CATALOG.providers)

    assert plan.is_empty
    assert words in plan.refused[0]
    assert B not in plan.refused[0]


def test_one_key_that_is_refused_leaves_the_others_of_its_file(world: World):
    class GreedyOfOne(Lines):
        def edits(self, text: str, cut: Sequence[tuple[Spot, str]]) -> list[Edit]:
            edits = super().edits(text, cut)
            return [
                Edit(start=edit.start - 64 * (spot.name == "OPENAI_API_KEY"), end=edit.end, left=edit.left)
                for edit, (spot, _) in zip(edits, cut, strict=True)
            ]

    rc = world.file(".rc", f"{ANTHROPIC}# {A}\nOPENAI_API_KEY={B}\n")
    finds = world.scan(rc, format_of=lambda *_, **__: GreedyOfOne()).finds

    done = world.carry_out(planned(finds, CATALOG.providers))

    assert done.stored == ["anthropic/default"]
    assert rc.read_text() == f"{CUT}# {A}\nOPENAI_API_KEY={B}\n"


@pytest.mark.parametrize(
    ("kind", "reader"),
    [
        ("service", ".rc"),
        ("mcp", "an MCP server of {rc}"),
        ("agent", "the program that reads {rc}"),
        ("netrc", "whatever reads {rc}"),
        ("shell", ""),
        ("dotenv", ""),
    ],
)
def test_a_file_of_a_programs_own_says_that_it_gets_no_key_any_more(world: World, kind: str, reader: str):
    rc = world.file(".rc", f"{ANTHROPIC}OPENAI_API_KEY={B}\n")

    (cut,) = planned(world.scan(rc, kind=kind).finds, CATALOG.providers).cuts

    instead = "start it with `ringlet run …`, or leave it out with --select"
    said = f"{reader.format(rc=rc)} no longer gets ANTHROPIC_API_KEY, OPENAI_API_KEY: {instead}"
    assert cut.notes == ((said,) if reader else ())


def test_a_value_that_stands_in_a_comment_too_is_told(world: World):
    rc = world.file(".rc", f"# old {A} key\n{ANTHROPIC}")

    (cut,) = world.plan(rc).cuts

    assert cut.notes == (f"{rc}:1 will still hold a value",)
    assert A not in "".join(cut.shown)


def test_the_difference_shows_no_value_of_whatever_kind(world: World):
    rc = world.file(".rc", f"DB_PASSWORD=hunter2hunter2\nURL=https://me:hunter2hunter2@x\n{ANTHROPIC}# {B}\n")

    (cut,) = world.plan(rc).cuts

    assert not [text for text in cut.shown if A in text or B in text or "hunter2" in text]


def test_two_at_once_store_each_key_once_and_cut_each_file_once(world: World):
    rc = world.file(".rc", ANTHROPIC)
    first, second = world.plan(rc), world.plan(rc)

    done, late = world.carry_out(first), world.carry_out(second)

    assert (done.stored, late.stored) == (["anthropic/default"], [])
    assert late.problems == [f"{rc} was changed meanwhile and left as it is"]
    assert world.undo() == ([".rc"], [])
    assert rc.read_text() == ANTHROPIC


def test_an_address_that_was_taken_meanwhile_keeps_its_value(world: World):
    rc = world.file(".rc", ANTHROPIC)
    plan = world.plan(rc)
    world.move(world.file(".x", f"ANTHROPIC_API_KEY={A}other\n"))

    done = world.carry_out(plan)

    assert "another value" in done.problems[0]
    assert (world.value("anthropic/default"), rc.read_text()) == (f"{A}other", ANTHROPIC)


def refuses_folders(folder: str) -> None:
    raise OSError(errno.EINVAL, "Invalid argument")


def test_a_file_system_that_has_no_folder_on_disk_is_no_reason_to_say_that_nothing_was_done(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    rc = world.file(".rc", ANTHROPIC)
    plan = world.plan(rc)
    monkeypatch.setattr(replacing, "sync_folder", refuses_folders)

    done = world.carry_out(plan)

    assert (len(done.cut), done.problems, rc.read_text()) == (1, [], CUT)
    assert world.undo() == ([".rc"], [])
    assert rc.read_text() == ANTHROPIC


def test_a_receipt_that_cannot_be_written_leaves_its_file_and_what_was_done_before_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    rc, other = world.file(".rc", ANTHROPIC), world.file(".other", f"OPENAI_API_KEY={B}\n")
    plan = world.plan(rc, other)
    save = Receipts.save

    def full(self: Receipts, receipt: Receipt) -> None:
        if len(receipt.files) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, receipt)

    monkeypatch.setattr(Receipts, "save", full)
    done = world.carry_out(plan)

    assert (len(done.cut), bool(done.receipt)) == (1, True)
    assert done.problems == [f"{other} was left as it is: No space left on device"]
    assert B in other.read_text()


def test_a_file_that_is_gone_by_now_stops_no_other(world: World):
    rc, other = world.file(".rc", ANTHROPIC), world.file(".other", f"OPENAI_API_KEY={B}\n")
    plan = world.plan(rc, other)
    rc.unlink()

    done = world.carry_out(plan)

    assert done.problems == [f"{rc} was left as it is: No such file or directory"]
    assert [os.path.basename(cut.text.source.path) for cut in done.cut] == [".other"]


def test_a_file_of_which_one_key_was_not_moved_says_that_it_was_left(world: World):
    rc = world.file(".rc", f"{ANTHROPIC}OPENAI_API_KEY={B}\n")
    plan = world.plan(rc)
    world.move(world.file(".x", f"ANTHROPIC_API_KEY={A}other\n"))

    done = world.carry_out(plan)

    assert done.stored == ["openai/default"]
    assert done.problems[1] == f"{rc} was left as it is: not all of its keys were moved"
    assert B in rc.read_text()


def test_the_difference_shows_no_value_that_stands_there_once_more(world: World):
    value = "0123456789abcdefABCDEF99"
    rc = world.file(".rc", f"export MINE_API_KEY={value} # was {value}\n")
    finds = world.scan(rc, format_of=lambda *_, **__: Posix()).finds

    (cut,) = planned(finds, world.app.catalog.providers).cuts

    assert not any(value in shown for shown in cut.shown)


@posix
@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="made for Linux")
def test_one_attribute_that_is_the_systems_to_give_keeps_no_other_from_being_copied(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    rc = world.file(".rc", ANTHROPIC)
    given = []

    def give(path: str, name: str, value: bytes) -> None:
        if name.startswith("security."):
            raise PermissionError
        given.append(name)

    monkeypatch.setattr(os, "listxattr", lambda _: ["security.ima", "user.note"])
    monkeypatch.setattr(os, "getxattr", lambda *_: b"x")
    monkeypatch.setattr(os, "setxattr", give)

    assert world.move(rc).problems == []
    assert given == ["user.note"]


@posix
@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="made for Linux")
def test_a_file_whose_access_list_cannot_be_kept_is_left(world: World, monkeypatch: pytest.MonkeyPatch):
    rc = world.file(".rc", ANTHROPIC)

    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "listxattr", lambda _: ["system.posix_acl_access"])
    monkeypatch.setattr(os, "getxattr", lambda *_: b"x")
    monkeypatch.setattr(os, "setxattr", refuse)

    assert world.move(rc).problems == [f"{rc} was left as it is: Operation not supported"]
    assert rc.read_text() == ANTHROPIC


def test_a_keychain_that_locks_halfway_says_what_was_stored_and_a_second_run_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    rc = world.file(".rc", f"{ANTHROPIC}OPENAI_API_KEY={B}\n")
    plan, app = world.plan(rc), world.app
    store = app.keychain.set

    def locking(address: Address, *given: Any, **fields: Any) -> Any:
        if address.provider == "openai":
            raise KeychainLocked("it is locked", hint="unlock it")
        return store(address, *given, **fields)

    monkeypatch.setattr(type(app.keychain), "set", lambda _, *given, **fields: locking(*given, **fields))
    with pytest.raises(KeychainLocked) as caught:
        made.mover(app.keychain, app.folders, app.clock).apply(plan)
    monkeypatch.undo()

    assert caught.value.why == (
        "anthropic/default was stored already, and no file was changed: run again, it goes on from there"
    )
    assert (caught.value.hint, A in rc.read_text()) == ("unlock it", True)
    assert (world.move(rc).problems, A in rc.read_text(), B in rc.read_text()) == ([], False, False)
