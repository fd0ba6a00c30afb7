"""A home with a ledger in a file, in which tokens are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringlet_py.ledger.made import ledger_parts
from ringlet_py.testing import FakeClock
from ringlet_py.tokens.made import token_service
from ringlet_py.tokens.shown import as_data
from tests.records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ringlet_py.ledger.made import LedgerParts
    from ringlet_py.ledger.tokens import Token
    from ringlet_py.tokens import Caller, TokenService


class World:
    """The service with its clock and its records; `again` is another process on the same files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.records = Records()
        self.config = folder / "config"
        self.state = folder / "state"
        self.claims = self._parts().claims
        self.service = self.again()

    def again(self) -> TokenService:
        audit: Any = self.records
        return token_service(self._parts().callers, folder=str(self.config), audit=audit, clock=self.clock)

    def shown(self, *those: Token, top: str = "", tokens: Sequence[Token] = ()) -> dict[str, Any]:
        """The first of these as programs see it."""
        return as_data(those, tokens, claims=self.claims, now=self.clock(), top=top)[0]

    def _parts(self) -> LedgerParts:
        path = str(self.state / "ledger.sqlite")
        return ledger_parts(("", "", ""), path=path, clock=self.clock, say=lambda _: None)

    def made(self, name: str = "ci", **terms: Any) -> tuple[Token, str]:
        """A token and its text."""
        token, secret = self.service.create(name, **terms)
        return token, secret.reveal()

    def caller(self, name: str = "ci", **terms: Any) -> Caller:
        """Whoever holds a new token."""
        return self.service.authenticate(self.made(name, **terms)[1])

    def recorded(self) -> list[tuple[str, str, str]]:
        """Action, outcome and what was recorded of it, without ids."""
        return [(each["action"], each["outcome"], each["purpose"].split(" (")[0]) for each in self.records.kept]
