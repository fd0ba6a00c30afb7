"""The golden cases of files that are no shell's: what is moved, what is told and left, and the text after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.formats import applied
from ringlet_py.moving.formats.dotenv import Dotenv
from ringlet_py.moving.formats.environment_d import EnvironmentD, EtcEnvironment
from ringlet_py.moving.formats.jsonc import Jsonc
from ringlet_py.moving.formats.netrc import Netrc
from ringlet_py.moving.formats.plist import Plist
from ringlet_py.moving.formats.systemd import Systemd
from ringlet_py.moving.formats.toml_text import TomlText
from ringlet_py.moving.formats.yaml_text import YamlText
from tests.moving.formats.contract import moved, undone
from tests.moving.formats.goldens import goldens

if TYPE_CHECKING:
    from ringlet_py.moving.formats import Format
    from tests.moving.formats.goldens import Golden

FORMATS: dict[str, Format] = {
    "dotenv": Dotenv(),
    "environment_d": EnvironmentD(),
    "etc_environment": EtcEnvironment(),
    "jsonc": Jsonc(),
    "netrc": Netrc(frozenset({"api.openai.com"})),
    "plist": Plist(),
    "systemd": Systemd(),
    "toml": TomlText(),
    "yaml": YamlText(),
}
CASES = [pytest.param(family, case, id=f"{family}-{case.name}") for family in FORMATS for case in goldens(family)]


def test_there_are_enough_of_them():
    assert len(CASES) >= 40
    assert {case.values[0] for case in CASES} == set(FORMATS)


@pytest.mark.parametrize(("family", "case"), CASES)
def test_the_text_after_is_the_one_that_was_read_by_eye(family: str, case: Golden):
    spots = FORMATS[family].spots(case.before)
    cut = [spot for spot in spots if spot.certain and spot.name in case.moved]
    edits = FORMATS[family].edits(case.before, moved(cut))

    assert {spot.name for spot in cut} == set(case.moved)
    assert applied(case.before, edits) == case.after
    assert undone(case.before, edits, case.after) == case.before


@pytest.mark.parametrize(("family", "case"), CASES)
def test_what_is_not_certain_says_why(family: str, case: Golden):
    said = {(spot.name, spot.why_not) for spot in FORMATS[family].spots(case.before) if not spot.certain}

    for told in case.reported:
        name, _, why = told.partition(", ")
        assert [why_not for other, why_not in said if other == name and why in why_not]
