"""What `import ringlet_py` offers programs: keys that are claimed and reported on, from threads and from asyncio.

`ringlet` is for threads, `for_asyncio` for an event loop, `leases` what both hand over, `values` what they are asked.
"""

from __future__ import annotations

from ringlet_py.api.for_asyncio import AsyncLease as AsyncLease
from ringlet_py.api.for_asyncio import AsyncRinglet as AsyncRinglet
from ringlet_py.api.leases import ClaimedLease as ClaimedLease
from ringlet_py.api.ringlet import Ringlet as Ringlet
