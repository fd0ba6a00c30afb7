from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.app import App
from ringlet_py.entry import Address
from ringlet_py.errors import KeychainLocked, NotFound, RingletError, StoreCorrupt, UsageError
from ringlet_py.files.digest import digest_of
from ringlet_py.moving import made, replacing
from ringlet_py.moving.applying import planned
from ringlet_py.moving.cutting import cut_of
from ringlet_py.moving.finding import Find, Text
from ringlet_py.moving.formats import decoded, encoded
from ringlet_py.moving.judging import SURE, Judgement
from ringlet_py.moving.placing import CHANGED, SAME, placed
from ringlet_py.moving.reading import Source
from ringlet_py.moving.receipts import FileReceipt, Receipts
from ringlet_py.secret import Secret
from tests.end_to_end.program import Home
from tests.moving.world import CATALOG, A, B, Bare, C, Lines, World

if TYPE_CHECKING:
    from ringlet_py.moving.cutting import Cut
    from ringlet_py.moving.formats import Format

ANTHROPIC = f"ANTHROPIC_API_KEY={A}\n"
PROVIDERS = CATALOG.providers
VALUES = {"anthropic/default": A, "openai/default": B, "groq/default": C}
LINES = [
    ANTHROPIC,
    f"OPENAI_API_KEY='{B}'\r\n",
    f"GROQ_API_KEY={C}\n",
    f"CLAUDE_API_KEY={A}\n",
    "x=1\n",
    "# a comment\n",
    "\n",
    "caf\udce9=\udcff\n",
]
TEXTS = st.builds(
    lambda lines, end: "".join([*lines, end]),
    st.lists(st.sampled_from(LINES), max_size=8),
    st.sampled_from(["", "end", ANTHROPIC.strip()]),
)


def receipt_of(text: str, format_: Format, path: str = "/rc") -> tuple[Cut, FileReceipt] | None:
    """A file of that text without its keys, and what a receipt would say of it."""
    whole = Text(source=Source(path=path, real=path, raw=encoded(text)), format=format_, kind="shell")
    addresses = {value: address for address, value in VALUES.items()}
    finds = [
        Find(
            place=path,
            kind="shell",
            name=spot.name,
            value=spot.value,
            judgement=Judgement(SURE, "x"),
            text=whole,
            spot=spot,
            address=addresses[text[spot.start : spot.end]],
        )
        for spot in format_.spots(text)
        if text[spot.start : spot.end] in addresses
    ]
    if not finds:
        return None
    cut = cut_of(whole, finds, PROVIDERS)
    return cut, FileReceipt(
        path=path, real=path, mode=0o600, before="", after=digest_of(cut.content), removed=cut.removed
    )


def now(raw: bytes) -> Source:
    return Source(path="/rc", real="/rc", raw=raw)


@given(TEXTS, st.sampled_from([Lines(), Bare()]))
def test_cut_and_filled_again_a_text_is_the_same(text: str, format_: Format):
    done = receipt_of(text, format_)
    if done is None:
        return
    cut, receipt = done

    assert not [value for value in VALUES.values() if value in decoded(cut.content)]
    assert not [value for value in VALUES.values() if value in repr(receipt)]
    found = placed(receipt, now(cut.content), before="")
    assert found.state == SAME
    assert found.filled(VALUES.__getitem__) == text


@pytest.mark.parametrize("format_", [Lines(), Bare()])
@pytest.mark.parametrize("wrong", [{"start": -5}, {"start": 10**9}, {"start": 3}, {"left": "x"}])
def test_a_damaged_receipt_fills_nothing_in_where_nothing_was_cut(format_: Format, wrong: dict[str, Any]):
    done = receipt_of(f"a=1\n{ANTHROPIC}b=2\n", format_)
    assert done is not None
    cut, receipt = done
    (removed,) = receipt.removed

    damaged = replace(receipt, removed=(replace(removed, **wrong),))

    found = placed(damaged, now(cut.content), before="")
    assert found.filled(VALUES.__getitem__) in (decoded(cut.content), f"a=1\n{ANTHROPIC}b=2\n")


def test_an_edit_that_a_damaged_receipt_has_twice_is_not_filled_in_twice():
    done = receipt_of(f"a=1\n{ANTHROPIC}b=2\n", Lines())
    assert done is not None
    cut, receipt = done

    found = placed(replace(receipt, removed=receipt.removed * 2), now(cut.content), before="")
    assert found.places == ()


