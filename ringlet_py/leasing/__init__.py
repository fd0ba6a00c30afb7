"""Leases that are remembered: granted for a time, renewed, released, reported on and revoked.

`service` does this, `grants` grants profiles their keys, `callers` is whose a lease is, `terms` for how long it runs,
`rows` what is kept of it and `shown` what is told.
A lease bounds what ringlet lends; it takes no key back from a program that has read it.
"""

from __future__ import annotations

from ringlet_py.leasing.service import Leasing as Leasing
