"""Of every golden file: with any one key missing the others go back and nothing else changes, and then that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.errors import RingletError
from ringlet_py.moving.cutting import cut_of
from ringlet_py.moving.finding import Find, Text
from ringlet_py.moving.formats import decoded, encoded
from ringlet_py.moving.formats.known import format_of
from ringlet_py.moving.judging import SURE, Judgement
from ringlet_py.moving.placing import placed
from ringlet_py.moving.reading import Source
from ringlet_py.moving.receipts import FileReceipt
from tests.moving.test_all_formats import NAMES, befores

if TYPE_CHECKING:
    from ringlet_py.moving.cutting import Cut
    from ringlet_py.moving.formats import Format

ALONE = ("dotenv", "fish", "posix", "nushell", "powershell", "plist")  # whose keys often have lines of their own
LONG = 6  # shorter values stand in other words, too


def parted(text: str, format_: Format) -> tuple[Cut, dict[str, str]] | None:
    """The text without all its certain values, and these by their addresses."""
    whole = Text(source=Source(path="/x", real="/x", raw=encoded(text)), format=format_, kind="shell")
    spots = [spot for spot in format_.spots(text) if spot.certain and spot.value.length >= LONG]
    finds = [
        Find(
            place="/x",
            kind="shell",
            name=spot.name,
            value=spot.value,
            judgement=Judgement(SURE, "x"),
            text=whole,
            spot=spot,
            address=f"made-up/{number}",
        )
        for number, spot in enumerate(spots)
    ]
    try:
        cut = cut_of(whole, finds, {})
    except RingletError:  # nothing to cut, or a value that stands elsewhere, too
        return None
    return cut, {find.address: find.value.reveal() for find in finds if find.value is not None}


def said(text: str, format_: Format) -> list[tuple[str, str]]:
    return [(spot.name, spot.value.reveal()) for spot in format_.spots(text)]


def check_without(missing: str, text: str, format_: Format, parts: tuple[Cut, dict[str, str]]) -> bool:
    """Whether anything could go back without that key; it and then the rest are held against the text."""
    cut, values = parts
    kept = FileReceipt(path="/x", real="/x", mode=0o600, before="", after="", removed=cut.removed)
    now = Source(path="/x", real="/x", raw=cut.content)
    found = placed(kept, now, before="", there=set(values) - {missing})
    if not found.places:
        return False
    partly = found.filled(values.__getitem__)
    out = [find.spot.start for find in cut.finds if find.spot is not None and find.address not in found.addresses]
    spots = [spot for spot in format_.spots(text) if spot.start not in out]
    assert said(partly, format_) == [(spot.name, spot.value.reveal()) for spot in spots]
    assert found.left_over is not None
    rest = placed(found.left_over, Source(path="/x", real="/x", raw=encoded(partly)), before="")
    assert rest.filled(values.__getitem__) == text
    return True


@pytest.mark.slow
@pytest.mark.parametrize("family", NAMES)
def test_with_any_one_key_missing_the_others_go_back_and_then_that_one(family: str):
    pattern, _, shell = NAMES[family]
    went = 0
    for of, name, raw in befores():
        format_ = format_of("/x/" + pattern.format(name), shell=shell)
        parts = parted(decoded(raw), format_) if of == family and format_ else None
        for missing in parts[1] if parts else ():
            assert parts is not None
            assert format_ is not None
            went += check_without(missing, decoded(raw), format_, parts)

    assert went or family not in ALONE
