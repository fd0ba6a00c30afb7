"""Who asks for which key and why (`Request`), and what was handed over (`Lease`); plain data."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringlet_py.entry import Address
    from ringlet_py.scope import Bearer, Scope
    from ringlet_py.secret import Secret


class Request:
    """A caller's wish for a key, with what the audit wants to know of it.

    With an `address` it is for that key, and `limited` is whether the ledger has to agree; without one a key of the
    `pool`, or of the `provider`, is chosen, for a `feature`.  `user` and `channel` are on whose behalf, `caller` is
    whom quotas count (else the user); the same `session` gets the same key where the policy is sticky.
    `wait` is for how many seconds to wait for a key that is free, `soonest_ready` takes one that is not.
    Every one of `scopes` has to admit the key, and `bearers` are the tokens that the use is counted on.
    """

    __slots__ = (
        *("address", "provider", "pool", "feature", "limited"),
        *("profile", "agent", "purpose", "user", "channel", "caller", "session"),
        *("wait", "soonest_ready", "scopes", "bearers"),
    )

    # written out, since making them one by one from a table takes three times as long, and a claim makes each of them
    def __init__(  # noqa: PLR0913 - all by name
        self,
        address: Address | None = None,
        *,
        provider: str = "",
        pool: str = "",
        feature: str = "",
        limited: bool = False,
        profile: str = "",
        agent: str = "",
        purpose: str = "",
        user: str = "",
        channel: str = "",
        caller: str = "",
        session: str = "",
        wait: float = 0.0,
        soonest_ready: bool = False,
        scopes: tuple[Scope, ...] = (),
        bearers: tuple[Bearer, ...] = (),
    ) -> None:
        self.address = address
        self.provider = provider
        self.pool = pool
        self.feature = feature
        self.limited = limited
        self.profile = profile
        self.agent = agent
        self.purpose = purpose
        self.user = user
        self.channel = channel
        self.caller = caller
        self.session = session
        self.wait = wait
        self.soonest_ready = soonest_ready
        self.scopes = scopes
        self.bearers = bearers


class Lease:
    """One key, handed over: which it is, where it came from, the secret, and why this one.

    `id` names the uses that were counted for it ("" if none were), `remaining` is the least that is left of any limit
    (-1 without one), `ready_at` a moment still to come if the key was not free (seconds since 1970, else 0).
    `base_url` is the only address it is meant for ("": the provider's own), `expires_at` the key's end (UTC, or "").
    """

    __slots__ = (
        *("address", "backend", "secret", "id", "feature", "org"),
        *("base_url", "expires_at", "ready_at", "reason", "remaining"),
    )

    def __init__(  # noqa: PLR0913 - all by name
        self,
        address: Address,
        *,
        backend: str,
        secret: Secret,
        id: str = "",  # noqa: A002 - it is called so everywhere
        feature: str = "",
        org: str = "",
        base_url: str = "",
        expires_at: str = "",
        ready_at: float = 0.0,
        reason: str = "",
        remaining: int = -1,
    ) -> None:
        self.address = address
        self.backend = backend
        self.secret = secret
        self.id = id
        self.feature = feature
        self.org = org
        self.base_url = base_url
        self.expires_at = expires_at
        self.ready_at = ready_at
        self.reason = reason
        self.remaining = remaining

    def __repr__(self) -> str:
        return f"Lease({self.address}, backend={self.backend!r})"
