from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.formats import applied, encoded
from ringlet_py.moving.formats.environment_d import EnvironmentD, EtcEnvironment
from tests.moving.formats.contract import FormatContract, moved
from tests.moving.formats.programs import need

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.moving.formats import Format

GENERATOR = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
TEXTS = (
    "A=b\nB=\"c d\"\nC='e'\n# x\n  D=f\n",
    "A=b # c\n; D=e\nexport F=g\nH = i\nJ=${A}\n",
    'A="b\nc"\nD=e\\\nF=g\nH.I=j\r\nK="l#m"',
)


class TestEnvironmentD(FormatContract):
    format = EnvironmentD()
    texts = TEXTS


def certain(format_: Format, line: str) -> list[bool]:
    return [spot.certain for spot in format_.spots(line)]


@pytest.mark.parametrize(
    ("line", "systemd", "pam"),
    [
        ("A=sk-1", True, True),
        ("A='sk-1'", True, True),
        ("A=sk-1 # mine", False, True),  # to systemd it is a part of the value
        ("export A=sk-1", False, True),  # to systemd it is no name
        ("A = sk-1", False, False),
        ("A.B=sk-1", False, False),
        ('A="sk#1"', False, False),  # PAM ends every line there
        ("A=sk\\-1", False, False),
        ("A=${B}", False, False),
    ],
)
def test_each_has_its_own_rules(line: str, *, systemd: bool, pam: bool):
    assert certain(EnvironmentD(), line) == [systemd]
    assert certain(EtcEnvironment(), line) == [pam]


def test_systemd_has_a_second_sign_for_comments():
    assert certain(EnvironmentD(), "; A=b") == []


def generated(text: str, home: Path) -> dict[str, str]:
    """What systemd would give a session."""
    folder = home / ".config" / "environment.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keys.conf").write_bytes(encoded(text))
    words = [need("systemd", GENERATOR)]
    done = subprocess.run(words, env={"HOME": str(home)}, capture_output=True, text=True, check=True, timeout=20)
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("T_"))


@pytest.mark.slow
def test_systemd_reads_what_we_are_certain_of(tmp_path: Path):
    text = "T_A=b\nT_B=\"c\"\nT_C='d#e'\n  T_D=f:g/h\n# x\nT_E=i # j\nT_F=k\\\nT_G=l\nT_H=m=n==\n"
    spots = [spot for spot in EnvironmentD().spots(text) if spot.certain]

    before = generated(text, tmp_path)
    after = generated(applied(text, EnvironmentD().edits(text, moved(spots))), tmp_path)

    assert {spot.name: spot.value.reveal() for spot in spots}.items() <= before.items()
    assert after == {name: value for name, value in before.items() if name in {"T_C", "T_E", "T_F"}}
