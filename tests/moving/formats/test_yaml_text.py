from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.moving.formats import applied
from ringlet_py.moving.formats.yaml_text import YamlText
from tests.moving.formats.contract import FormatContract, moved, undone
from tests.moving.formats.documents import less, path_of

yaml: Any = pytest.importorskip("yaml", reason="PyYAML is what these are held against")

KEY = "sk-proj-" + "aB3-_x" * 6
MARK = "# ringlet: K is made-up/k in the keychain (ringlet migrate undo)"
NAMES = st.text("abAB1-_", min_size=1, max_size=3) | st.sampled_from(["a b", "é", "yes", "?"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc01 #\"':&*-\n,}]", max_size=8)
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)),
    min_size=1,
    max_size=5,
)


def plainly(text: str) -> list[tuple[str, str, bool]]:
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in YamlText().spots(text)]


def without(text: str, *values: str) -> str:
    spots = [spot for spot in YamlText().spots(text) if spot.value.reveal() in values]
    return applied(text, YamlText().edits(text, moved(spots)))


class TestYamlText(FormatContract):
    format = YamlText()
    texts = (
        "A: b\nenv:\n  C: d\n  E: 'f' # why\n\nG: \"h\"\n",
        "A: b\r\nenv:\r\n    C: d\r\n",
        "list:\n- A: b\n  C: d\n- E: f\n- g\n-\n  H: i\n",
        "A: |\n  B: c\n\n  D: e\nF: >-\n  g\nH: i\n",
        "A: b\n  C: d\nE: f\n",
        "---\nA: b\n...\n---\nA: c\n",
        "A: &x b\nC: *x\nD: e\n",
        "A: {B: c, D: [e]}\nF: [g,\n  h]\nI: j\n",
        "A: 'b\n  c'\nD: e\n",
        f'args: ["--key={KEY}"]\nheaders:\n  Authorization: Bearer {KEY}\n',
        "A: b\n\tC: d\n",
        "{}  # ringlet\nA: b\n",
    )


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("K: x\nA: 1\n", f"{MARK}\nA: 1\n"),
        ("A: 1\nK: 'x'  # why\n", f"A: 1\n{MARK}  # why\n"),
        ("K: x", f"{{}} {MARK}"),
        ('env:\n  K: "x"\nA: 1\n', f"env:\n  {{}} {MARK}\nA: 1\n"),
        ("env:\n  K: x\n  B:\n  - 1\n", f"env:\n  {MARK}\n  B:\n  - 1\n"),
        ("a:\n- K: x\n  B: 1\n", f"a:\n- {MARK}\n  B: 1\n"),
        ("a:\n- B: 1\n  K: x\n- K: x\n", f"a:\n- B: 1\n  {MARK}\n- {{}} {MARK}\n"),
        ("A: |\n  K: x\n\nK: x\n", f"A: |\n  K: x\n\n{MARK}\n"),
    ],
)
def test_a_pair_becomes_a_comment(text: str, after: str):
    spots = [spot for spot in YamlText().spots(text) if spot.certain and spot.value.reveal() == "x"]

    assert applied(text, YamlText().edits(text, moved(spots))) == after
    assert yaml.safe_load(after) == less(yaml.safe_load(text), [path_of(spot, text, yaml.safe_load) for spot in spots])


@pytest.mark.parametrize(
    "text",
    [
        "K: x\n  y\n",
        "K: x\n\n  y\n",
        "K: 'x\n  y'\n",
        'K: "x\\ty"\n',
        "K: 'it''s'\n",
        "K: &a x\nL: *a\n",
        "K: !t x\n",
        "K: [x]\n",
        "K: {L: x}\n",
        "- x\n",
        "- x\n    - L: y\n",
        "K: x\n- L: y\n",
        "K: x y\n",
        "K: x\nK: y\n",
        "K:\n  L: x\nK: 1\n",
        "? K\n: x\nL: y\n",
        "a: &a\n  K: x\nb: *a\n",
        "a: &a\n  K: x\nb:\n  <<: *a\n",
        "K: |\n  sk-0123456789012345\n",
        f"K: Bearer {KEY}\n",
        f"K:\n- --key={KEY}\n",
        "K: x\x85L: y\n",
    ],
)
def test_what_is_unclear_is_told_and_left(text: str):
    found = plainly(text)

    assert found
    assert not any(certain for _, _, certain in found)


def check_a_cut(document: Any, layout: Any, data: st.DataObject):
    """Some spots are cut: every other value stays, and the text comes back."""
    text = yaml.safe_dump(document, default_flow_style=False, sort_keys=False, allow_unicode=True, **layout)
    spots = YamlText().spots(text)
    cut = [spot for spot in spots if spot.certain and data.draw(st.booleans())]

    edits = YamlText().edits(text, moved(cut))
    after = applied(text, edits)

    assert undone(text, edits, after) == text
    assert yaml.safe_load(after) == less(document, [path_of(spot, text, yaml.safe_load) for spot in cut])


@settings(deadline=None, max_examples=6)
@given(DOCUMENTS, st.sampled_from([{}, {"indent": 4}, {"width": 20}, {"default_style": '"'}]), st.data())
def test_every_other_value_stays_and_what_was_cut_comes_back(document: Any, layout: Any, data: st.DataObject):
    check_a_cut(document, layout, data)


@pytest.mark.slow
@settings(deadline=None, max_examples=500)
@given(DOCUMENTS, st.sampled_from([{}, {"indent": 4}, {"width": 20}, {"default_style": '"'}]), st.data())
def test_in_many_documents_every_other_value_stays(document: Any, layout: Any, data: st.DataObject):
    check_a_cut(document, layout, data)
