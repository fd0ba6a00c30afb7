from __future__ import annotations

import pytest

from ringlet_py.moving.formats import applied
from ringlet_py.moving.formats.dotenv import Dotenv
from tests.moving.formats.contract import FormatContract, moved

KEY = "sk-proj-" + "aB3-_x" * 6


def plainly(text: str) -> list[tuple[str, str, bool]]:
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in Dotenv().spots(text)]


class TestDotenv(FormatContract):
    format = Dotenv()
    texts = (
        "A=b\n",
        "# keys\nexport OPENAI_API_KEY=sk-1\n\nB='two words'\nC=\"d\" # why\n",
        'A=b\r\nC="d"\r\nE=f # g\r\n',
        "A=b\nC=${A}/x\nD=$E\nE=f\nF=1\n",
        'A="one\ntwo\nB=inner\n"\nC=d\n',
        "A='open\nB=c\n",
        "A=`b`\nB: c\nC=d#e\nD=e\\\nF=g\n",
        "\ufeffA=b\nC=d\n",
        "  A = b\n\tB=\tc\t\nA=again\n",
        'A=\nB=""\nC=d',
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"K={KEY}", KEY),
        (f"K='{KEY}'", KEY),
        (f'export K="{KEY}"', KEY),
        (f"  K = {KEY}  ", KEY),
        (f"K={KEY} # mine", KEY),
        (f'K="{KEY}"\t#mine', KEY),
        ("K=a=b==", "a=b=="),
        ("K='it is # not a comment'", "it is # not a comment"),
    ],
)
def test_what_every_program_reads_alike_is_certain(line: str, value: str):
    assert plainly(line) == [("K", value, True)]


@pytest.mark.parametrize(
    "line",
    [
        "export =A=b",
        "export=A",
        "K=a#b",  # node's dotenv ends it at the sign
        "K=a b",  # a shell would run b
        "K=a\\b",
        "K=a$b",
        "K=a'b'",
        "K=`ab`",
        "K: ab",
        'K="a\\nb"',
        'K="a$b"',
        "K='a'b",
        'K="ab"#c',
        "K='a\\'b'",
        "K=a;b",
        "K=à",
        "K=a\rL=b",
    ],
)
def test_what_programs_read_differently_is_told_and_left(line: str):
    assert [certain for _, _, certain in plainly(line)] == [False]


def test_a_value_that_is_used_again_is_left():
    assert plainly("A=b\nURL=https://x/${A}\n# $C\nC=d\n") == [
        ("A", "b", False),
        ("URL", "https://x/${A}", False),
        ("C", "d", True),
    ]


def test_what_stands_within_quotes_over_several_lines_is_left_and_what_follows_is_not():
    assert plainly('A="one\nB=two\n# C=three\n"\nD=four\n') == [
        ("A", "one\nB=two\n# C=three\n", False),
        ("B", "two", False),
        ("D", "four", True),
    ]


@pytest.mark.parametrize("opening", ['A="open', "A='open", "A=`open", 'A="x\\\\"', "A='x\\'", 'x "open'])
def test_after_quotes_that_programs_end_differently_nothing_is_certain(opening: str):
    assert not any(certain for _, _, certain in plainly(f"{opening}\nB=c\nD='e'\nF=\"g\"\n"))


@pytest.mark.parametrize(
    "text",
    [
        f"if true; then\nK={KEY}\nfi\n",
        f"K={KEY}\nset +a\n",
        f"cat > x <<EOF\nK={KEY}\nEOF\n",
        f"X=$(cat <<EOF\nK={KEY}\nEOF\n)\n",
        f"A=b\n[section]\nK='{KEY}'\n",
        f"f() {{\n  export K={KEY}\n}}\n",
    ],
)
def test_in_a_file_that_could_be_a_script_nothing_is_certain(text: str):
    assert {name: certain for name, _, certain in plainly(text)}["K"] is False


def test_comments_and_blank_lines_of_every_kind_make_no_script():
    assert plainly(f"\ufeff\r\n # c\r\n \t\n\nK={KEY}\n") == [("K", KEY, True)]


def test_where_quotes_end_on_different_lines_nothing_is_certain_behind_either():
    assert not any(certain for _, _, certain in plainly('A="x\\\\"\nB=c\n"\nD=e\n'))


def test_after_text_behind_closing_quotes_nothing_is_certain():
    text = 'A="abc\nB="x\nC=d\nD="'  # node begins a string at B, python-dotenv does not

    assert ("C", "d", False) in plainly(text)


def test_a_cut_line_is_a_comment_without_an_indent_and_keeps_its_remark():
    text = f"A=b\n  export K='{KEY}'  # mine\nC=d"
    spots = [(spot, "openai/work") for spot in Dotenv().spots(text) if spot.name == "K"]

    after = applied(text, Dotenv().edits(text, spots))

    assert after == "A=b\n# ringlet: K is openai/work in the keychain (ringlet migrate undo)  # mine\nC=d"


def test_commented_lines_and_empty_values_are_no_assignments():
    assert plainly("# A=b\n  #C=d\nE=\nF=''\n") == []


def test_all_can_be_cut_at_once():
    text = "A=b\nC=d\n"

    after = applied(text, Dotenv().edits(text, moved(Dotenv().spots(text))))

    assert [line[:9] for line in after.splitlines()] == ["# ringlet", "# ringlet"]