@given(st.lists(st.sampled_from(LINES[4:7]), max_size=4), st.lists(st.sampled_from(LINES[4:7]), max_size=4))
def test_lines_that_were_added_since_stay_and_the_keys_come_back(above: list[str], below: list[str]):
    text = f"first=1\n{ANTHROPIC}OPENAI_API_KEY='{B}'\nlast=1\n"
    for format_ in (Lines(), Bare()):
        done = receipt_of(text, format_)
        assert done is not None
        cut, receipt = done
        changed = "".join([*above, "new=1\n", decoded(cut.content), *below])

        found = placed(receipt, now(encoded(changed)), before="")

        assert found.state == CHANGED
        assert found.filled(VALUES.__getitem__) == "".join([*above, "new=1\n", text, *below])


@pytest.mark.parametrize("format_", [Lines(), Bare()])
def test_what_was_left_and_stands_there_twice_or_not_at_all_is_not_guessed(format_: Format):
    done = receipt_of(f"a=1\n{ANTHROPIC}b=2\n", format_)
    assert done is not None
    cut, receipt = done
    for changed, words in ((cut.content * 2, "2 times"), (b"c=3\n", "is gone")):
        found = placed(receipt, now(changed), before="")

        assert (found.places, found.left_over) == ((), replace(receipt, after=""))
        assert [words in each for each in found.why_not] == [True]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            TEXTS,
            st.sampled_from([".rc", ".x.bare", "shop/.env"]),
            st.sampled_from([0o600, 0o644, 0o755]),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda one: one[1],
    )
)
def test_moved_and_undone_every_file_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, str, int, bool]]
):
    world = World(home=Home.at(tmp_path_factory.mktemp("x") / "home"))
    paths = []
    for text, name, mode, linked in files:
        path = world.file(name, encoded(text), mode=mode)
        if linked:
            path.rename(f"{path}.target")
            path.symlink_to(f"{path.name}.target")
        paths.append(path)
    before = [(path.read_bytes(), path.stat().st_mode, path.is_symlink()) for path in paths]

    done = world.move(*paths)

    assert done.problems == []
    assert not [path for path in paths for value in VALUES.values() if value.encode() in path.read_bytes()]
    if done.cut:
        assert world.undo()[1] == []
    assert [(path.read_bytes(), path.stat().st_mode, path.is_symlink()) for path in paths] == before


def test_undo_is_recorded_and_keeps_the_keys(world: World):
    rc = world.file(".rc", ANTHROPIC)
    world.move(rc)

    assert world.undo() == ([".rc"], [])

    assert rc.read_text() == ANTHROPIC
    assert world.addresses() == {"anthropic/default"}
    last = json.loads((world.home.state / "audit.jsonl").read_text().splitlines()[-1])
    assert (last["action"], last["address"], last["purpose"]) == ("claim", "anthropic/default", "migrate undo")


def test_what_is_undone_is_not_undone_again(world: World):
    rc = world.file(".rc", ANTHROPIC)
    receipt = world.move(rc).receipt
    world.undo()

    with pytest.raises(NotFound, match="nothing to undo"):
        world.undo()
    assert world.undo(receipt) == ([], [])
    assert rc.read_text() == ANTHROPIC


def test_the_latest_is_undone_first(world: World):
    one, two = world.file(".one", ANTHROPIC), world.file(".two", f"OPENAI_API_KEY={B}\n")
    world.move(one)
    world.move(two)

    assert [world.undo()[0], world.undo()[0]] in ([[".two"], [".one"]], [[".one"], [".two"]])


def test_a_file_that_is_gone_or_was_rewritten_is_named_and_the_others_come_back(world: World):
    files = [world.file(name, ANTHROPIC) for name in (".gone", ".new", ".rc")]
    world.move(*files)
    files[0].unlink()
    files[1].write_text("all new\n")

    restored, problems = world.undo()

    assert restored == [".rc"]
    assert problems == [
        f"{files[1]} was changed, and what was left in line 1 is gone",
        f"{files[0]} is gone",
    ]
    files[1].write_text(ANTHROPIC)
    files[0].write_text(ANTHROPIC)
    assert world.undo() == ([], [])


def test_a_file_whose_key_is_gone_is_left_as_it_is(world: World):
    rc, other = world.file(".rc", ANTHROPIC), world.file(".other", f"OPENAI_API_KEY={B}\n")
    world.move(rc, other)
    world.app.keychain.remove(Address("anthropic"))

    restored, problems = world.undo()

    assert restored == [".other"]
    assert "anthropic/default is not in" in problems[0]
    assert A not in rc.read_text()


