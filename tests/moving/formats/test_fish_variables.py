from __future__ import annotations

from ringlet_py.moving.formats.fish_variables import FishVariables

TEXT = "# VERSION: 3.0\nSETUVAR --export A_KEY:sk\\x2d1\nSETUVAR B:c\nSETUVAR EMPTY:\n"


def test_universal_variables_are_told_with_the_command_that_removes_them():
    spots = FishVariables().spots(TEXT)

    assert [(spot.name, spot.value.reveal(), spot.why_not) for spot in spots] == [
        ("A_KEY", "sk\\x2d1", "fish removes it: set --erase -U A_KEY"),
        ("B", "c", "fish removes it: set --erase -U B"),
    ]


def test_no_text_raises():
    assert FishVariables().spots("SETUVAR\nSETUVAR :x\n\udcff") == []
