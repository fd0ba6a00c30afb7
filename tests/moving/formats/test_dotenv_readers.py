"""What is certain in a `.env` file is held against what other programs read in it, before and after it is cut."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringlet_py.moving.formats import applied, encoded
from ringlet_py.moving.formats.dotenv import Dotenv
from tests.moving.formats.contract import moved
from tests.moving.formats.dotenv_readers import docker, node_dotenv, python_dotenv
from tests.moving.formats.programs import need

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringlet_py.moving.formats import Spot

WORDS = (
    *("A=b", "B='c d'", 'C="d"', "export D=e # f", "# x", "K: v", "'K'=v", "A", "B=", "C=", "export ", "sk-1", "$A"),
    *("\n", "\n", "\n", "\r\n", "\r", " ", "\t", "=", "'", '"', "`", "\\", "\\n", '\\"', "#", "\ufeff", "é"),
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=14).map("".join)
LINES = (
    *("A=b", "B='c d'", 'C="d"', "export D=e # f", "# x", "", "  E=f", 'F="g\nh"', "G=i=j==", "H='#k'  # l"),
    *("I = m", "J=n#o", 'export K="p"', "L='q\\nr'", 'M="s\\nt"', "N=`u`", "O=", "P=''"),
)
NODE = """
const read = require("fs").readFileSync(0, "utf8");
console.log(JSON.stringify(JSON.parse(read).map((text) => require("util").parseEnv(text))));
"""


def without(values: dict[str, str], names: set[str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in names}


def agrees(reader: Callable[[str], dict[str, str]], text: str) -> None:
    """The reader finds each certain value, and after a cut of all of them the same others as before."""
    certain = [spot for spot in Dotenv().spots(text) if spot.certain]
    cut = applied(text, Dotenv().edits(text, moved(certain)))
    compared(text, certain, reader(text), reader(cut))


def compared(text: str, certain: list[Spot], before: dict[str, str], after: dict[str, str]) -> None:
    """What a program read before and after the cut, held against the spots."""
    for spot in certain:
        if len(re.findall(rf"(?<!\w){spot.name}\s*=", text)) == 1:
            assert before[spot.name] == spot.value.reveal()
    names = {spot.name for spot in certain}
    assert without(after, names) == without(before, names)


@settings(deadline=None, max_examples=10)
@given(TEXTS)
def test_python_and_node_read_what_we_are_certain_of(text: str):
    agrees(python_dotenv, text)
    agrees(node_dotenv, text)


@settings(deadline=None, max_examples=10)
@given(TEXTS)
def test_docker_reads_the_same_or_what_no_key_is(text: str):
    spots = {spot.name: spot for spot in Dotenv().spots(text)}
    read = docker(text)

    for name, spot in spots.items():
        if spot.certain and name in read:
            value = read[name]
            assert value == spot.value.reveal() or any(sign in value for sign in " \t'\"")


@pytest.mark.slow
@settings(deadline=None, max_examples=1700)
@given(TEXTS)
@example("export =A=b")
def test_python_and_node_read_what_we_are_certain_of_in_many_texts(text: str):
    agrees(python_dotenv, text)
    agrees(node_dotenv, text)


def shell(text: str, folder: Path) -> dict[str, str]:
    """What bash has after `set -a; . FILE`."""
    file = folder / "file"
    file.write_bytes(encoded(text))
    words = [
        need("bash", "bash"),
        "--noprofile",
        "--norc",
        "-c",
        'set -a; . "$1"; set +a; exec env -0',
        "bash",
        str(file),
    ]
    done = subprocess.run(words, env={"PATH": os.environ["PATH"]}, capture_output=True, check=True, timeout=20)
    pairs = [each.partition("=") for each in done.stdout.decode().split("\0") if each]
    return without({name: value for name, _, value in pairs}, {"PATH", "PWD", "SHLVL", "_", "OLDPWD"})


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\n", "\n# x\n"])
def test_a_shell_that_reads_it_has_the_same_variables(end: str, tmp_path: Path):
    text = f'A=b\nexport B=\'c d\'\nC="d#e" # f\n  D=g:h/i\nE="multi\nline"\nF=j{end}'

    certain = [spot for spot in Dotenv().spots(text) if spot.certain]
    before = shell(text, tmp_path)
    after = shell(applied(text, Dotenv().edits(text, moved(certain))), tmp_path)

    assert {spot.name: spot.value.reveal() for spot in certain} == without(before, {"E"})
    assert after == {"E": "multi\nline"}


@pytest.mark.slow
def test_nodes_own_reader_has_the_same_variables():
    chosen = random.Random(7)  # noqa: S311 - examples
    texts = ["\n".join(chosen.choices(LINES, k=chosen.randint(1, 6))) for _ in range(5_000)]
    certain = [[spot for spot in Dotenv().spots(text) if spot.certain] for text in texts]
    cut = [applied(text, Dotenv().edits(text, moved(spots))) for text, spots in zip(texts, certain, strict=True)]
    asked = json.dumps([*texts, *cut])
    done = subprocess.run(
        [need("node", "node"), "-e", NODE], input=asked, capture_output=True, text=True, check=False, timeout=60
    )
    if "parseEnv" in done.stderr:
        pytest.skip("this node has no parseEnv")

    read = json.loads(done.stdout)

    for text, spots, before, after in zip(texts, certain, read, read[len(texts) :], strict=False):
        compared(text, spots, before, after)
