"""Keeps an entry and its secrets together.

`inventory` looks at what is there, `changes` has the order of writes that survives a crash, `recorded` is the
`Keychain` of all others: it checks what it is given and records every change.
"""

from __future__ import annotations

from ringlet_py.keychain.recorded import Keychain as Keychain
