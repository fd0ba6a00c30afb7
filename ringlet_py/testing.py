"""Stand-ins for tests, ours and yours: a backend in memory and a clock that is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringlet_py.errors import InvalidSecret, KeyNotFound

if TYPE_CHECKING:
    from ringlet_py.entry import Address
    from ringlet_py.errors import RingletError
    from ringlet_py.secret import Secret

VERBS = frozenset({"get", "set", "remove", "names", "check"})
START = 1_795_000_000.0  # some moment in November 2026


class MemoryBackend:
    """A backend that keeps the whole contract, for as long as the process lives.

    `failure` is raised by every verb in `failing`; set and clear it to play a keychain that is locked,
    absent or broken.  `calls` has each verb with its address, as they came.
    """

    name = "memory"
    place = "memory"

    def __init__(
        self,
        *,
        failure: RingletError | None = None,
        failing: frozenset[str] = VERBS,
        enumerates: bool = True,
        max_length: int = 65536,
    ) -> None:
        self.failure = failure
        self.failing = failing
        self.enumerates = enumerates
        self.max_length = max_length
        self.calls: list[tuple[str, Address | None]] = []
        self._secrets: dict[Address, Secret] = {}

    def get(self, address: Address) -> Secret:
        """The secret, or KeyNotFound."""
        self._called("get", address)
        return self._kept(address)

    def set(self, address: Address, secret: Secret) -> None:
        """Makes or replaces."""
        self._called("set", address)
        if secret.length > self.max_length:
            raise InvalidSecret(f"the value is longer than {self.max_length} characters")
        self._secrets[address] = secret

    def remove(self, address: Address) -> None:
        """Takes it away, or raises KeyNotFound."""
        self._called("remove", address)
        self._kept(address)
        del self._secrets[address]

    def names(self) -> list[Address] | None:
        """What is there, sorted; None if made with `enumerates=False`."""
        self._called("names")
        return sorted(self._secrets) if self.enumerates else None

    def check(self) -> None:
        """Raises `failure`, if there is one."""
        self._called("check")

    def _called(self, verb: str, address: Address | None = None) -> None:
        self.calls.append((verb, address))
        if self.failure is not None and verb in self.failing:
            raise self.failure

    def _kept(self, address: Address) -> Secret:
        if address not in self._secrets:
            raise KeyNotFound(f"{address} is not in {self.place}", hint=address.to_set())
        return self._secrets[address]


class FakeClock:
    """Says what time it is (seconds since 1970) when called; stands still until it is moved."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time now."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets time pass; negative turns it back, as clocks do."""
        self.now += seconds
