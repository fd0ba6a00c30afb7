from __future__ import annotations

import plistlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringlet_py.moving.formats import applied, decoded, encoded
from ringlet_py.moving.formats.plist import Plist
from tests.moving.formats.contract import FormatContract, moved, undone

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://x">\n'
KEY = "sk-proj-" + "aB3-_x" * 6
WORDS = st.text("abAB01 <>&\"'é\n", max_size=8)


def job(variables: str, *, more: str = "") -> str:
    inner = f"<key>Label</key><string>x</string>{more}<key>EnvironmentVariables</key>\n<dict>{variables}</dict>"
    return f'{HEAD}<plist version="1.0"><dict>{inner}</dict></plist>\n'


def pair(name: str, value: str) -> str:
    return f"\n\t<key>{name}</key>\n\t<string>{value}</string>"


def plainly(text: str) -> list[tuple[str, str, bool]]:
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in Plist().spots(text)]


class TestPlist(FormatContract):
    format = Plist()
    texts = (
        job(pair("A", "b") + pair("C", "d") + "\n"),
        job(pair("A", "b")).replace("\n", "\r\n"),
        job(pair("A", "b&amp;c") + pair("D", "é") + pair("E", "f")),
        job(pair("A", "b") + pair("A", "c")),
        job("<!-- é --><key>A</key><!-- why --><string>b</string>" + pair("C", "d")),
        job(pair("A", "b"), more=f"<key>ProgramArguments</key><array><string>--key={KEY}</string></array>"),
        job(pair("A", "b")).replace("</plist>", ""),
    )


def test_a_variable_goes_and_a_comment_stands_in_its_place():
    text = job(pair("A", KEY) + pair("B", "c"))
    spots = [(spot, "openai/my--key") for spot in Plist().spots(text) if spot.name == "A"]

    after = applied(text, Plist().edits(text, spots))

    assert plistlib.loads(encoded(after)) == {"Label": "x", "EnvironmentVariables": {"B": "c"}}
    assert "\n\t<!-- ringlet: A is openai/my- -key in the keychain (ringlet migrate undo) -->\n" in after


def test_the_last_variable_leaves_an_empty_dict():
    text = job(pair("A", KEY))

    after = applied(text, Plist().edits(text, moved(Plist().spots(text)[1:])))

    assert plistlib.loads(encoded(after))["EnvironmentVariables"] == {}


def test_only_the_environments_variables_are_certain():
    text = job(pair("A", "b"), more=f"<key>ProgramArguments</key><array><string>--key={KEY}</string></array>")

    assert plainly(text) == [("Label", "x", False), ("ProgramArguments", KEY, False), ("A", "b", True)]


def test_characters_of_several_bytes_move_no_place():
    text = job(pair("A", "b"), more="<!-- €é𝄞 --><key>X</key><string>é</string>")

    assert plainly(text)[-1] == ("A", "b", True)


@pytest.mark.parametrize(
    "variables",
    [
        pair("A", "b&amp;c"),
        pair("A", "<![CDATA[b]]>"),
        pair("A", "b<!-- c -->d"),
        pair("A", "b") + pair("A", "c"),
        "<key>A</key><!-- why --><string>b</string>",
        "<key>A</key><string x='y'>b</string>",
        f"<key>B</key><dict>{pair('A', 'b')}</dict>",
    ],
)
def test_what_is_unusual_is_told_and_left(variables: str):
    assert not any(certain for _, _, certain in plainly(job(variables)))


def test_a_document_with_entities_of_its_own_is_not_expanded():
    text = job(pair("A", "b") + pair("C", "&e;")).replace(
        '"http://x">', '"http://x" [<!ENTITY e "x"><!ENTITY f "&e;&e;">]>'
    )

    assert ("A", "b", False) in plainly(text)


def test_a_binary_one_is_told_and_left():
    raw = plistlib.dumps({"EnvironmentVariables": {"A": KEY}, "Label": "x"}, fmt=plistlib.FMT_BINARY)

    spots = Plist().spots(decoded(raw))

    assert [(spot.name, spot.value.reveal(), spot.why_not) for spot in spots] == [
        ("A", KEY, "it is a binary property list")
    ]


@pytest.mark.parametrize("cut", [8, 20, 40, 60])
def test_a_damaged_binary_one_is_nothing(cut: int):
    raw = plistlib.dumps({"EnvironmentVariables": {"A": KEY}}, fmt=plistlib.FMT_BINARY)

    assert Plist().spots(decoded(raw[:cut])) == []


def check_a_cut(variables: dict[str, str], data: st.DataObject):
    """Some spots are cut: every other value stays, and the text comes back."""
    document = {"Label": "é x", "EnvironmentVariables": variables, "KeepAlive": True}
    text = decoded(plistlib.dumps(document))
    certain = [spot for spot in Plist().spots(text) if spot.certain]
    cut = [spot for spot in certain if data.draw(st.booleans())]

    edits = Plist().edits(text, moved(cut))
    after = applied(text, edits)

    gone = {spot.name for spot in cut}
    left = {name: value for name, value in variables.items() if name not in gone}
    assert plistlib.loads(encoded(after)) == {**document, "EnvironmentVariables": left}
    assert undone(text, edits, after) == text


@settings(deadline=None, max_examples=6)
@given(st.dictionaries(st.text("abAB01_é", min_size=1, max_size=3), WORDS, max_size=5), st.data())
def test_every_other_value_stays_and_what_was_cut_comes_back(variables: dict[str, str], data: st.DataObject):
    check_a_cut(variables, data)


@pytest.mark.slow
@settings(deadline=None, max_examples=800)
@given(st.dictionaries(st.text("abAB01_é", min_size=1, max_size=3), WORDS, max_size=5), st.data())
def test_in_many_documents_every_other_value_stays(variables: dict[str, str], data: st.DataObject):
    check_a_cut(variables, data)
