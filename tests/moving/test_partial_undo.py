"""What can be put back is, what cannot is named, and a receipt can be closed all the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.entry import Address
from ringlet_py.errors import NotFound
from ringlet_py.files.digest import digest_of
from ringlet_py.moving import made
from ringlet_py.moving.applying import planned
from ringlet_py.moving.cutting import Piece, Removed
from ringlet_py.moving.finding import is_sure
from ringlet_py.moving.formats import encoded, known
from ringlet_py.moving.placing import placed
from ringlet_py.moving.reading import Source
from ringlet_py.moving.receipts import FileReceipt
from ringlet_py.secret import Secret
from tests.moving.world import CATALOG, A, B, C, World

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.moving.receipts import Receipt

THREE = (("ANTHROPIC_API_KEY", A), ("OPENAI_API_KEY", B), ("GROQ_API_KEY", C))
LINES = [f"export {name}='{value}'\n" for name, value in THREE]


def moved(world: World, path: Path) -> Receipt:
    """Moves what is sure in the file, as the formats of the program read it."""
    finds = [find for find in world.scan(path, format_of=known.format_of).finds if is_sure(find)]
    done = world.carry_out(planned(finds, CATALOG.providers))
    assert done.problems == []
    return made.receipts(world.app.folders).named(done.receipt)


def without_line(path: Path, word: str) -> None:
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if word not in line))


def test_a_key_whose_comment_was_deleted_is_named_and_the_others_come_back(world: World):
    rc = world.file(".bashrc", "".join(LINES))
    moved(world, rc)
    without_line(rc, "OPENAI")

    restored, problems = world.undo()

    assert (restored, rc.read_text()) == ([".bashrc"], LINES[0] + LINES[2])
    assert problems == [f"{rc} was changed, and what was left in line 2 is gone"]


def test_a_key_that_is_not_in_the_keychain_is_named_and_comes_back_once_it_is(world: World):
    rc = world.file(".bashrc", "".join(LINES))
    receipt = moved(world, rc)
    world.app.keychain.remove(Address("openai"))

    restored, problems = world.undo()

    assert restored == [".bashrc"]
    assert problems == [f"openai/default is not in the keychain, so line 2 of {rc} was left as it is"]
    assert [value in rc.read_text() for _, value in THREE] == [True, False, True]
    world.app.keychain.set(Address("openai"), Secret(B))
    assert world.undo() == ([".bashrc"], [])
    assert rc.read_text() == "".join(LINES)
    with pytest.raises(NotFound, match="nothing to undo"):
        world.undo()
    assert receipt.id in made.receipts(world.app.folders).ids()


def test_the_receipt_says_what_is_still_out_and_keeps_no_digest_of_a_file_with_keys(world: World):
    rc = world.file(".bashrc", "".join(LINES))
    id_ = moved(world, rc).id
    without_line(rc, "OPENAI")
    world.undo()

    (left,) = made.receipts(world.app.folders).named(id_).files

    assert (left.addresses, left.after) == (["openai/default"], "")
    assert digest_of(rc.read_bytes()) not in repr(left)


def test_a_file_that_came_back_whole_leaves_the_receipt(world: World):
    files = [world.file(name, f"ANTHROPIC_API_KEY={A}\n") for name in (".one", ".two")]
    world.move(*files)
    files[0].unlink()
    world.undo()

    assert [each.path for each in made.receipts(world.app.folders).latest().files] == [str(files[0])]


def test_a_dropped_receipt_is_closed_and_can_be_undone_by_its_name(world: World):
    rc = world.file(".bashrc", LINES[0])
    receipt = moved(world, rc)
    app = world.app
    made.undoing(app.keychain, app.broker, app.folders, app.clock).drop(receipt)

    with pytest.raises(NotFound, match="nothing to undo"):
        world.undo()
    assert world.undo(receipt.id) == ([".bashrc"], [])
    assert rc.read_text() == LINES[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.json", f'{{"env": {{"ANTHROPIC_API_KEY": "{A}", "x": "1", "OPENAI_API_KEY": "{B}"}}}}\n'),
        ("x.yaml", f"env:\n  ANTHROPIC_API_KEY: {A}\n  OPENAI_API_KEY: {B}\n"),
        ("x.fish", f"set -gx ANTHROPIC_API_KEY {A}; set -gx OPENAI_API_KEY {B} # both\n"),
        ("one.sh", f"export ANTHROPIC_API_KEY={A} OPENAI_API_KEY={B} OTHER=1\n"),
        ("two.sh", f"OPENAI_API_KEY={B}\nexport ANTHROPIC_API_KEY={A} OPENAI_API_KEY OTHER=1\n"),
    ],
)
def test_edits_that_need_each_other_go_back_together_or_not_at_all(world: World, name: str, text: str):
    path = world.file(name, text)
    moved(world, path)
    cut = path.read_text()
    world.app.keychain.remove(Address("openai"))

    restored, problems = world.undo()

    assert problems
    assert "openai/default is not in the keychain" in problems[0]
    assert (restored, path.read_text()) == ([], cut)


@given(st.sets(st.sampled_from(range(3))), st.permutations(range(3)))
def test_of_any_comments_those_that_still_stand_get_their_keys_wherever_they_stand(gone: set[int], order: list[int]):
    marks = [f"# ringlet: {name} is made-up/{number} in the keychain" for number, (name, _) in enumerate(THREE)]
    removed = tuple(
        Removed(
            line=number + 1,
            start=0,
            column=0,
            around="",
            left=marks[number],
            pieces=(Piece(text=f"export {name}='"), Piece(address=f"made-up/{number}"), Piece(text="'")),
        )
        for number, (name, _) in enumerate(THREE)
    )
    receipt = FileReceipt(path="/rc", real="/rc", mode=0o600, before="", after="", removed=removed)
    text = "".join(f"{marks[number]}\n" for number in order if number not in gone)
    source = Source(path="/rc", real="/rc", raw=encoded(text))

    found = placed(receipt, source, before="")

    assert found.filled(lambda address: THREE[int(address[-1])][1]) == "".join(
        LINES[number] for number in order if number not in gone
    )
    assert set(found.stays) == {removed[number] for number in gone}
    assert len(found.why_not) == len(gone)


@pytest.mark.parametrize(("gone", "back"), [(0, 2), (1, 0)])
def test_the_same_line_twice_comes_back_twice_or_not_at_all(world: World, gone: int, back: int):
    rc = world.file(".bashrc", LINES[0] + "true\n" + LINES[0] + "true\n")
    moved(world, rc)
    lines = rc.read_text().splitlines(keepends=True)
    rc.write_text("".join(["# new\n", *lines[gone:]]))

    world.undo()

    assert rc.read_text().count(LINES[0]) == back


def test_words_that_are_a_part_of_a_longer_comment_are_not_taken_for_the_shorter_one(world: World):
    rc = world.file(".bashrc", f"true && export ANTHROPIC_API_KEY={A}\nexport ANTHROPIC_API_KEY={A}\ntrue\n")
    moved(world, rc)
    lines = rc.read_text().splitlines(keepends=True)
    rc.write_text(lines[0])

    _, problems = world.undo()

    assert "what was left in line 2 is gone" in problems[-1]
    assert rc.read_text() == f"true && export ANTHROPIC_API_KEY={A}\n"


def test_open_receipts_tell_which_places_need_a_key(world: World):
    rc = world.file(".bashrc", LINES[0])
    receipt = moved(world, rc)
    receipts = made.receipts(world.app.folders)

    assert receipts.needing("anthropic/default") == [f"{rc} would get it back by ringlet migrate undo {receipt.id}"]
    assert receipts.needing("openai/default") == []
    bad = os.path.join(receipts.folder, "20200101T000000-aaaaaa.json")
    with open(os.open(bad, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write("{")
    assert receipts.needing("openai/default") == [f"the receipt {bad} cannot be read and may need it"]
    os.unlink(bad)
    world.undo()
    assert receipts.needing("anthropic/default") == []


def test_beside_edits_that_need_each_other_a_line_of_its_own_comes_back(world: World):
    path = world.file("x.toml", f'[env]\nANTHROPIC_API_KEY = "{A}"\nmore = {{ OPENAI_API_KEY = "{B}", x = 1 }}\n')
    moved(world, path)
    world.app.keychain.remove(Address("openai"))

    assert world.undo()[0] == ["x.toml"]

    assert path.read_text().splitlines()[:2] == ["[env]", f'ANTHROPIC_API_KEY = "{A}"']
    assert "openai/default in the keychain" in path.read_text()
