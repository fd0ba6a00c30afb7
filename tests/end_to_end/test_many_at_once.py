"""Many processes on one keychain: nothing is lost, and ledger and audit agree with the store."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ringlet_py.app import App
from ringlet_py.audit.reading import find
from ringlet_py.audit.verify import verify
from ringlet_py.entry import Address
from ringlet_py.secret import Secret
from tests.end_to_end.mixed_worker import SHARED

if TYPE_CHECKING:
    from tests.end_to_end.program import Home

pytestmark = pytest.mark.slow

PROCESSES = 16
STEPS = 50
LIMIT = 280.0  # seconds


def work(home: Home) -> tuple[dict[Address, str], int]:
    """Lets the workers loose; what is to be there of their own keys, and how many changes were asked for."""
    words = [sys.executable, "-m", "tests.end_to_end.mixed_worker"]
    workers = [
        subprocess.Popen(
            [*words, f"w{number}", str(STEPS)],
            env=home.environ,
            cwd=home.path / "work",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    left: dict[Address, str] = {}
    changes = 0
    for worker in workers:
        out, err = worker.communicate(timeout=LIMIT)
        assert worker.returncode == 0, err.decode()
        report = json.loads(out)
        left |= {Address.parse(address): value for address, value in report["left"].items()}
        changes += report["changes"]
    return left, changes


def check(home: Home, left: dict[Address, str], changes: int) -> None:
    """Store, ledger and audit say the same."""
    app = App(home.environ)
    there = {entry.address for entry in app.keychain.entries()}
    assert there - {SHARED} == set(left)
    assert {entry.address for entry in app.kept.entries.entries()} == there
    assert all(app.backend.get(address).same_as(Secret(value)) for address, value in left.items())
    assert verify(str(home.state)).problems == []
    assert len(list(find(str(home.state)))) == changes


def test_nothing_is_lost_in_the_file(home: Home) -> None:
    check(home, *work(home))


@pytest.mark.keychain
def test_nothing_is_lost_in_a_real_keychain(keychain_home: Home) -> None:
    check(keychain_home, *work(keychain_home))
