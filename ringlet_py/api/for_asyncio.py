"""The same for asyncio: work that could block is done in threads, and waiting for a key occupies none."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from ringlet_py.api import values
from ringlet_py.api.leases import ClaimedLease
from ringlet_py.api.ringlet import Ringlet
from ringlet_py.errors import RingletError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import Unpack

    from ringlet_py.api.values import Wishes
    from ringlet_py.broker import Broker
    from ringlet_py.entry import Address, Entry
    from ringlet_py.lease import Lease, Request
    from ringlet_py.lending.explaining import Explained
    from ringlet_py.secret import Secret


class AsyncRinglet:
    """As `Ringlet`, whose arguments it takes; for any number of tasks of one event loop."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        home: str | os.PathLike[str] = "",
        audit: bool | None = None,
        interactive: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._ringlet = Ringlet(environ, home=home, audit=audit, interactive=interactive, clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes what is open; another claim would open it again."""
        await asyncio.to_thread(self._ringlet.close)

    def claim(self, provider: str = "", **wishes: Unpack[Wishes]) -> Claiming:
        """As `Ringlet.claim`: `async with ringlet.claim(…) as lease`, or `lease = await ringlet.claim(…)`.

        A claim that is cancelled takes nothing, or gives it back.
        """
        return Claiming(self._ringlet._broker, values.request(provider, wishes))  # noqa: SLF001 - two halves of one

    async def explain(self, provider: str = "", **wishes: Unpack[Wishes]) -> list[Explained]:
        """As `Ringlet.explain`."""
        return await asyncio.to_thread(self._ringlet.explain, provider, **wishes)

    async def keys(self, where: Mapping[str, str] | None = None) -> list[Entry]:
        """As `Ringlet.keys`."""
        return await asyncio.to_thread(self._ringlet.keys, where)

    async def wake(self, provider: str, alias: str, *, feature: str = "") -> None:
        """As `Ringlet.wake`."""
        await asyncio.to_thread(self._ringlet.wake, provider, alias, feature=feature)


class Claiming:
    """A claim that is made when it is awaited or entered; each time another one."""

    def __init__(self, broker: Broker, request: Request) -> None:
        self._broker = broker
        self._request = request
        self._lease: AsyncLease | None = None

    def __await__(self) -> Generator[object, None, AsyncLease]:
        return self._claimed().__await__()

    async def __aenter__(self) -> AsyncLease:
        self._lease = await self._claimed()
        return self._lease

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lease is not None:
            self._lease.end()

    async def _claimed(self) -> AsyncLease:
        claiming = self._broker.claiming(self._request)
        while True:
            answer = await _Attempt(self._broker, claiming).made()
            if not isinstance(answer, float):
                return AsyncLease(ClaimedLease(self._broker, answer))
            await asyncio.sleep(answer)


class _Attempt:
    """One step of a claim in a thread; the thread itself gives a key back that nobody waits for any more."""

    def __init__(self, broker: Broker, claiming: Generator[float, None, Lease]) -> None:
        self._broker = broker
        self._claiming = claiming
        self._lock = threading.Lock()
        self._is_left = False
        self._taken: Lease | None = None

    async def made(self) -> Lease | float:
        """The lease, or how many seconds to pause before the next step."""
        try:
            return await asyncio.to_thread(self._make)
        except asyncio.CancelledError:
            with self._lock:
                self._is_left = True
                taken = self._taken
            if taken is not None:  # between the thread's end and our hearing of it
                await asyncio.shield(asyncio.to_thread(self._give_back, taken))
            raise

    def _make(self) -> Lease | float:
        try:
            return float(next(self._claiming))
        except StopIteration as done:
            lease: Lease = done.value
        with self._lock:
            self._taken = lease
            is_left = self._is_left
        if is_left:
            self._give_back(lease)
        return lease

    def _give_back(self, lease: Lease) -> None:
        try:
            self._broker.release(lease)
        except RingletError:
            return  # nobody is there to hear of it, and a use too many is counted


class AsyncLease:
    """As `ClaimedLease`, with reports that are awaited."""

    def __init__(self, lease: ClaimedLease) -> None:
        self._lease = lease

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Drops the secret; the use stays counted."""
        self._lease.end()

    @property
    def address(self) -> Address:
        """Which key it is."""
        return self._lease.address

    @property
    def secret(self) -> Secret:
        """The key's value, wrapped."""
        return self._lease.secret

    async def bound_secret(self, name: str) -> Secret:
        """As `ClaimedLease.bound_secret`."""
        return await asyncio.to_thread(self._lease.bound_secret, name)

    @property
    def base_url(self) -> str:
        """The only address the key is meant for; "" is the provider's own."""
        return self._lease.base_url

    @property
    def backend(self) -> str:
        """Where the key came from."""
        return self._lease.backend

    @property
    def expires_at(self) -> datetime | None:
        """When the key itself expires, if that is known."""
        return self._lease.expires_at

    @property
    def remaining(self) -> int | None:
        """The least that is left of any limit; None without a limit."""
        return self._lease.remaining

    @property
    def reason(self) -> str:
        """Why this key."""
        return self._lease.reason

    @property
    def ready_at(self) -> datetime | None:
        """When the key will be ready, if it is not."""
        return self._lease.ready_at

    async def rate_limited(
        self, retry_after: float | str | None = None, *, until: datetime | None = None, whole_org: bool | None = None
    ) -> None:
        """As `ClaimedLease.rate_limited`."""
        await asyncio.to_thread(self._lease.rate_limited, retry_after, until=until, whole_org=whole_org)

    async def quota_spent(self, until: datetime | None = None, *, whole_org: bool | None = None) -> None:
        """As `ClaimedLease.quota_spent`."""
        await asyncio.to_thread(self._lease.quota_spent, until, whole_org=whole_org)

    async def invalid(self) -> None:
        """As `ClaimedLease.invalid`."""
        await asyncio.to_thread(self._lease.invalid)

    async def ok(self) -> None:
        """As `ClaimedLease.ok`."""
        await asyncio.to_thread(self._lease.ok)

    async def release(self) -> None:
        """As `ClaimedLease.release`."""
        await asyncio.to_thread(self._lease.release)

    def __repr__(self) -> str:
        return f"Async{self._lease!r}"
