"""What the tests of the Secret Service backend share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ringlet_py.entry import Address
from ringlet_py.errors import KeychainError
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.backends.system.secret_service import SecretService
    from tests.secret_services import PrivateBus

ADDRESS = Address("anthropic", "default")
ATTRIBUTES = {"service": "ringlet", "username": "anthropic/default"}
AS_ARGUMENTS = ("service", "ringlet", "username", "anthropic/default")
CANARY = "sk-canary-7f3a9b2c4d5e6f70"


def fresh(bus: PrivateBus) -> PrivateBus:
    """The service without the entries that earlier tests left."""
    for item in bus.search(service="ringlet"):
        bus.delete(item)
    assert bus.search(service="ringlet") == []
    return bus


def every_verb(backend: SecretService) -> Mapping[str, Callable[[], object]]:
    return {
        "get": lambda: backend.get(ADDRESS),
        "set": lambda: backend.set(ADDRESS, Secret("sk-new")),
        "remove": lambda: backend.remove(ADDRESS),
        "names": backend.names,
        "check": backend.check,
    }


def assert_each_verb_raises(expected: type[KeychainError], backend: SecretService, *, within: float = 1.5) -> None:
    for name, verb in every_verb(backend).items():
        start = time.monotonic()
        with pytest.raises(KeychainError) as caught:
            verb()
        assert type(caught.value) is expected, f"{name}: {caught.value!r} {caught.value.why}"
        assert time.monotonic() - start < within, name
