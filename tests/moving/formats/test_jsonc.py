from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.moving.formats import applied
from ringlet_py.moving.formats.jsonc import Jsonc
from tests.moving.formats.contract import FormatContract, moved, undone

KEY = "sk-proj-" + "aB3-_x" * 6
LAYOUTS = [{}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
NAMES = st.text("abAB_ 1", min_size=1, max_size=3)
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)),
    max_size=5,
)


def plainly(text: str) -> list[tuple[str, str, bool]]:
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in Jsonc().spots(text)]


def without(text: str, *values: str) -> str:
    spots = [spot for spot in Jsonc().spots(text) if spot.value.reveal() in values]
    return applied(text, Jsonc().edits(text, moved(spots)))


def with_values(document: Any, gone: set[str]) -> Any:
    """The document without the pairs whose value is one of these."""
    if isinstance(document, dict):
        kept = {name: with_values(value, gone) for name, value in document.items()}
        return {name: value for name, value in kept.items() if not (isinstance(value, str) and value in gone)}
    return [with_values(value, gone) for value in document] if isinstance(document, list) else document


class TestJsonc(FormatContract):
    format = Jsonc()
    marks = False
    texts = (
        '{"env": {"A": "b", "C": "d"}, "E": ["f", {"G": "h"}]}',
        '{\n  "A": "b"\n}\n',
        '{\r\n\t"A": "b",\r\n\t"C": null,\r\n\t"D": "e"\r\n}\r\n',
        '{ // one\n "A": "b", // two\n "C": "d" /* three */ , /* four */ "E": "f", // five\n}\n',
        '{"A":"b",}',
        '{"A":"b","A":"c","D\\n":"e","F":"\\u0041"}',
        '"A"',
        f'{{"args": ["--key={KEY}"], "headers": {{"Authorization": "Bearer {KEY}"}}, "X": "{KEY}"}}',
        '{"A": "b", "C": }',
        '\ufeff{"A": "b"}',
        "[" * 40 + "]" * 40,
    )


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{"K":"x"}', "{}"),
        ('{\n  "K": "x"\n}\n', "{}\n"),
        ('{"K":"x","B":1}', '{"B":1}'),
        ('{"B":1,"K":"x"}', '{"B":1}'),
        ('{"A":0, "K":"x", "B":1}', '{"A":0, "B":1}'),
        ('{\n  "A": 0,\n  "K": "x",\n  "B": 1\n}', '{\n  "A": 0,\n  "B": 1\n}'),
        ('{\n  "A": 0,\n  "K": "x"\n}', '{\n  "A": 0\n}'),
        ('{"A":0,"K":"x","L":"y"}', '{"A":0}'),
        ('{"K":"x","L":"y","A":0}', '{"A":0}'),
        ('{"K":"x","A":0,"L":"y"}', '{"A":0}'),
        ('{"K":"x","L":"y"}', "{}"),
        ('{"A":0,"K":"x",}', '{"A":0,}'),
        ('{"K":"x",}', "{}"),
        ('{"env":{"K":"x"},"B":[]}', '{"env":{},"B":[]}'),
        ('{\n  "A": 0, // zero\n  // mine\n  "K": "x" // why\n}', '{\n  "A": 0 // zero\n  // mine\n   // why\n}'),
        ('{ // top\n  "K": "x", // why\n  "A": 0\n}', '{ // top\n   // why\n  "A": 0\n}'),
        ('{ /* a */ "K": "x" , /* b */ "L": "y" /* c */ }', "{ /* a */   /* b */  /* c */ }"),
    ],
)
def test_a_pair_goes_with_one_comma(text: str, after: str):
    assert without(text, "x", "y") == after


def test_elements_of_lists_and_parts_of_longer_strings_are_told_and_left():
    text = json.dumps({"args": ["--key", KEY, f"--key={KEY}"], "headers": {"Authorization": f"Bearer {KEY}"}})

    assert plainly(text) == [
        ("args", "--key", False),
        ("args", KEY, False),
        ("args", KEY, False),
        ("Authorization", KEY, False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"K": "a", "K": "b"}',
        '{"L": {"K": "a"}, "L": 1}',
        '{"K": "a\\u0041"}',
        '{"K\\n": "a"}',
        '{"K": "a"',
        '{"K": "a"} x',
        '{"K": "a" "L": 1}',
        "{'K': 'a'}",
        '{"K": "a", "L": 01}',
    ],
)
def test_what_is_unclear_is_told_and_left(text: str):
    found = plainly(text)

    assert found
    assert not any(certain for _, _, certain in found)


def check_a_cut(document: Any, layout: Any, data: st.DataObject):
    """Some spots are cut: every other value stays, and the text comes back."""
    text = json.dumps(document, ensure_ascii=False, **layout)
    certain = {spot.value.reveal() for spot in Jsonc().spots(text) if spot.certain}
    gone = data.draw(st.sets(st.sampled_from(sorted(certain)))) if certain else set()
    cut = [spot for spot in Jsonc().spots(text) if spot.certain and spot.value.reveal() in gone]

    edits = Jsonc().edits(text, moved(cut))
    after = applied(text, edits)

    assert undone(text, edits, after) == text
    assert json.loads(after) == with_values(document, gone)


@settings(deadline=None, max_examples=6)
@given(DOCUMENTS, st.sampled_from(LAYOUTS), st.data())
def test_every_other_value_stays_and_what_was_cut_comes_back(document: Any, layout: Any, data: st.DataObject):
    check_a_cut(document, layout, data)


@pytest.mark.slow
@settings(deadline=None, max_examples=500)
@given(DOCUMENTS, st.sampled_from(LAYOUTS), st.data())
def test_in_many_documents_every_other_value_stays(document: Any, layout: Any, data: st.DataObject):
    check_a_cut(document, layout, data)


def test_a_deep_document_is_no_trouble():
    assert plainly('{"A":' * 1500 + '"b"' + "}" * 1500) == [("A", "b", True)]
