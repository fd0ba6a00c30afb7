"""Lending over a real ledger in a file, with a keychain in memory and clocks that are moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.broker import Broker
from ringlet_py.catalog import Catalog
from ringlet_py.entry import Address, Entry, utc
from ringlet_py.lease import Request
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.ledger.sqlite_claims import SqliteClaims
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.ledger.tokens import Token
from ringlet_py.lending import Lending
from ringlet_py.limits import Rate
from ringlet_py.pools import PoolStore, TierStore
from ringlet_py.scope import Bearer
from ringlet_py.secret import Secret
from tests.keychain_world import World as Keys

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.backends import Backend
    from ringlet_py.lease import Lease
    from ringlet_py.testing import FakeClock


class Machine:
    """A machine whose clocks are that clock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._started = clock() - 5_000

    def wall(self) -> int:
        return round(self._clock() * 1000)

    def since_boot(self) -> int | None:
        return round((self._clock() - self._started) * 1000)

    def boot(self) -> str:
        return "this-boot"


class World:
    """Everything that a claim goes through; time passes only in `sleep` and by `clock`."""

    def __init__(self, folder: Path, *, environ: dict[str, str] | None = None, backend: Backend | None = None) -> None:
        self.keys = Keys(folder, backend)
        self.clock = self.keys.clock
        self.records = self.keys.records
        self.claims = SqliteClaims(Session(SqliteFile(self.keys.ledger.file.path)), Machine(self.clock))
        self.pools = PoolStore(self.claims)
        self.tiers = TierStore(self.claims)
        self.environ = {} if environ is None else environ
        self.slept: list[float] = []
        self.lending = self.another()
        self.broker = Broker(self.keys.backend, self.records, lambda: self.lending)  # type: ignore[arg-type]

    def another(self) -> Lending:
        """What another process has over the same ledger."""
        return Lending(
            claims=self.claims,
            ledger=self.keys.ledger,
            pools=self.pools,
            tiers=self.tiers,
            catalog=Catalog("/nowhere"),
            keychain=lambda: self.keys.keychain,
            environ=self.environ,
            clock=self.clock,
            steady=self.clock,
            sleep=self.sleep,
            random=lambda: 0.5,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    def add(self, *names: str, provider: str = "openai", **fields: Any) -> None:
        """Keys with these aliases, values told from their names, and these fields as the ledger has them."""
        addresses = [Address(provider, name) for name in names]
        for address in addresses:
            self.keys.backend.set(address, value(address))
        created = utc(self.clock())
        backend = self.keys.backend.name
        self.keys.ledger.put(*(Entry(each, backend=backend, created_at=created, **fields) for each in addresses))

    def pool(self, name: str = "p", provider: str = "openai", **given: Any) -> None:
        self.pools.create(name, {"provider": provider, **given})

    def claim(self, provider: str = "", **wishes: Any) -> Lease:
        if alias := wishes.pop("alias", ""):
            return self.broker.claim(Request(Address(provider, alias), limited=True, **wishes))
        return self.broker.claim(Request(provider=provider, **wishes))

    def claimed(self, times: int, provider: str = "", **wishes: Any) -> list[str]:
        """The aliases that so many claims get."""
        return [self.claim(provider, **wishes).address.alias for _ in range(times)]

    def outcomes(self) -> list[tuple[str, str, str]]:
        return self.keys.recorded()

    def dump(self) -> list[str]:
        """Everything that the ledger holds."""
        with self.keys.ledger.file.opened() as connection:
            return list(connection.iterdump())


def bearer(world: World, *, name: str = "bot", expires_at: int = 0, rates: str = "") -> Bearer:
    """A new token in the ledger, as a request names it; its id is `id-of-NAME`."""
    token = Token(id=f"id-of-{name}", name=name, digest=name, expires_at=expires_at)
    SqliteCallers(world.claims.session).add_token(token)
    return Bearer(id=token.id, rates=(Rate.parse(rates),) if rates else ())


def value(address: Address) -> Secret:
    """The value that `World.add` gives that key."""
    return Secret(f"made-up-{address.provider}-{address.alias}-0123456789")
