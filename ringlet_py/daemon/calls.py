"""Claims under way: who asks, what for, and how the answer finds back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.app import App
    from ringlet_py.daemon.lender import Lender
    from ringlet_py.lease import Lease, Request
    from ringlet_py.tokens import Caller

    Asked = Callable[[Caller], Request]
    Answer = Lease | None | Exception


class Gone(Exception):  # noqa: N818 - no error, the answer to who is not there any more
    """Nobody waits for the claim, so none was made."""


class Asker(Protocol):
    """Who wants a key, under a token ("" if that was asked before)."""

    @property
    def token(self) -> str:
        """Whose it is tells who asks."""

    def asked(self, caller: Caller) -> Request:
        """What is asked for, by whom."""

    def tell(self, call: Call, answer: Answer) -> bool:
        """Takes the answer; False if nobody waited for it any more."""

    def is_gone(self) -> bool:
        """Whether nobody will."""


@dataclass(slots=True, eq=False)
class Call:
    """One claim that is under way.

    `caller` and `request` are who asks and for what, as soon as that is known, `since` when it began, and `lender` who
    makes it.
    """

    asker: Asker = field(repr=False)
    lender: Lender
    since: float
    caller: Caller | None = None
    request: Request | None = None

    @property
    def app(self) -> App:
        """Whose keys it is about, whatever is reloaded."""
        return self.lender.app


class Waiter:
    """Asks for a coroutine, which waits for `told`."""

    __slots__ = ("asked", "is_gone", "token", "told")

    def __init__(self, token: str, asked: Asked) -> None:
        self.token = token
        self.asked = asked
        self.told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.is_gone = self.told.cancelled

    def tell(self, _: Call, answer: Answer) -> bool:
        """Takes the answer."""
        if not self.told.cancelled():
            self.told.set_result(answer)
        return not self.told.cancelled()
