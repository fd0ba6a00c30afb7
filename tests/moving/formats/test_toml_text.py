from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.moving.formats import applied
from ringlet_py.moving.formats.toml_reading import Scanner
from ringlet_py.moving.formats.toml_text import TomlText, _is_proved
from tests.moving.formats.contract import FormatContract, moved, undone
from tests.moving.formats.documents import less, path_of, strings_of

KEY = "sk-proj-" + "aB3-_x" * 6
MARK = "# ringlet: K is made-up/k in the keychain (ringlet migrate undo)"
NAMES = st.text("abAB1-_", min_size=1, max_size=3) | st.sampled_from(["a b", "é", "a.b"])
LEAVES = st.booleans() | st.integers(-9, 9) | st.text("abc01 #\"'\\\n,}]", max_size=6) | st.dates()
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)),
    max_size=5,
)


def plainly(text: str) -> list[tuple[str, str, bool]]:
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in TomlText().spots(text)]


def without(text: str, *values: str) -> str:
    spots = [spot for spot in TomlText().spots(text) if spot.value.reveal() in values]
    return applied(text, TomlText().edits(text, moved(spots)))


class TestTomlText(FormatContract):
    format = TomlText()
    texts = (
        'A = "b"\n[env]\nC = \'d\' # why\n\n[[x]]\nE = "f"\n',
        'A = "b"\r\nE = { C = "d", F = 1, G = "h" }\r\n',
        'a.b.C = "d"\na.E = "f"\n[t]\nu.V = "w"\n[t.u.x]\n',
        'x = [ "a", { K = "b" }, [ "c" ] ] # }\n',
        'A = """b\nC = "d"\n"""\nE = \'\'\'f\'\'\'\nG = "h\\n"\n"I" = "j"\n"K L" = "m"\n',
        'A = 1979-05-27 07:32:00\nB = "c"\nD = "e"',
        'A = "b"\nA = "c"\n',
        '  [ mcp . "x" ]  # y\n  env={K="a"}\n',
    )


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('K = "x"', MARK),
        ('[env]\nK = "x"\n', f"[env]\n{MARK}\n"),
        ('[env]\n  K = "x"  # why\nB = 1\n', f"[env]\n  {MARK}  # why\nB = 1\n"),
        ('env = { K = "x" }\n', f"env = {{}} {MARK}\n"),
        ('env = { K = "x", B = 1 } # why\n', f"env = {{ B = 1 }} {MARK} # why\n"),
        ('env = { K = "x", B = 1 }\n', f"env = {{ B = 1 }} {MARK}\n"),
        ('env = { B = 1, K = "x" }\n', f"env = {{ B = 1 }} {MARK}\n"),
        ('a = [\n  { K = "x" }, # one\n]\n', f"a = [\n  {{}}, # one\n] {MARK}\n"),
        ('env.K = "x"\nenv.B = 1\n', f"{MARK}\nenv.B = 1\n"),
        ('env.K = "x"\n', f"env = {{}} {MARK}\n"),
        ('a.b.K = "x"\na.c.K = "x"\n', f"a.b = {{}} {MARK}\na.c = {{}} {MARK}\n"),
        ('a.b.K = "x"\na.K = "x"\n', f"a.b = {{}} {MARK}\n{MARK}\n"),
    ],
)
def test_a_line_becomes_a_comment_and_a_pair_in_braces_goes(text: str, after: str):
    assert without(text, "x") == after
    assert tomllib.loads(after) == less(tomllib.loads(text), strings_of(tomllib.loads(text)))


@pytest.mark.parametrize(
    "text",
    [
        'K = """x"""',
        "K = '''\nx'''",
        'K = "a\\u0041"',
        'K = ["x"]',
        'e = { a.K = "x" }',
        '[t]\na.K = "x"\n[t.a.b]\n',
        '[t.a.b]\n[t]\na.K = "x"\n',
        'K = "x"\nK = "y"',
        'K = "x"\n[',
        '"K L" = "x"',
        f'args = ["--key={KEY}"]',
        f'auth = "Bearer {KEY}"',
    ],
)
def test_what_is_unclear_is_told_and_left(text: str):
    found = plainly(text)

    assert found
    assert not any(certain for _, _, certain in found)


def test_a_very_deep_document_is_no_trouble():
    assert plainly(f'K = "x"\nA = {"[" * 3000}{"]" * 3000}') == [("K", "x", False)]


def test_a_place_that_the_real_parser_does_not_confirm_is_not_believed():
    scanner = Scanner('A = "bc"\nD = "e"\n')
    scanner.scan()
    assert _is_proved(scanner)

    scanner.strings[0] = replace(scanner.strings[0], end=scanner.strings[0].end - 1)

    assert not _is_proved(scanner)


def check_a_cut(document: dict[str, Any], data: st.DataObject):
    """Some spots are cut: every other value stays, and the text comes back."""
    text = tomlkit.dumps(document)
    read = tomllib.loads(text)
    spots = TomlText().spots(text)
    cut = [spot for spot in spots if spot.certain and data.draw(st.booleans())]

    edits = TomlText().edits(text, moved(cut))
    after = applied(text, edits)

    assert undone(text, edits, after) == text
    assert tomllib.loads(after) == less(read, [path_of(spot, text, tomllib.loads) for spot in cut])


@settings(deadline=None, max_examples=6)
@given(DOCUMENTS, st.data())
def test_every_other_value_stays_and_what_was_cut_comes_back(document: dict[str, Any], data: st.DataObject):
    check_a_cut(document, data)


@pytest.mark.slow
@settings(deadline=None, max_examples=330)
@given(DOCUMENTS, st.data())
def test_in_many_documents_every_other_value_stays(document: dict[str, Any], data: st.DataObject):
    check_a_cut(document, data)
