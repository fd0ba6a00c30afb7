"""Who asks for which key and why (`Request`), and what was handed over (`Lease`); plain data."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringlet_py.entry import Address
    from ringlet_py.scope import Bearer, Scope
    from ringlet_py.secret import Secret

# what a request may say beyond its address, and what it says if nothing is given
WISHES: dict[str, Any] = {
    "provider": "",
    "pool": "",
    "feature": "",
    "user": "",
    "channel": "",
    "caller": "",
    "session": "",
    "wait": 0.0,
    "soonest_ready": False,
    "scopes": (),
    "bearers": (),
}

# the same of a lease
KNOWN: dict[str, Any] = {
    "base_url": "",
    "expires_at": "",
    "feature": "",
    "id": "",
    "org": "",
    "ready_at": 0.0,
    "reason": "",
    "remaining": -1,
}


class Request:
    """A caller's wish for a key, with what the audit wants to know of it.

    With an `address` it is for that key, and `limited` is whether the ledger has to agree; without one a key of the
    `pool`, or of the `provider`, is chosen, for a `feature`.  `user` and `channel` are on whose behalf, `caller` is
    whom quotas count (else the user); the same `session` gets the same key where the policy is sticky.
    `wait` is for how many seconds to wait for a key that is free, `soonest_ready` takes one that is not.
    Every one of `scopes` has to admit the key, and `bearers` are the tokens that the use is counted on.
    """

    __slots__ = ("address", "agent", "limited", "profile", "purpose", *WISHES)

    if TYPE_CHECKING:
        provider: str
        pool: str
        feature: str
        user: str
        channel: str
        caller: str
        session: str
        wait: float
        soonest_ready: bool
        scopes: tuple[Scope, ...]
        bearers: tuple[Bearer, ...]

    def __init__(
        self,
        address: Address | None = None,
        *,
        profile: str = "",
        agent: str = "",
        purpose: str = "",
        limited: bool = False,
        **wishes: Any,
    ) -> None:
        self.address = address
        self.profile = profile
        self.agent = agent
        self.purpose = purpose
        self.limited = limited
        for name, value in {**WISHES, **wishes}.items():
            setattr(self, name, value)


class Lease:
    """One key, handed over: which it is, where it came from, the secret, and why this one.

    `id` names the uses that were counted for it ("" if none were), `remaining` is the least that is left of any limit
    (-1 without one), `ready_at` a moment still to come if the key was not free (seconds since 1970, else 0).
    `base_url` is the only address it is meant for ("": the provider's own), `expires_at` the key's end (UTC, or "").
    """

    __slots__ = ("address", "backend", "secret", *KNOWN)

    if TYPE_CHECKING:
        base_url: str
        expires_at: str
        feature: str
        id: str
        org: str
        ready_at: float
        reason: str
        remaining: int

    def __init__(self, address: Address, *, backend: str, secret: Secret, **known: Any) -> None:
        self.address = address
        self.backend = backend
        self.secret = secret
        for name, value in {**KNOWN, **known}.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"Lease({self.address}, backend={self.backend!r})"
