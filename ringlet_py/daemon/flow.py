"""How much is read of a connection, and when: what a client asks for costs memory until it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sized

PIECE = 4 * 1024  # bytes: a request that waits for its turn takes up to a hundred times its own


class Flow(FlowControl):
    """uvicorn's, but while requests are `waiting` for the one before them, nothing more is read, whoever wants to.

    The body of the one that is being answered has arrived by then.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting
        # how much asyncio reads at a time where it has a selector, of itself 256 KiB
        transport.max_size = PIECE  # type: ignore[attr-defined]

    def resume_reading(self) -> None:
        """Reads on, if nothing waits."""
        if not self._waiting:
            super().resume_reading()
