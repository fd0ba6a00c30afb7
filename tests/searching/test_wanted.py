from __future__ import annotations

from typing import Any

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import KeychainLocked
from ringlet_py.searching.wanted import read, wanted
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend
from tests.records import Records

WORK, HOME, BOUND = Address("anthropic", "work"), Address("anthropic", "home"), Address("anthropic", "work", "hook")


@pytest.fixture
def records() -> Any:
    return Records()


@pytest.fixture
def backend() -> MemoryBackend:
    made = MemoryBackend()
    made.set(WORK, Secret("sk-made-up-0123456789"))
    made.set(HOME, Secret("sk-made-up-0123456789"))
    made.set(BOUND, Secret("1234567"))
    return made


def test_one_record_says_that_values_were_read(backend: MemoryBackend, records: Any):
    read([WORK, HOME, BOUND], backend, records, purpose="scan: .")

    [record] = records.kept
    assert (record["action"], record["outcome"], record["address"], record["purpose"]) == (
        "search",
        "ok",
        "",
        "scan: .",
    )


def test_a_search_for_one_key_names_it(backend: MemoryBackend, records: Any):
    read([WORK], backend, records, purpose="where")

    assert records.kept[0]["address"] == str(WORK)


def test_a_locked_keychain_is_an_error_and_recorded(backend: MemoryBackend, records: Any):
    backend.failure = KeychainLocked("the keychain is locked")
    with pytest.raises(KeychainLocked):
        read([WORK], backend, records, purpose="scan: .")

    assert [record["outcome"] for record in records.kept] == ["keychain-locked"]


def test_what_is_gone_meanwhile_is_left_out(backend: MemoryBackend, records: Any):
    backend.remove(HOME)

    assert [address for address, _ in read([WORK, HOME], backend, records, purpose="")] == [WORK]


def test_a_value_stored_twice_is_looked_for_once_and_a_short_one_not_at_all(backend: MemoryBackend, records: Any):
    found = wanted(read([WORK, HOME, BOUND], backend, records, purpose=""))

    assert set(found.owners) == {(HOME, WORK)}
    assert len(found.needles) == len(Secret("sk-made-up-0123456789").needles())
    assert found.addresses == 2
    assert found.too_short == (BOUND,)
