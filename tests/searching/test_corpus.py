"""A thousand values in every form among 100 MB of text: all are found where they are, and nothing else."""

from __future__ import annotations

import base64
import random
import string
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.searching.files import Files
from ringlet_py.searching.search import Search
from ringlet_py.searching.wanted import wanted
from ringlet_py.secret import Secret
from tests.encodings import written

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

STARTS = ("sk-ant-api03-", "sk-proj-", "gsk_", "AIza", "xai-", "sk-or-v1-", "")
LENGTHS = (108, 164, 56, 39, 84, 73, 32, 48)
FEW = {7: 20, 33: 12, 59: 8}  # of a hundred
PLAIN = string.ascii_letters + string.digits + "-_"
ODD = PLAIN + "+/=%&$!<>{}"
SIZE = 100_000_000


def value(chance: random.Random, number: int) -> str:
    letters = ODD if number % 5 == 0 else PLAIN
    start, length = STARTS[number % len(STARTS)], FEW.get(number % 100) or LENGTHS[number % len(LENGTHS)]
    start = start if len(start) + 8 <= length else ""
    return start + "".join(chance.choices(letters, k=length - len(start)))


def wrapped(chance: random.Random, text: str) -> bytes:
    """As `base64` and mail do it, at a place in the middle of something else."""
    raw = chance.randbytes(chance.randrange(90)) + text.encode() + chance.randbytes(30)
    coded = base64.b64encode(raw)
    width = chance.choice((64, 76))
    return chance.choice((b"\n", b"\r\n", b"\\n")).join(coded[n : n + width] for n in range(0, len(coded), width))


def corpus(path: Path, chance: random.Random, values: dict[Address, str]) -> dict[str, list[range]]:
    """Writes noise, near misses and every form of each value; the lines that each address has, first and last."""
    noise = "".join(chance.choices(ODD + " \n\t\"'", k=1_000_000)).encode() + chance.randbytes(200_000)
    near = b"".join(text[:-1].encode() + b"~\n" for text in values.values())
    forms = [
        (at, form) for at, text in values.items() for form in [*written(text), *(wrapped(chance, text) for _ in "123")]
    ]
    chance.shuffle(forms)
    planted: dict[str, list[range]] = {}
    with open(path, "wb") as file:
        file.write(near)
        line = 1 + near.count(b"\n")
        for address, form in forms:
            start = chance.randrange(len(noise))
            around = noise[start : start + 2 * SIZE // len(forms)]
            file.write(around + b"\n" + form + b"\n")
            line += around.count(b"\n") + 1
            planted.setdefault(str(address), []).append(range(line, line + form.count(b"\n") + 1))
            line += form.count(b"\n") + 1
        assert file.tell() > SIZE
    return planted


def test_all_are_found_and_none_invented(tmp_path: Path):
    chance = random.Random(20261123)  # noqa: S311 - a corpus, the same each time
    values = {Address("made-up", f"key-{number}"): value(chance, number) for number in range(1000)}
    planted = corpus(tmp_path / "corpus", chance, values)
    search = Search(wanted((address, Secret(text)) for address, text in values.items()))
    found: dict[str, set[int]] = {}
    for each in search.findings(Files([str(tmp_path / "corpus")], problems=[]).sources(), lambda _: None):
        found.setdefault(each.address, set()).add(each.line)

    missing = [(owner, lines) for owner in planted for lines in planted[owner] if found[owner].isdisjoint(lines)]
    invented = {owner: lines - {line for those in planted[owner] for line in those} for owner, lines in found.items()}
    assert missing == []
    assert {owner: lines for owner, lines in invented.items() if lines} == {}
