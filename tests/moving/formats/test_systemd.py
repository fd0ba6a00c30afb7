from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from ringlet_py.moving.formats import applied
from ringlet_py.moving.formats.systemd import Systemd
from tests.moving.formats.contract import FormatContract, moved
from tests.moving.formats.programs import lacking, need

NOBODY = 65534
SYSTEMD = "/usr/lib/systemd/systemd"
UNIT = """[Service]
Environment="T_A=b c" T_B=d T_C="e" T_D='f' \\
  T_E=g \\
# T_X=x
  "T_F=h#i"
 Environment = T_G=j$k
; Environment=T_Y=y
Environment=T_H=%%l T_I=\\x6d
Environment=T_J=n
ExecStart=/bin/true
"""
MARK = "# ringlet: A is openai/work in the keychain (ringlet migrate undo)"


def plainly(text: str) -> list[tuple[str, str, bool]]:
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in Systemd().spots(text)]


def without(text: str, *names: str) -> str:
    spots = [(spot, "openai/work") for spot in Systemd().spots(text) if spot.name in names]
    return applied(text, Systemd().edits(text, spots))


class TestSystemd(FormatContract):
    format = Systemd()
    texts = (
        "[Service]\nEnvironment=A=b\nExecStart=/bin/true\n",
        '[Service]\nEnvironment="A=b c" \'D=e\' F=g H="i"\n',
        "[Service]\r\nEnvironment=A=b C=d\r\nEnvironment = E=f\r\n",
        '[Service]\nEnvironment=A=b \\\n  C=d \\\n# why\n  "E=f"\nEnvironmentFile=-%h/.keys\n',
        "# x\n; Environment=A=b\nEnvironment=\nEnvironment=%h A=%h B=\\x41 C\n",
        'Environment=A=b "C=d\nEnvironment=E=f \\\n',
    )


@pytest.mark.parametrize("word", ["A=sk-1", '"A=sk-1"', "'A=sk-1'", 'A="sk-1"', "A='sk-1'"])
def test_a_word_is_read_with_and_without_quotes(word: str):
    assert plainly(f"[Service]\n  Environment = X=1 {word}\n")[-1] == ("A", "sk-1", True)


@pytest.mark.parametrize("word", ["A=50%", '"A=a\\tb"', "A=a\\x20b", "A=x'y'", '"A=x" y"', '"A=b \\\n c"'])
def test_what_systemd_would_change_is_left(word: str):
    assert not any(certain for _, _, certain in plainly(f"Environment={word}\n"))


def test_the_only_word_goes_with_its_line_as_an_empty_setting_would_clear_all_others():
    assert without("[Service]\nEnvironment=A=b\nUser=x\n", "A") == f"[Service]\n{MARK}\nUser=x\n"


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        ("Environment=A=b C=d", "Environment=C=d"),
        ('Environment=C=d "A=b"', "Environment=C=d"),
        ("Environment=C=d A=b E=f", "Environment=C=d E=f"),
        ("Environment=C=d \\\n  A=b \\\n  E=f", "Environment=C=d \\\n \\\n  E=f"),
        ("Environment=C=d \\\n  A=b", "Environment=C=d \\\n"),
    ],
)
def test_of_several_words_one_goes_and_a_comment_stands_before(setting: str, left: str):
    after = without(f"[Service]\n{setting}\nUser=x\n", "A")

    assert after == f"[Service]\n{MARK}\n{left}\nUser=x\n"


def test_words_beside_each_other_go_together():
    after = without("Environment=C=d A=b B=c", "A", "B")

    assert after.rstrip().endswith("(ringlet migrate undo)\nEnvironment=C=d")


def test_comments_between_continued_lines_are_no_words():
    assert plainly("Environment=A=b \\\n# C=d\n  E=f\n") == [("A", "b", True), ("E", "f", True)]


def test_the_files_that_a_unit_reads_are_told():
    assert Systemd().sourced("EnvironmentFile=-%h/.keys\nEnvironmentFile=/etc/x\n") == ["$HOME/.keys", "/etc/x"]


@pytest.fixture
def home():
    """A home that a person without rights may use, since systemd reads no user's units as root."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        run = Path(folder) / "run"
        run.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(run, NOBODY, NOBODY)
        yield Path(folder)


def environment(text: str, home: Path) -> dict[str, str]:
    """What systemd would give the program that the unit starts."""
    units = home / ".config/systemd/user"
    units.mkdir(parents=True, exist_ok=True)
    (units / "default.target").write_text("[Unit]\nWants=t.service\n")
    (units / "t.service").write_text(text)
    environ = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}
    user = NOBODY if os.geteuid() == 0 else None
    words = [need("systemd", SYSTEMD), "--user", "--test"]
    done = subprocess.run(words, env=environ, user=user, capture_output=True, text=True, check=False, timeout=30)
    if "Cannot determine cgroup" in done.stderr:
        lacking("systemd", "systemd wants control groups, which a bare chroot has not")
    found = re.findall(r"^\s*Environment: (T_\w)=(.*)$", done.stdout + done.stderr, re.MULTILINE)
    return dict(found)


@pytest.mark.slow
def test_systemd_reads_what_we_are_certain_of(home: Path):
    spots = [spot for spot in Systemd().spots(UNIT) if spot.certain]
    before = environment(UNIT, home)

    assert {spot.name: spot.value.reveal() for spot in spots} == {
        name: value for name, value in before.items() if name not in {"T_H", "T_I"}
    }
    for number in range(len(spots)):
        gone = spots[number::3]
        after = environment(applied(UNIT, Systemd().edits(UNIT, moved(gone))), home)
        assert after == {name: value for name, value in before.items() if name not in {spot.name for spot in gone}}
