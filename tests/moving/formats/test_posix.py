from __future__ import annotations

import pytest

from ringlet_py.moving.formats.posix import Posix
from tests.growth import grows_with_its_length
from tests.moving.formats.contract import FormatContract, check_cut

TEXTS = (
    "export A=a B=b C='c' D=$X && E=e; F=f cmd\n",
    'if x; then export A=a; else B=b; fi # c\nfor i in 1; do export C="c"; done\n',
    "f() {\n  local -x A=a\n}\nfunction g { export B=b; }\n( C=c )\n",
    "cat <<EOF; export A=sk B=c\nB=c\nEOF\ncase x in x) export A=b;; (y|z) C=c ;; esac\n",
    "export A=a \\\n  B=b \\\n  C='c'\nx=(A=b)\necho $(A=b cmd) `A=b x` ${A:-b}\n",
    "[[ a == b ]] && (( 1 )) || export D=d\n",
    "export A=a B=b C=c\r\nexport D=d; echo e\r\nE=e\r\nif x; then\r\n  export F=f; y\r\nfi\r\n",
    "alias x='A=b'; eval \"A=b\"\nA=a; export A B=b\nexport A\nsource ~/.x\n",
    "export A=a \\\n\nB=b C=c \\\n \\\n\n",
)


class TestPosix(FormatContract):
    format = Posix()
    texts = TEXTS


def why_not(text: str) -> dict[str, str]:
    return {spot.name: spot.why_not for spot in Posix().spots(text)}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("source ~/.keys\n", ["~/.keys"]),
        (". ~/.keys", ["~/.keys"]),
        ('[ -f "$HOME/.keys" ] && . "$HOME/.keys"\n', ["$HOME/.keys"]),
        ("if [ -r a ]; then\n  source '/etc/my keys'\nfi\n", ["/etc/my keys"]),
        ('source "${HOME}"/.keys $ZDOTDIR/x\n', ["${HOME}/.keys"]),
        (
            "source $XDG_CONFIG_HOME/zsh/keys.zsh; source ${ZDOTDIR}/k\n",
            ["$XDG_CONFIG_HOME/zsh/keys.zsh", "${ZDOTDIR}/k"],
        ),
        ("dotenv_if_exists .env.local\nsource_env ../.envrc\n", [".env.local", "../.envrc"]),
        ("source ~/.keys\nsource ~/.keys\n", ["~/.keys"]),
        ("source $DOTFILES/x; source ${ZDOTDIR:-~}/x; source ~/.zsh/*.zsh; source $HOMER/x\n", []),
        ('source <(kubectl completion zsh); . "$f"; source \'$HOME/x\'; source "~/x"; source $(x)\n', []),
        ("cat <<EOF\nsource ~/.keys\nEOF\n# source ~/.keys\necho 'source x'\n", []),
    ],
)
def test_the_files_that_it_reads_are_told_as_written(text: str, paths: list[str]):
    assert Posix().sourced(text) == paths


@pytest.mark.parametrize(
    "text",
    [
        "export A=x^y\n",  # a pattern to zsh
        "export A=~/x\n",
        "A=x:~/y\n",
        "A==ls\n",
        "export A={a,b}\n",
        "export A=a*\n",
        "export A=a\\ b\n",
        "A='a'b\n",
        "A='a''b'\n",
        'A="a$b"\n',
        "A=${B}\n",
        "A=`b`\n",
        "A=$'a\\n'\n",
        "A=\xe9\n",
        "A=(b)\n",
        "A+=b\n",
        "export $X A=b\n",
        "export -n A=b\n",
        "typeset -i A=7\n",
        "A=b export C=d\n",
        "A=b >file\n",
        "A=b\\\n\n",
        "A=b &\n",
        "x | A=b\n",
        "A=b # c\necho $A\n",
        "A=b\necho ${A}\n",
        'A=b\necho "${A:+x}"\n',
        "A=b\n[[ -v A ]]\n",
        "A=b\nprintenv A\n",
        "A=b\nA+=c\n",
        "A=b\nx=$((A + 1))\n",
        "A=b C=$A\n",
        "A='b\x01'\n",
    ],
)
def test_what_could_be_misread_is_not_certain(text: str):
    assert why_not(text)["A"]


@pytest.mark.parametrize(
    "text",
    [
        "A=b\nexport A=c\nunset A\nAA=$AA$B\n",
        "echo $A\nA=b\n",
        "A=b\n# $A\n",
        "A=b/c.d:e@f%g+h=i==,-_9\n",
        "A='a b # $c `d`'\n",
        "A=\"a b # 'c' (d)\"\n",
        "A='line\nline'\n",
        "A=b;\n",
    ],
)
def test_what_is_plain_is_certain(text: str):
    assert why_not(text)["A"] == ""


