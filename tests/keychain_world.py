"""A keychain for tests, all of whose parts can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.catalog import Catalog
from ringlet_py.entry import Address
from ringlet_py.keychain import Keychain
from ringlet_py.ledger.sqlite import SqliteLedger
from ringlet_py.secret import Secret
from ringlet_py.testing import FakeClock, MemoryBackend
from tests.records import Records

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.backends import Backend

WORK = Address("anthropic", "work")
HOME = Address("anthropic", "home")
WEBHOOK = Address("anthropic", "work", "webhook")
OLD = Secret("sk-ant-api03-" + "a1" * 20)
NEW = Secret("sk-ant-api03-" + "b2" * 20)
BOUND = Secret("whsec-" + "c3" * 20)


class World:
    """The keychain of a folder, in memory unless it is given a backend."""

    def __init__(self, folder: Path, backend: Backend | None = None, **options: Any) -> None:
        self.memory = MemoryBackend(**options)
        self.backend: Backend = backend or self.memory
        self.ledger = SqliteLedger(str(folder / "state" / "ledger.sqlite"))
        self.records = Records()
        self.clock = FakeClock()
        self.tiers: list[str] = []
        self.keychain = Keychain(
            backend=self.backend,
            ledger=self.ledger,
            known_tier=self.tiers.append,
            audit=self.records,  # type: ignore[arg-type]
            catalog=Catalog("/nowhere"),
            lock_path=str(folder / "state" / "keychain.lock"),
            generation_path=str(folder / "state" / "generation"),
            clock=self.clock,
        )

    def outcomes(self) -> list[tuple[str, str]]:
        """Action and outcome of each record."""
        return [(record["action"], record["outcome"]) for record in self.records.kept]

    def recorded(self) -> list[tuple[str, str, str]]:
        """Action, address and outcome of each record."""
        return [(record["action"], record["address"], record["outcome"]) for record in self.records.kept]