def test_a_key_that_was_replaced_since_is_told_before(world: World):
    rc = world.file(".rc", ANTHROPIC)
    world.move(rc)
    app = App(world.home.environ, clock=lambda: 4_000_000_000.0)
    app.keychain.set(Address("anthropic"), Secret(f"{A}new"), replace=True)

    plan = made.undoing(app.keychain, app.broker, app.folders, app.clock).planned(made.receipts(app.folders).latest())

    assert plan.notes == ["anthropic/default was replaced since: the new value goes into the file"]


def test_keys_that_went_to_another_backend_come_back_too(world: World):
    rc = world.file(".rc", ANTHROPIC)
    world.move(rc)
    receipts = made.receipts(world.app.folders)
    receipts.save(replace(receipts.latest(), backend="system"))

    assert world.undo() == ([".rc"], [])


def test_remains_of_a_killed_writer_are_swept_away(world: World):
    rc = world.file(".rc", ANTHROPIC)
    left = world.file("..rc.0123456789ab.ringlet", ANTHROPIC)
    world.file("..rc.other.0123456789ab.ringlet", "somebody else's")

    world.move(rc)

    assert not left.exists()
    assert (world.home.path / "..rc.other.0123456789ab.ringlet").exists()


def test_a_name_as_long_as_file_systems_allow_is_replaced(world: World):
    rc = world.file("r" * 255, ANTHROPIC)

    world.move(rc)
    assert A not in rc.read_text()
    world.undo()

    assert rc.read_text() == ANTHROPIC


def damaged(**fields: Any) -> bytes:
    """A receipt with one file."""
    file = {"real": "/a", "before": "", "after": "", "removed": [], **fields}
    texts = {"id": "{id}", "made_at": "", "backend": "", "undone_at": ""}
    return json.dumps({"schema_version": 1, **texts, "variables": [], "files": [file]}).encode()


class TestReceipts:
    @pytest.fixture
    def receipts(self, world: World) -> Receipts:
        world.move(world.file(".rc", ANTHROPIC))
        return made.receipts(world.app.folders)

    def test_are_found_by_their_beginning(self, receipts: Receipts):
        (id_,) = receipts.ids()

        assert receipts.named(id_[:15]).id == id_
        with pytest.raises(NotFound, match="no receipt 'x'"):
            receipts.named("x")

    def test_a_beginning_that_several_have_is_refused(self, receipts: Receipts):
        receipts.save(receipts.new(now=0, backend="file"))
        receipts.save(receipts.new(now=0, backend="file"))

        with pytest.raises(UsageError, match="2 receipts begin with 1970"):
            receipts.named("1970")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"{}",
            b"\xff",
            b"[" * 100_000,
            b'{"schema_version": 1, "id": 1, "made_at": "", "backend": "", "undone_at": "", "files": []}',
            b'{"schema_version": 1, "id": "", "made_at": "", "backend": "", "undone_at": "", "files": [1]}',
            damaged(path="/a", mode=float("inf")),
            damaged(path="/a\0", mode=0),
            damaged(path="a", mode=0),
        ],
    )
    def test_one_that_is_damaged_is_an_error_that_names_it(self, receipts: Receipts, content: bytes):
        (id_,) = receipts.ids()
        path = os.path.join(receipts.folder, f"{id_}.json")
        with open(path, "wb") as file:
            file.write(content.replace(b"{id}", id_.encode()))

        with pytest.raises(StoreCorrupt, match=id_):
            receipts.latest()

    def test_one_of_another_version_is_refused(self, receipts: Receipts):
        (id_,) = receipts.ids()
        path = os.path.join(receipts.folder, f"{id_}.json")
        with open(path, "w") as file:
            json.dump({"schema_version": 2}, file)

        with pytest.raises(RingletError, match="another version"):
            receipts.latest()


def test_the_new_file_holds_keys_and_is_born_private(world: World, monkeypatch: pytest.MonkeyPatch):
    rc = world.file(".rc", ANTHROPIC, mode=0o644)
    world.move(rc)
    modes = []
    taking = replacing._take_after

    def look(fd: int, *arguments: str) -> None:
        modes.append(os.fstat(fd).st_mode & 0o777)
        taking(fd, *arguments)

    monkeypatch.setattr(replacing, "_take_after", look)
    world.undo()

    assert modes == [0o600]


def test_a_plan_that_keeps_the_files_leaves_no_receipt(world: World):
    rc = world.file(".rc", ANTHROPIC)

    world.carry_out(planned(world.scan(rc).finds, PROVIDERS, keep=True))

    assert made.receipts(world.app.folders).ids() == []