@pytest.mark.parametrize(
    "rest",
    [
        "echo 'unclosed\n",
        'echo "unclosed\n',
        "echo `unclosed\n",
        "echo $(unclosed\n",
        "echo ${unclosed\n",
        "cat <<EOF\n",
        "cat <<$X\n",
        "if true\n",
        "fi\n",
        "esac\n",
        "done\n",
        "}\n",
        ")\n",
        "{ if true; }\n",
        "coproc x\n",
        "case x in a) b\n",
        "emulate csh\n",
        "setopt csh_junkie_quotes\n",
        "function a b { echo; }\n",
        "a b () { echo; }\n",
        "histchars='!^%'\n",
        "echo $(cat <<EOF\n)\n",
        "x \\\r\n",
        "echo a >\n",
        "for x; echo\n",
        "echo " + "$(" * 100 + ")" * 100 + "\n",
        "echo \0\n",
    ],
)
def test_behind_what_cannot_be_followed_nothing_is_certain(rest: str):
    before, *_, behind = Posix().spots(f"A=b\n{rest}B=c\n")

    assert (before.name, before.certain or "\0" in rest) == ("A", True)
    assert (behind.name, behind.certain) == ("B", False)


@pytest.mark.parametrize("name", [":", "export", "typeset", ".", "source"])
@pytest.mark.parametrize(
    "text",
    [
        "alias {}=echo\n",
        "alias x=y '{}=echo'\n",
        "alias \\{}=echo\n",
        "\\alias {}=echo\n",
        "builtin alias -g {}=echo\n",
        "X=1 'alias' {}=echo\n",
        "enable -n {}\n",
        "disable {}\n",
        "functions[{}]='echo'\n",
        "aliases[{}]='echo'\n",
        "{}() {{ echo; }}\n",
        "'{}' () {{ echo; }}\n",
        "x {} () {{ echo; }}\n",
        "function {} {{ echo; }}\n",
        "function '{}' {{ echo; }}\n",
        'function "{}" () {{ echo; }}\n',
        "function \\{}\n{{ echo; }}\n",
        "function x {} {{ echo; }}\n",
        "if true; then function '{}' {{ echo; }}; fi\n",
    ],
)
def test_where_a_command_that_counts_is_another_one_nothing_is_certain_before_it_either(text: str, name: str):
    spots = Posix().spots(f"A=b\n{text.format(name)}B=c\n")

    assert [spot.certain for spot in spots if spot.name in "AB"] == [False, False]


@pytest.mark.parametrize("name", ["$x", "`x`", "$'\\x3a'", '"$x"', "x{a,b}", "x*", "x?"])
def test_where_a_function_has_a_name_that_the_shell_puts_together_nothing_is_certain(name: str):
    spots = Posix().spots(f"A=b\nfunction {name} {{ echo; }}\nB=c\n")

    assert [spot.certain for spot in spots if spot.name in "AB"] == [False, False]


@pytest.mark.parametrize(
    "text",
    [
        "function 'a' { echo; }\n",
        'function "a b" { echo; }\n',
        "function a\\:b () { echo; }\n",
        "function a { echo; }\n",
        "function a() { echo; }\n",
        "function a ()\n{ echo; }\n",
        "function a ( echo )\n",
        "function { echo; }\n",
        "alias ..='cd ..' e='export'\n",
    ],
)
def test_a_function_of_another_name_changes_nothing(text: str):
    spots = Posix().spots(f"A=b\n{text}B=c\n")

    assert [spot.certain for spot in spots if spot.name in "AB"] == [True, True]


@pytest.mark.parametrize("value", ["b", '"b"', "'b'", "$'b'"])
def test_a_value_on_the_line_behind_a_joined_one_is_certain(value: str):
    (spot,) = Posix().spots(f"export A=\\\n\\\n{value}\n")

    assert (spot.certain, spot.line, spot.value.reveal()) == (True, 3, "b")


@pytest.mark.parametrize(
    "text", ["export A=\\\n  b\n", "export A=\\\r\nb\n", "export A=\\\n\n", "export A=\\\nb\\\nc\n"]
)
def test_a_value_that_does_not_begin_the_next_line_is_not(text: str):
    assert not any(spot.certain for spot in Posix().spots(text))


def test_any_number_of_joined_lines_is_cut():
    text = "export A=b B=c " + "\\\n  " * 3000 + "\ntrue\n"
    spots = Posix().spots(text)

    assert check_cut(Posix(), text, spots[:1]).startswith("export B=c # ringlet: A is ")
    assert check_cut(Posix(), text, spots).startswith("# ringlet: A is ")


def test_a_line_is_certain_as_a_whole_or_not_at_all():
    assert why_not("A=b; echo 'unclosed\n")["A"] == "what the shell makes of it from line 1 on is unclear"


@pytest.mark.slow
def test_a_long_text_takes_no_longer_than_its_length():
    lines = "export A=b; echo \"$(x)\" ${Y:-z} # c\nif a; then B='c'; fi\n"

    assert grows_with_its_length(lambda count: Posix().spots(lines * count), 100)


@pytest.mark.slow
def test_many_values_in_one_line_are_read_and_cut_in_no_more_than_its_length():
    def cut(count: int) -> None:
        text = "export " + " ".join(f"A{number}=b" for number in range(count)) + "\n"
        Posix().edits(text, [(spot, "a/b") for spot in Posix().spots(text)])

    assert grows_with_its_length(cut, 150)
