"""The contract of every format: a test class of one inherits it and names its format and some texts.

    class TestPosix(FormatContract):
        format = Posix()
        texts = ("export A=b\n", ...)

Every test runs with every text; `cuts` is for tests of their own.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringlet_py.moving.formats import applied, decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from ringlet_py.moving.formats import Edit, Format, Spot

# the same property is held against every format
PROPERTY = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.differing_executors],
)
MANY = 5  # spots; of more, not every combination is tried


def seen(spots: Sequence[Spot]) -> list[tuple[str, str, bool]]:
    """What must not change of the spots that are left."""
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in spots]


def address(spot: Spot) -> str:
    """A made-up address for it."""
    return f"made-up/{spot.name.lower()}"


def moved(spots: Sequence[Spot]) -> list[tuple[Spot, str]]:
    """The spots with addresses."""
    return [(spot, address(spot)) for spot in spots]


def certain(found: Sequence[Spot]) -> list[Spot]:
    """The spots that may be cut."""
    return [spot for spot in found if spot.certain]


def some_of(spots: Sequence[Spot]) -> Iterator[tuple[Spot, ...]]:
    """Every combination of few spots; of many: each alone, each two neighbours, and all."""
    if len(spots) <= MANY:
        for size in range(1, len(spots) + 1):
            yield from combinations(spots, size)
        return
    yield from ((spot,) for spot in spots)
    yield from pairwise(spots)
    yield tuple(spots)


def undone(text: str, edits: Sequence[Edit], after: str) -> str:
    """The text before the edits, from the text after them and what was removed."""
    pieces, place, shift = [], 0, 0
    for edit in edits:
        start = edit.start + shift
        assert after[start : start + len(edit.left)] == edit.left
        pieces += [after[place:start], text[edit.start : edit.end]]
        place = start + len(edit.left)
        shift += len(edit.left) - (edit.end - edit.start)
    return "".join([*pieces, after[place:]])


def check_cut(format_: Format, text: str, cut: Sequence[Spot], *, marks: bool = True) -> str:
    """Cuts these spots out, holds the result against the contract, and returns it."""
    edits = format_.edits(text, moved(cut))
    places = [(edit.start, edit.end) for edit in edits]
    assert all(start <= end for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
    for spot in cut:
        assert sum(start <= spot.start and spot.end <= end for start, end in places) == 1
    left = [spot for spot in format_.spots(text) if spot not in cut]
    for spot in left:
        assert not any(start < spot.end and spot.start < end for start, end in places if spot.certain)
    after = applied(text, edits)
    assert undone(text, edits, after) == text
    assert seen(format_.spots(after)) == seen(left)
    assert line_ends(after) <= (line_ends(text) or {"\n"})
    if marks:
        assert all(address(spot) in after for spot in cut)
    return after


def line_ends(text: str) -> set[str]:
    """Which line ends it has."""
    bare = text.replace("\r\n", "")
    return {end for end, there in (("\r\n", "\r\n" in text), ("\n", "\n" in bare)) if there}


class FormatContract:
    """What every format must keep; inherited, with `format` and `texts`, by the test class of each."""

    format: ClassVar[Format]
    texts: ClassVar[Sequence[str]] = ()
    marks: ClassVar[bool] = True  # whether the format has comments, so that what is left names the address

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Every test that asks for a text runs with each of them."""
        if "text" in metafunc.fixturenames:
            metafunc.parametrize("text", self.texts, ids=[str(number) for number in range(len(self.texts))])

    def test_a_value_is_what_stands_at_its_place(self, text: str):
        spots = self.format.spots(text)

        for spot in spots:
            assert text[spot.start : spot.end] == spot.value.reveal()
            assert spot.line == text.count("\n", 0, spot.start) + 1
        assert [spot.start for spot in spots] == sorted(spot.start for spot in spots)

    def test_what_is_cut_is_gone_and_nothing_else_and_it_can_be_put_back(self, text: str):
        for cut in some_of(certain(self.format.spots(text))):
            check_cut(self.format, text, cut, marks=self.marks)

    def test_spots_can_be_cut_one_after_the_other(self, text: str):
        for last_first in (False, True):
            now = text
            while left := certain(self.format.spots(now)):
                now = check_cut(self.format, now, [left[-1 if last_first else 0]], marks=self.marks)

    def test_cutting_nothing_changes_nothing(self, text: str):
        assert self.format.edits(text, []) == []

    def test_a_text_without_its_last_line_end_is_cut_as_well(self, text: str):
        bare = text.rstrip("\r\n")

        check_cut(self.format, bare, certain(self.format.spots(bare)), marks=self.marks)

    def test_the_files_it_reads_never_hold_a_line_end(self, text: str):
        assert not [path for path in self.format.sourced(text) if "\n" in path or not path]

    @PROPERTY
    @given(st.data())
    def test_no_text_raises(self, data: st.DataObject):
        characters = sorted({*"".join(self.texts), *"'\"`$(){}[]<>;&|#\\=\n\r\t \x00\udcff…"})
        parts = st.sampled_from([line for text in self.texts for line in text.splitlines(keepends=True)] or ["a=b\n"])
        pieces = st.one_of(parts, st.text(characters, max_size=12), parts.map(lambda line: line[: len(line) // 2]))
        text = "".join(data.draw(st.lists(pieces, max_size=12)))

        check_cut(self.format, text, certain(self.format.spots(text)), marks=self.marks)
        self.format.sourced(text)

    @PROPERTY
    @given(st.binary(max_size=60))
    def test_no_bytes_raise_and_they_come_back(self, raw: bytes):
        text = decoded(raw)

        assert encoded(text) == raw
        self.format.spots(text)
        self.format.sourced(text)
