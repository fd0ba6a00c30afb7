from __future__ import annotations

import base64
import json
import re
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringlet_py.needles import FOLD, needles_of
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    import random

KEY = "sk-canary-7f3a9b2c4d5e6f708192a3b4c5d6e7f8"
ODD = "a/b+c==d%e&f<g{h}~i/jk"

keys = st.text(st.sampled_from([chr(n) for n in range(33, 127) if chr(n) not in " \"'`\\"]), min_size=8, max_size=100)


def forms_in(key: str, text: bytes) -> set[str]:
    """The forms in which the key is found, by the anchors and by the patterns, which must agree."""
    found = set()
    for needle in needles_of(key):
        matches = [match[0] for match in re.finditer(needle.pattern, text)]
        for match in matches:
            assert any(anchor in match for anchor in needle.anchors)
            assert len(match) <= needle.reach
            found.add(needle.form_of(match))
        if needle.folds and re.search(needle.pattern, re.sub(FOLD, b"", text)):
            assert any(anchor in text for anchor in needle.anchors)
            found.add(needle.form)
    return found


@given(keys, st.binary(max_size=20), st.binary(max_size=20))
def test_base64_is_found_wherever_the_value_stands_in_it(key: str, before: bytes, after: bytes):
    raw = before + key.encode() + after

    assert forms_in(key, base64.b64encode(raw)) == {"base64"}
    assert forms_in(key, base64.urlsafe_b64encode(raw)) == {"base64"}


@given(
    keys,
    st.integers(0, 80),
    st.sampled_from([60, 64, 76]),
    st.sampled_from([b"\n", b"\r\n", b"\n    ", rb"\n", rb"\\r\\n"]),
)
def test_base64_and_hex_are_found_across_the_ends_of_lines(key: str, before: int, width: int, end: bytes):
    raw = b"x" * before + key.encode()

    for text, form in ((base64.b64encode(raw), "base64"), (raw.hex().encode(), "hex")):
        folded = end.join(text[place : place + width] for place in range(0, len(text), width))
        assert forms_in(key, folded) == {form}


@given(keys, keys)
def test_base64_of_another_value_is_never_taken_for_it(key: str, other: str):
    texts = [base64.b64encode(b"x" * n + other.encode()) for n in range(3)]

    assert all(forms_in(key, text) == set() for text in texts if key not in other and key.encode() not in text)


def test_one_bit_of_difference_at_either_end_of_base64_is_enough():
    bits = [1 << n for n in range(7)]
    changed = [chr(ord(KEY[0]) ^ bit) + KEY[1:] for bit in bits] + [KEY[:-1] + chr(ord(KEY[-1]) ^ bit) for bit in bits]

    for other in changed:
        for n in range(3):
            assert forms_in(KEY, base64.b64encode(b"x" * n + other.encode() + b"xx")) == set()


@pytest.mark.parametrize("key", [KEY, ODD])
def test_text_hex_and_utf_16_are_found(key: str):
    for text, form in (
        (key.encode(), "plain"),
        (key.encode().hex().encode(), "hex"),
        (key.encode().hex().upper().encode(), "hex"),
        (key.encode("utf-16-le"), "UTF-16"),
        (key.encode("utf-16-be"), "UTF-16"),
        (key.encode("utf-16"), "UTF-16"),
    ):
        assert forms_in(key, b"before " + text + b" after") == {form}


def test_escapes_of_urls_and_json_are_found_however_many_are_used():
    quoted = urllib.parse.quote(ODD, safe="")
    for text in (quoted, quoted.lower(), urllib.parse.quote(ODD), urllib.parse.quote(ODD, safe="!*()")):
        assert forms_in(ODD, text.encode()) == {"URL"}
    go = ODD.replace("&", r"\u0026").replace("<", r"\u003C")
    for text in (ODD.replace("/", r"\/"), go.lower(), go.replace("/", r"\/").lower()):
        assert forms_in(ODD, text.encode()) == {"JSON"}
    # with a longer run of plain characters any mixture will do
    longer = f"{ODD}01234567"
    for text in (f"{go}01234567", json.dumps(json.dumps(go + "01234567"))):
        assert forms_in(longer, text.encode()) == {"JSON"}
    assert forms_in(longer, urllib.parse.quote(longer, safe="/+").encode()) == {"URL"}


@given(keys.map(lambda key: key.replace("%", "/")), st.sampled_from(["", "/", "!~*'()"]), st.randoms())
def test_the_digits_of_a_urls_codes_may_be_large_and_small_in_one_value(key: str, safe: str, some: random.Random):
    quoted = urllib.parse.quote(key, safe=safe)
    mixed = re.sub("%..", lambda code: some.choice([code[0].lower(), code[0]]), quoted)

    assert forms_in(key, mixed.encode()) == {"plain" if mixed == key else "URL"}


@pytest.mark.parametrize(
    ("program", "characters", "digits"),
    [("Gson", "<>&='", "04x"), (".NET", "<>&+'`", "04X"), ("Django", "<>&", "04X"), ("PHP", "<>&'", "04X")],
)
def test_json_is_found_with_what_programs_escape_beyond_need(program: str, characters: str, digits: str):
    key = "a'b+c==d%e&f<g>h}~i/j`k"
    text = "".join(f"\\u{ord(one):{digits}}" if one in characters else one for one in key)

    assert forms_in(key, text.encode()) == {"JSON"}, program
    assert program in (".NET", "Gson") or forms_in(key, text.replace("/", "\\/").encode()) == {"JSON"}


def test_what_programs_escape_costs_a_value_nothing_that_holds_none_of_it():
    assert [len(needles_of(key)[0].anchors) for key in (KEY, "ab+cd-ef_gh=ij" + KEY)] == [1, 1]


def test_what_is_not_ascii_is_found_as_text():
    key = "schlüssel-😀-0123456789"

    assert forms_in(key, key.encode()) == {"plain"}
    assert forms_in(key, json.dumps(key).encode()) == {"JSON"}
    short = "sä+lü=sø<é"
    assert forms_in(short, rb"s\u00E4\u002Bl\u00FC=s\u00F8\u003C\u00E9") == {"JSON"}
    assert forms_in(key, urllib.parse.quote(key).encode()) == {"URL"}


@given(keys)
def test_the_value_is_found_as_text(key: str):
    assert "plain" in forms_in(key, key.encode())


def test_a_needle_does_not_show_the_value():
    assert repr(Secret(KEY).needles()[0]) == "Needle(***)"
