from __future__ import annotations

from typing import NoReturn

import pytest

from ringlet_py.broker import Broker
from ringlet_py.entry import Address
from ringlet_py.errors import AuditUnwritable, KeychainLocked, KeyNotFound
from ringlet_py.lease import Request
from ringlet_py.secret import Secret
from ringlet_py.testing import MemoryBackend
from tests.records import Records

WORK = Address("anthropic", "work")


def no_lending() -> NoReturn:
    raise AssertionError("a key that nothing limits asked for the ledger")


def broker(backend: MemoryBackend, records: Records) -> Broker:
    return Broker(backend, records, no_lending)  # type: ignore[arg-type]


def filled() -> MemoryBackend:
    backend = MemoryBackend()
    backend.set(WORK, Secret("the-key"))
    return backend


def test_a_claim_hands_the_key_over_and_is_recorded() -> None:
    records = Records()

    lease = broker(filled(), records).claim(Request(WORK, profile="p", agent="claude", purpose="why"))

    assert lease.secret.same_as(Secret("the-key"))
    (record,) = records.kept
    assert (record["action"], record["outcome"], record["address"]) == ("claim", "ok", "anthropic/work")
    assert (record["profile"], record["agent"], record["purpose"]) == ("p", "claude", "why")
    assert record["backend"] == "memory"


@pytest.mark.parametrize("failure", [KeyNotFound("x"), KeychainLocked("x")])
def test_a_refusal_is_recorded_too(failure: KeyNotFound | KeychainLocked) -> None:
    records = Records()

    with pytest.raises(type(failure)):
        broker(MemoryBackend(failure=failure), records).claim(Request(WORK))
    assert [record["outcome"] for record in records.kept] == [failure.code]


def test_what_cannot_be_recorded_is_not_handed_over() -> None:
    with pytest.raises(AuditUnwritable):
        broker(filled(), Records(full=True)).claim(Request(WORK))


def test_the_lease_does_not_show_its_secret() -> None:
    lease = broker(filled(), Records()).claim(Request(WORK))

    assert "the-key" not in repr(lease)
