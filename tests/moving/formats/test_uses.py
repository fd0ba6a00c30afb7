from __future__ import annotations

import time

import pytest

from ringlet_py.moving.formats.uses import Uses

TEXT = "$A f() { $B; g() { $C; } $B; } $A h() { $A; } $D"
AGAIN = [(TEXT.index("g()"), TEXT.index("} $B")), (TEXT.index("f()"), TEXT.index(" $A h")), (TEXT.index("h()"), 45)]


@pytest.mark.parametrize(
    ("name", "place", "used"),
    [
        ("A", 0, TEXT.index("$A h")),
        ("A", TEXT.index("$A h") + 2, TEXT.rindex("$A")),
        ("A", len(TEXT), TEXT.rindex("$A")),
        ("B", 0, TEXT.index("$B")),
        ("B", len(TEXT), TEXT.index("$B")),
        ("C", len(TEXT), TEXT.index("$C")),
        ("D", 0, TEXT.index("$D")),
        ("D", len(TEXT), -1),
        ("E", 0, -1),
    ],
)
def test_a_use_counts_that_comes_later_or_may_run_again(name: str, place: int, used: int):
    assert Uses.of(TEXT, [], AGAIN).after(name, place, place + 1) == used


def test_many_values_of_a_name_that_is_used_often_take_no_longer_than_the_text_is_long():
    def seconds(count: int) -> float:
        began = time.process_time()
        uses = Uses.of("$A;" * count, [], [])
        for place in range(count):
            uses.after("A", 3 * count + place, 3 * count + place)
        return time.process_time() - began

    assert seconds(8000) < 8 * 3 * min(seconds(1000) for _ in range(3))
