from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli import transcript

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

pytestmark = pytest.mark.slow

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_ringlet_answers_as_in_the_transcript(path: Path, home: Home) -> None:
    problems = [
        problem for step in transcript.read(path.read_text("utf-8")) for problem in transcript.replay(step, home)
    ]
    assert not problems, "\n\n".join(problems)


@pytest.mark.parametrize(
    ("expected", "text", "fit"),
    [
        ([], "", True),
        ([], "x\n", False),
        (["a", "b"], "a\nb\n", True),
        (["a"], "a\nb\n", False),
        (["a…c"], "abc\n", True),
        (["a…c"], "ab\nc\n", False),
        (["a", "…", "z"], "a\nb\nc\nz\n", True),
        (["a", "…", "z"], "a\nz\n", True),
        (["a", "…"], "b\n", False),
        (["1.5"], "125\n", False),
    ],
)
def test_expected_lines_fit_what_they_say(expected: list[str], text: str, fit: object) -> None:
    assert transcript.fits(expected, text) is fit


def test_a_line_that_belongs_to_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 1: 'stray'"):
        list(transcript.read("stray\n"))
