from __future__ import annotations

import netrc
from typing import TYPE_CHECKING

import pytest

from ringlet_py.moving.formats import applied
from ringlet_py.moving.formats.netrc import Netrc
from tests.moving.formats.contract import FormatContract, moved

if TYPE_CHECKING:
    from pathlib import Path

HOST = "api.openai.com"
FORMAT = Netrc(frozenset({HOST, "api.x.ai"}))
MARK = f"# ringlet: {HOST} is made-up/{HOST} in the keychain (ringlet migrate undo)"


def plainly(text: str) -> list[tuple[str, str, bool]]:
    return [(spot.name, spot.value.reveal(), spot.certain) for spot in FORMAT.spots(text)]


def without(text: str) -> str:
    return applied(text, FORMAT.edits(text, moved([spot for spot in FORMAT.spots(text) if spot.certain])))


class TestNetrc(FormatContract):
    format = FORMAT
    texts = (
        f"machine {HOST} login me password sk-1\nmachine github.com login me password gh\n",
        f"# mine\nmachine {HOST}\n  login me\n  password sk-1\n\nmachine api.x.ai\r\n\tpassword x\r\n",
        f"machine a macdef init\nmachine {HOST} password b\n\nmachine {HOST} password c\ndefault login d password e\n",
        f'machine {HOST} password "a b" machine api.x.ai password c\nmachine {HOST} password\n',
        f"machine {HOST} password a # why\nmachine",
    )


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (f"machine {HOST} password x\n", f"{MARK}\n"),
        (f"machine {HOST} login me password x", MARK),
        (f"machine {HOST}\n  login me\n  password x\n\nmachine a login b password c\n", None),
        (f"machine a login b password c\r\n  machine {HOST} account x password x\r\n", None),
    ],
)
def test_the_whole_entry_of_a_providers_host_goes(text: str, after: str | None, tmp_path: Path):
    kept = [line for line in text.splitlines() if line.startswith("machine a ")]

    left = without(text)

    assert after is None or left == after
    assert MARK in left
    assert all(line in left.splitlines() for line in kept)
    file = tmp_path / "netrc"
    file.write_text(left)
    assert set(netrc.netrc(str(file)).hosts) == {line.split()[1] for line in kept}


@pytest.mark.parametrize(
    "text",
    [
        "machine github.com login me password x\n",
        "default login me password x\n",
        f"machine {HOST} password x machine a password y\n",
        f"machine a login b machine {HOST} password x\n",
        f"machine {HOST} password x # why\n",
        f"machine {HOST} password x password y\n",
        f"machine {HOST} password x\nmacdef init\n  ls\n\n",
        f'machine {HOST} password "x"\n',
        f"machine {HOST} password #x\n",
        f"machine {HOST} password x\\y\n",
    ],
)
def test_other_entries_are_told_and_left(text: str):
    found = plainly(text)

    assert found
    assert not any(certain for _, _, certain in found)


def test_macros_hold_no_entries():
    assert plainly(f"macdef x\nmachine {HOST} password a\n\nmachine {HOST} password b\n") == [(HOST, "b", True)]


def test_without_the_catalogs_hosts_nothing_is_certain():
    assert not any(spot.certain for spot in Netrc().spots(f"machine {HOST} password x\n"))
