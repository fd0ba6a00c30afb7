from __future__ import annotations

import pytest

from ringlet_py.moving.formats.uses import Uses
from tests.growth import grows_with_its_length

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


@pytest.mark.slow
def test_many_values_of_a_name_that_is_used_often_take_no_longer_than_the_text_is_long():
    def looked(count: int) -> None:
        uses = Uses.of("$A;" * count, [], [])
        for place in range(count):
            uses.after("A", 3 * count + place, 3 * count + place)

    assert grows_with_its_length(looked, 1000)


@pytest.mark.parametrize(
    "text",
    [
        'n=KEY\n@\necho "${!n}"\n',
        'n="KEY"; @; echo ${(P)n}\n',
        "@\nfor n in A KEY B; do echo ${!n}; done\n",
        "@\ndeclare -n r=KEY\necho $r\n",
        "@\nsystemctl --user import-environment DISPLAY KEY\n",
        "@\ndbus-update-activation-environment --systemd KEY\n",
        "@\ndocker run -e KEY image\n",
        "@\ndocker run --env=KEY image\n",
        "@\nsudo --preserve-env=PATH,KEY x\n",
    ],
)
def test_programs_that_are_told_the_name_use_it(text: str):
    assert Uses.of(text, [], []).after("KEY", text.index("@"), text.index("@") + 1) > 0


@pytest.mark.parametrize(
    "text",
    [
        "@\nn=KEY\necho $n $$ ${OTHER}\n",
        "@\ndocker run -e KEY=x -e KEY_2 image\n",
        "@\necho ${!n}; n=KEYS m=KEY/x\n",
        "n=KEY; echo ${!n}; @\n",
    ],
)
def test_a_name_that_is_only_written_is_no_use(text: str):
    assert Uses.of(text, [], []).after("KEY", text.index("@"), text.index("@") + 1) == -1