def test_a_key_goes_back_only_where_it_was(world: World):
    rc = world.file(".bashrc", ANTHROPIC)
    world.move(rc)
    shared = world.file("shared/bashrc", rc.read_bytes())
    rc.unlink()
    rc.symlink_to(shared)

    restored, problems = world.undo()
    assert restored == []
    assert [problem for problem in problems if f"it is {shared} now" in problem]
    assert A not in shared.read_text()


def test_a_key_does_not_go_back_where_others_can_read_it_by_now(world: World):
    rc = world.file(".bashrc", ANTHROPIC, mode=0o600)
    world.move(rc)
    rc.chmod(0o644)

    restored, problems = world.undo()
    assert restored == []
    assert [problem for problem in problems if f"chmod 600 {rc}" in problem]
    rc.chmod(0o600)
    assert world.undo() == ([".bashrc"], [])


def test_a_receipt_under_another_ones_name_is_none(world: World):
    world.move(world.file(".bashrc", ANTHROPIC))
    kept = made.receipts(world.app.folders)
    (name,) = kept.ids()
    path = Path(kept.folder, f"{name}.json")
    path.write_text(path.read_text().replace(name, "../../../precious"))

    with pytest.raises(StoreCorrupt):
        kept.load(name)


def test_a_key_that_was_removed_and_set_again_was_replaced(world: World):
    world.move(world.file(".rc", ANTHROPIC))
    app = App(world.home.environ, clock=lambda: 4_000_000_000.0)
    app.keychain.remove(Address("anthropic"))
    app.keychain.set(Address("anthropic"), Secret(f"{A}new"))

    plan = made.undoing(app.keychain, app.broker, app.folders, app.clock).planned(made.receipts(app.folders).latest())

    assert plan.notes == ["anthropic/default was replaced since: the new value goes into the file"]


def test_a_keychain_that_is_locked_meanwhile_leaves_every_file_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch):
    rc, other = world.file(".rc", ANTHROPIC), world.file(".other", f"OPENAI_API_KEY={B}\n")
    world.move(rc, other)
    app = world.app
    undoing = made.undoing(app.keychain, app.broker, app.folders, app.clock)
    plan = undoing.planned(made.receipts(app.folders).latest())
    get = app.backend.get
    given: list[Address] = []

    def locked(address: Address) -> Secret:
        if given:
            raise KeychainLocked("it is locked", hint="unlock it")
        given.append(address)
        return get(address)

    monkeypatch.setattr(app.backend, "get", locked)
    with pytest.raises(KeychainLocked):
        undoing.undo(plan)

    assert (A in rc.read_text(), B in other.read_text()) == (False, False)


def test_a_receipt_that_cannot_be_closed_takes_nothing_from_what_is_told(world: World, monkeypatch: pytest.MonkeyPatch):
    rc = world.file(".rc", ANTHROPIC)
    world.move(rc)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Receipts, "save", full)
    restored, problems = world.undo()

    assert (restored, rc.read_text()) == ([".rc"], ANTHROPIC)
    assert problems[0].endswith("was left as it is: No space left on device")


def test_a_key_that_was_renamed_since_comes_back_each_place_by_itself(world: World):
    rc = world.file(".rc", f"{ANTHROPIC}OPENAI_API_KEY='{B}'\n")
    world.move(rc)
    app = world.app
    receipts = made.receipts(app.folders)
    app.keychain.rename(
        Address("anthropic"),
        Address("anthropic", "work"),
        meanwhile=lambda: receipts.readdress("anthropic/default", "anthropic/work"),
    )
    rc.write_text(rc.read_text().split("\n")[0])  # somebody took the other line out

    assert len(receipts.needing("anthropic/work")) == 1
    assert world.undo()[0] == [".rc"]
    assert rc.read_text() == ANTHROPIC.strip()


def test_an_undo_that_was_planned_while_a_move_was_under_way_closes_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    rc, other = world.file(".rc", ANTHROPIC), world.file(".other", f"OPENAI_API_KEY={B}\n")
    undoing = made.undoing(world.app.keychain, world.app.broker, world.app.folders, world.app.clock)
    receipts, plans = made.receipts(world.app.folders), []
    take = replacing.replace

    def planned_before(source: Source, content: bytes) -> None:
        plans.append(undoing.planned(receipts.latest()))
        take(source, content)

    monkeypatch.setattr("ringlet_py.moving.applying.replace", planned_before)
    world.move(rc, other)

    for plan in plans:
        with pytest.raises(RingletError, match="meanwhile"):
            undoing.undo(plan)
    with pytest.raises(RingletError, match="meanwhile"):
        undoing.drop(plans[0].receipt)
    assert sorted(world.undo()[0]) == [".other", ".rc"]
    assert (rc.read_text(), B in other.read_text()) == (ANTHROPIC, True)
