"""What lending knows of the ledger, and what it chose: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.entry import Address, Entry
    from ringlet_py.lease import Request
    from ringlet_py.ledger.claims import Taken
    from ringlet_py.ledger.sealed import SealedValue
    from ringlet_py.lending.turns import Step
    from ringlet_py.limits import Tier
    from ringlet_py.pools import Pool
    from ringlet_py.secret import Secret


# a tuple, as claims are: it is made for each of them
class Chosen(NamedTuple):
    """A key that was taken: its address, what the lease tells besides, and the lease's id.

    With it, if they are at hand: its secret, or its sealed value.
    """

    address: Address
    known: dict[str, Any]
    lease: str = ""
    backend: str = ""
    secret: Secret | None = None
    value: SealedValue | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What pools, tiers and keys were at one version of the ledger.

    `owners` are those who have keys of a provider, `providers` all that have any.
    `looked` keeps the steps of requests, of which a program makes many alike.
    """

    version: str
    pools: dict[str, Pool]
    tiers: dict[str, Tier]
    entries: dict[str, Entry]
    owners: frozenset[tuple[str, str]]
    providers: frozenset[str] = frozenset()
    looked: dict[tuple[object, ...], list[Step]] = field(default_factory=dict)

    def has_members(self, step: Step) -> bool:
        """Whether it is worth asking the ledger, which keeps what it is asked for."""
        if step.only:
            return step.only in self.entries
        return not step.is_made_up or step.whose in self.owners


def chosen_of(
    step: Step, request: Request, lease: str, *, entry: Entry, taken: Taken, clock: Callable[[], float]
) -> Chosen:
    """A key that the ledger has counted."""
    late = taken.ready_at > taken.now
    return Chosen(
        address=request.address or entry.address,
        lease=lease,
        value=taken.value,
        known={
            "id": lease,
            "feature": request.feature,
            "remaining": taken.remaining,
            "ready_at": clock() + (taken.ready_at - taken.now) / 1000 if late else 0.0,
            "reason": f"{step.kind}, {step.named}: the one that is free soonest" if late else step.reason,
            "base_url": entry.base_url,
            "org": entry.org,
            "expires_at": entry.expires_at,
        },
    )
