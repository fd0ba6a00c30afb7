"""Every golden case: as text, and read by the real shells before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.formats import encoded
from ringlet_py.moving.formats.fish import Fish
from ringlet_py.moving.formats.nushell import Nushell
from ringlet_py.moving.formats.posix import Posix
from ringlet_py.moving.formats.powershell import PowerShell
from tests.moving.formats.contract import certain, check_cut
from tests.moving.formats.goldens import Golden, goldens
from tests.moving.formats.real_shells import accepts, reads

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.moving.formats import Format

FORMATS: dict[str, Format] = {"posix": Posix(), "fish": Fish(), "nushell": Nushell(), "powershell": PowerShell()}
RUN = [(shell, golden) for family in FORMATS for golden in goldens(family) for shell in golden.shells]
KEY_LIKE = ("sk-", "gsk_")


@pytest.mark.parametrize("family", FORMATS)
def test_the_golden_texts_come_out(family: str):
    """One test for all: which case, and what came out instead, is in the message."""
    wrong = {golden.name: after for golden in goldens(family) if (after := cut(family, golden)) != golden.after}

    assert wrong == {}


@pytest.mark.parametrize("family", FORMATS)
def test_what_is_not_certain_is_reported_with_the_reason(family: str):
    said = {
        golden.name: tuple(
            dict.fromkeys(
                f"{spot.name}, {spot.why_not}"
                for spot in FORMATS[family].spots(golden.before)
                if spot.why_not and any(map(spot.value.reveal().__contains__, KEY_LIKE))
            )
        )
        for golden in goldens(family)
    }

    assert said == {golden.name: golden.reported for golden in goldens(family)}


def test_there_are_enough_cases_that_real_shells_read():
    assert len({golden for _, golden in RUN}) >= 80


@pytest.mark.slow
@pytest.mark.parametrize(("shell", "golden"), RUN, ids=[f"{shell}-{golden}" for shell, golden in RUN])
def test_a_real_shell_does_the_same_without_the_keys(shell: str, golden: Golden, tmp_path: Path):
    assert accepts(shell, encoded(golden.before), tmp_path)
    assert accepts(shell, encoded(golden.after), tmp_path)
    before = reads(shell, encoded(golden.before), tmp_path, golden.moved)
    after = reads(shell, encoded(golden.after), tmp_path, golden.moved)

    kept = {name: value for name, value in before.exported.items() if name.decode() not in golden.moved}
    assert after.exported == kept
    assert (after.printed, after.status) == (before.printed, before.status)
    assert "=set" not in after.named


def cut(family: str, golden: Golden) -> str:
    """The text without the names that the case moves; the contract holds."""
    format_ = FORMATS[family]
    found = [spot for spot in certain(format_.spots(golden.before)) if spot.name in golden.moved]
    assert {spot.name for spot in found} == set(golden.moved)
    return check_cut(format_, golden.before, found)
