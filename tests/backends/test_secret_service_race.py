"""Many processes at one real gnome-keyring: no failure, nothing lost, and the daemon alive."""

from __future__ import annotations

import multiprocessing
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ringlet_py.backends.system.secret_service import SecretService
from ringlet_py.entry import Address
from ringlet_py.errors import RingletError
from ringlet_py.secret import Secret
from tests.secret_services import GnomeKeyring

if TYPE_CHECKING:
    from collections.abc import Iterator

fcntl = pytest.importorskip("fcntl")
pytestmark = [
    pytest.mark.keychain,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's"),
]

READERS, LOOKUPS = 8, 20_000
WRITERS, STEPS = 16, 50
SHARED = Address("shared")
VALUE = "sk-shared-0123456789"


@pytest.fixture
def gnome() -> Iterator[GnomeKeyring]:
    with GnomeKeyring() as keyring:
        yield keyring


def pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


def read_often(environ: dict[str, str], times: int) -> list[str]:
    """What went wrong in so many lookups."""
    backend = SecretService(environ=environ, can_ask=False, say=print)
    problems = []
    for _ in range(times):
        try:
            if backend.get(SHARED).reveal() != VALUE:
                problems.append("another value")
        except RingletError as error:
            problems.append(f"{error!r} {error.why}")
    return problems


class Writer:
    """One process's own entries, as they should be, and the steps that change them and a shared one."""

    def __init__(self, environ: dict[str, str], lock: str, number: int) -> None:
        self.backend = SecretService(environ=environ, can_ask=False, say=print)
        self.lock = lock
        self.number = number
        self.choice = random.Random(number)  # noqa: S311 - the same steps each time
        self.expected: dict[Address, str] = {}

    def run(self) -> dict[Address, str]:
        """Do all steps; the entries that must be there afterwards."""
        for step in range(STEPS):
            address = Address(f"writer{self.number}", f"alias{self.choice.randrange(3)}")
            act = self.choice.choice([self.set, self.set, self.remove, self.share, self.list])
            act(address, f"sk-{self.number}-{step}")
            self.read(address)
        return self.expected

    def set(self, address: Address, value: str) -> None:
        with open(self.lock, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.backend.set(address, Secret(value))
        self.expected[address] = value

    def share(self, address: Address, value: str) -> None:
        with open(self.lock, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.backend.set(SHARED, Secret(value))

    def remove(self, address: Address, value: str) -> None:
        if self.expected.pop(address, None):
            with open(self.lock, "wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self.backend.remove(address)

    def list(self, address: Address, value: str) -> None:
        mine = {name for name in self.backend.names() if name.provider == f"writer{self.number}"}
        assert mine == set(self.expected)

    def read(self, address: Address) -> None:
        # without the lock, as launches read: a replaced entry is never missing in between
        self.backend.get(SHARED)
        if address in self.expected:
            assert self.backend.get(address).reveal() == self.expected[address]


def write_often(environ: dict[str, str], lock: str, number: int) -> dict[str, str]:
    return {str(address): value for address, value in Writer(environ, lock, number).run().items()}


def test_eight_processes_read_twenty_thousand_times(gnome: GnomeKeyring) -> None:
    gnome.backend().set(SHARED, Secret(VALUE))

    with pool(READERS) as processes:
        work = [processes.submit(read_often, gnome.environ, LOOKUPS // READERS) for _ in range(READERS)]
        problems = [problem for each in work for problem in each.result()]

    assert problems == []
    assert gnome.daemon.poll() is None


def test_sixteen_processes_set_replace_remove_and_list_and_nothing_is_lost(gnome: GnomeKeyring) -> None:
    gnome.backend().set(SHARED, Secret(VALUE))
    lock = str(gnome.folder / "lock")

    with pool(WRITERS) as processes:
        work = [processes.submit(write_often, gnome.environ, lock, number) for number in range(WRITERS)]
        expected = {address: value for each in work for address, value in each.result().items()}

    backend = gnome.backend()
    assert backend.names() == sorted([SHARED, *map(Address.parse, expected)])
    assert {address: backend.get(Address.parse(address)).reveal() for address in expected} == expected
    assert len(gnome.search(service="ringlet")) == len(expected) + 1
    assert gnome.daemon.poll() is None
