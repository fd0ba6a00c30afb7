"""What shells that are read statement by statement have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.formats.nushell import Nushell
from ringlet_py.moving.formats.powershell import PowerShell
from tests.growth import grows_with_its_length
from tests.moving.formats.contract import check_cut

if TYPE_CHECKING:
    from ringlet_py.moving.formats import Format

BLANKS = ["\n", "\r\n", " \n", "\n\r\r", "\n |"]
SHELLS = [(Nushell(), "$env.A = 'a'"), (PowerShell(), "$env:A = 'a'")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "line", "blank"),
    [*((*shell, blank) for shell in SHELLS for blank in BLANKS), (*SHELLS[1], "<#\n")],
)
def test_blank_lines_take_no_longer_than_they_are_long(shell: Format, line: str, blank: str):
    assert grows_with_its_length(lambda count: shell.spots(line + blank * count), 2000)


@pytest.mark.parametrize(("shell", "line"), SHELLS)
def test_a_mark_stands_where_the_line_ends_that_blank_ones_follow(shell: Format, line: str):
    text = f"x; {line}\n\n \n\r\ny\n"

    after = check_cut(shell, text, shell.spots(text))

    assert after == "x;  # ringlet: A is made-up/a in the keychain (ringlet migrate undo)\n\n \n\r\ny\n"
