"""Who asks, as its token tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringlet_py.lease import Request

if TYPE_CHECKING:
    from ringlet_py.entry import Address
    from ringlet_py.scope import Bearer, Scope

ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever holds the admin token, or a token with all it was made under.

    Every scope holds, and every use counts on each bearer.  `id` is the token's, "" for the admin; `ids` are its own
    and those of the tokens that it was made under, of which the first ends at `expires_at` (milliseconds since 1970,
    0: none does).
    """

    name: str
    id: str = ""
    scopes: tuple[Scope, ...] = ()
    bearers: tuple[Bearer, ...] = ()
    expires_at: int = 0

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything."""
        return not self.id

    @property
    def top(self) -> str:
        """The name below which it sees names, "" for the admin."""
        return "" if self.is_admin else self.name

    @property
    def ids(self) -> tuple[str, ...]:
        """Its token's id and those of all above it."""
        return tuple(bearer.id for bearer in self.bearers)

    def request(self, address: Address | None = None, **wishes: Any) -> Request:
        """The request in this caller's name."""
        caller = wishes.pop("caller", "") or ("" if self.is_admin else f"token:{self.name}")
        return Request(address, limited=True, caller=caller, scopes=self.scopes, bearers=self.bearers, **wishes)
