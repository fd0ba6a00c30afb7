from __future__ import annotations

import pytest

from ringlet_py.moving.formats.fish import Fish
from tests.moving.formats.contract import FormatContract, check_cut


class TestFish(FormatContract):
    format = Fish()
    texts = (
        "set -gx A a; set -Ux B 'b'; and export C=c D=\"d\"\n",
        "if true; set -x A a; else if false; export B=b; end # c\n",
        'for i in 1; set C "c"; end\nset -q A; or set -gx A b\n',
        "function f\n  set -lx A a\nend\nbegin; set --export --global B b; end\nA=b cmd\n",
        "set -gx A a \\\n\nexport B=b C=c \\\n \\\n\n",
        "set -gx A b\r\nexport B=b C=c\r\nset D d; echo e\r\n",
        "echo (A=b x) $B {$C}\nset -gx D $A\nalias x 'A=b'; eval \"A=b\"\nsource ~/.x\n",
    )


def why_not(text: str) -> dict[str, str]:
    return {spot.name: spot.why_not for spot in Fish().spots(text)}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("source ~/.keys.fish\n", ["~/.keys.fish"]),
        ('test -f $HOME/k; and source "$HOME/k"\n', ["$HOME/k"]),
        ("if test -e a; . $XDG_CONFIG_HOME/fish/keys.fish; end\n", ["$XDG_CONFIG_HOME/fish/keys.fish"]),
        ("starship init fish | source\nsource (x | psub)\nsource $f\nsource ~/*.fish\nsource '$HOME/x'\n", []),
    ],
)
def test_the_files_that_it_reads_are_told_as_written(text: str, paths: list[str]):
    assert Fish().sourced(text) == paths


@pytest.mark.parametrize(
    "text",
    [
        "set A ~/x\n",
        "set A %self\n",
        "set A {a,b}\n",
        "set A a*\n",
        "set A a\\ b\n",
        "set A 'a'b\n",
        "set A 'a\\'b'\n",
        'set A "a$b"\n',
        "set A (b)\n",
        "set A b c\n",
        "set -a A b\n",
        "set --path A b\n",
        "not set A b\n",
        "while set A b; end\n",
        "set A b >file\n",
        "set A b | cat\n",
        "set A b &\n",
        "set A b\necho $A\n",
        'set A b\necho "{$A}"\n',
        "set A b\nset -q A\n",
        "export PATH=x A=$b\n",
        "export A=b -x\n",
    ],
)
def test_what_could_be_misread_is_not_certain(text: str):
    assert why_not(text)["A"]


@pytest.mark.parametrize(
    "rest",
    [
        "echo 'unclosed\n",
        'echo "unclosed\n',
        "echo (unclosed\n",
        "if true\n",
        "end\n",
        "echo {a, b\n",
        "{ echo a }\n",
        "echo a&b\n",
        "function set; end\n",
        "alias export=echo\n",
        "true; and\n",
        "echo \\\n# comment\n",
        "echo " + "(" * 100 + ")" * 100 + "\n",
    ],
)
def test_behind_what_cannot_be_followed_nothing_is_certain(rest: str):
    before, *_, behind = Fish().spots(f"set A b\n{rest}set B c\n")

    assert (before.name, before.certain) == ("A", True)
    assert (behind.name, behind.certain) == ("B", False)


@pytest.mark.parametrize(
    "text",
    [
        "false\nexport A=b\nand echo yes\n",
        "false\nexport A=b # c\n\n  # d\n\tor echo no\n",
        "export A=b\nand begin; echo yes; end\n",
        "function f\n  false\n  export A=b\nend\nf; and echo yes\n",
        "if true\n  export A=b\nelse\n  false\nend\nand echo yes\n",
    ],
)
def test_where_the_next_command_asks_how_an_export_ended_it_still_ends_well(text: str):
    after = check_cut(Fish(), text, Fish().spots(text))

    assert "true # ringlet: A is " in after


@pytest.mark.parametrize("text", ["export A=b\necho yes\nand echo no\n", "export A=b\nandroid x\n", "set A b\nor x\n"])
def test_where_no_command_asks_a_comment_is_enough(text: str):
    assert check_cut(Fish(), text, Fish().spots(text)).startswith("# ringlet: A is ")


@pytest.mark.parametrize("rest", ["function true; false; end\n", "alias true=false\n"])
def test_where_true_means_something_else_nothing_is_certain_before_it_either(rest: str):
    assert [spot.certain for spot in Fish().spots(f"export A=b\n{rest}set B c\n") if spot.name in "AB"] == [False] * 2


@pytest.mark.parametrize("text", ["set -e A\n", "set -q A b\n", "set -gx A\n", "set\n", "set -S A b\n"])
def test_what_gives_nothing_is_no_spot(text: str):
    assert why_not(text) == {}
