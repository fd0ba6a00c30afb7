from __future__ import annotations

import subprocess
import sys

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import InvalidSecret, KeychainLocked, KeyNotFound
from ringlet_py.secret import Secret
from ringlet_py.testing import FakeClock, MemoryBackend

WORK = Address("anthropic", "work")


def test_a_clock_stands_still_until_it_is_moved():
    clock = FakeClock(100.0)
    assert (clock(), clock()) == (100.0, 100.0)

    clock.advance(2.5)
    assert clock() == 102.5

    clock.advance(-5)
    assert clock() == 97.5


def test_a_failure_is_raised_by_every_verb_until_it_is_cleared():
    backend = MemoryBackend(failure=KeychainLocked("the keychain is locked"))
    for verb in (backend.names, backend.check, lambda: backend.get(WORK), lambda: backend.remove(WORK)):
        with pytest.raises(KeychainLocked):
            verb()
    with pytest.raises(KeychainLocked):
        backend.set(WORK, Secret("k"))

    backend.failure = None

    backend.check()
    with pytest.raises(KeyNotFound):
        backend.get(WORK)


def test_a_failure_can_be_of_some_verbs_only():
    backend = MemoryBackend(failure=KeychainLocked("locked"), failing=frozenset({"get"}))
    backend.set(WORK, Secret("k"))

    assert backend.names() == [WORK]
    with pytest.raises(KeychainLocked):
        backend.get(WORK)


def test_one_that_cannot_enumerate_says_so():
    assert MemoryBackend(enumerates=False).names() is None


def test_what_is_too_long_is_refused():
    backend = MemoryBackend(max_length=3)
    backend.set(WORK, Secret("abc"))

    with pytest.raises(InvalidSecret, match="longer than 3"):
        backend.set(WORK, Secret("abcd"))


def test_calls_are_kept_in_order():
    backend = MemoryBackend()
    backend.set(WORK, Secret("k"))
    backend.get(WORK)
    backend.names()

    assert backend.calls == [("set", WORK), ("get", WORK), ("names", None)]


def test_nothing_in_ringlet_loads_the_stand_ins():
    code = (
        "import sys, ringlet_py.backends.file, ringlet_py.ledger.sqlite; sys.exit('ringlet_py.testing' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
