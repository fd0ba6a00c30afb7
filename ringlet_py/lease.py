"""Who asks for which key and why (`Request`), and what was handed over (`Lease`); plain data."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.entry import Address
    from ringlet_py.secret import Secret


class Request:
    """A caller's wish for one key, with what the audit wants to know of it."""

    __slots__ = ("address", "agent", "profile", "purpose")

    def __init__(self, address: Address, *, profile: str = "", agent: str = "", purpose: str = "") -> None:
        self.address = address
        self.profile = profile
        self.agent = agent
        self.purpose = purpose


class Lease:
    """One key, handed over: which it is, where it came from, and the secret."""

    __slots__ = ("address", "backend", "secret")

    def __init__(self, address: Address, *, backend: str, secret: Secret) -> None:
        self.address = address
        self.backend = backend
        self.secret = secret

    def __repr__(self) -> str:
        return f"Lease({self.address}, backend={self.backend!r})"
