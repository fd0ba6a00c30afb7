"""Leases over a real ledger in a file, with tokens, a keychain in memory and a clock that is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.leasing import Leasing
from ringlet_py.ledger.sqlite_callers import SqliteCallers
from ringlet_py.ledger.sqlite_file import SqliteFile
from ringlet_py.ledger.sqlite_session import Session
from ringlet_py.tokens import Caller
from ringlet_py.tokens.made import token_service
from tests.lending.world import World as Lending

if TYPE_CHECKING:
    from pathlib import Path

    from ringlet_py.ledger.tokens import StoredLease

ADMIN = Caller(name="admin")
HOUR = 3600.0


class World(Lending):
    """Everything that a lease goes through; `leasing` is one process' view, `elsewhere` another's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.store = self.another_store()
        config = str(folder / "config")
        self.tokens = token_service(self.store, folder=config, audit=self.records, clock=self.clock)  # type: ignore[arg-type]
        self.leasing = self.elsewhere(self.store)

    def another_store(self) -> SqliteCallers:
        return SqliteCallers(Session(SqliteFile(self.keys.ledger.file.path)))

    def elsewhere(self, store: SqliteCallers) -> Leasing:
        return Leasing(self.broker, store, self.records, self.clock, entry=self.keys.ledger.entry)  # type: ignore[arg-type]

    def token(self, name: str, under: Caller | None = None, **terms: Any) -> Caller:
        """The caller with a new token of that name."""
        _, secret = self.tokens.create(name, under=under, **terms)
        return self.tokens.authenticate(secret.reveal())

    def lend(self, caller: Caller = ADMIN, *, ttl: float = HOUR, **wishes: Any) -> StoredLease:
        """A key that was claimed by the caller, and is remembered."""
        request = caller.request(provider=wishes.pop("provider", "openai"), **wishes)
        return self.leasing.remember(self.broker.claim(request), request, ttl=ttl, token=caller.id)

    def counted(self) -> set[str]:
        """The ids of leases of which some use is counted."""
        with self.keys.ledger.file.opened() as connection:
            return {lease for (lease,) in connection.execute("SELECT DISTINCT lease FROM uses")}

    def said(self, action: str) -> list[tuple[str, str]]:
        """Outcome and caller of each record of that action."""
        kept = self.records.kept
        return [(each["outcome"], each.get("caller", "")) for each in kept if each["action"] == action]
