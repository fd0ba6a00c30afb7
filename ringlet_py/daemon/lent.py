"""Which key was lent to whose token lately, as far as this daemon, since it started, was the one who lent it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from ringlet_py.lending.turns import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.entry import Address
    from ringlet_py.lease import Lease
    from ringlet_py.tokens import Caller

LATELY = 3600.0  # seconds
MOST = 10_000  # keys and tokens that are remembered; the oldest are forgotten first


class Lent:
    """What callers may say something of; `steady` is in seconds and never goes back."""

    def __init__(self, *, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._found: OrderedDict[tuple[str, Address], float] = OrderedDict()

    def note(self, caller: Caller, lease: Lease) -> None:
        """The lease's key is lent to that caller's token now."""
        if caller.is_admin or lease.backend == ENVIRONMENT:  # whose address may be a stored key's too
            return
        lent = caller.id, lease.address.key()
        self._found[lent] = self._steady()
        self._found.move_to_end(lent)
        if len(self._found) > MOST:
            self._found.popitem(last=False)

    def is_lent(self, caller: Caller, address: Address) -> bool:
        """Whether the caller's token got that key lately."""
        moment = self._found.get((caller.id, address.key()))
        return moment is not None and self._steady() - moment <= LATELY
