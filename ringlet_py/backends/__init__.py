"""Where secrets are kept: five verbs, one module a store.

Every backend keeps this contract (`tests/backends/contract.py` is it as tests):

- `get` gives the secret or raises KeyNotFound; a store that cannot be read is never "not found".
- `set` makes or replaces; afterwards exactly one value is found at the address, the old or the new one
  whatever stops it, and it has been read back through the same query that `get` uses.
- `remove` takes every match away, or raises KeyNotFound.
- `names` lists what is really there, bound secrets too, or None where the store cannot enumerate.
- `check` returns if the store can be used now, and raises the error that says why not
  (KeychainAbsent, KeychainLocked, KeychainDenied, KeychainTimeout, KeychainBroken) without asking a person.

One that has to wait for another process may have two more: `expect` begins the search for an address whose `get`
is to follow, and `dismiss` ends what was begun for nothing.  Neither gives an answer or an error.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ringlet_py.entry import Address
    from ringlet_py.secret import Secret

    class Backend(Protocol):
        """The five verbs; all raise the KeychainError that fits (or InsecurePermissions)."""

        @property
        def name(self) -> str: ...  # "system", "file", …: as the ledger and the audit write it

        @property
        def place(self) -> str: ...  # for people: "Secret Service", a path

        @property
        def max_length(self) -> int: ...  # the longest value it takes, in characters

        def get(self, address: Address) -> Secret: ...

        def set(self, address: Address, secret: Secret) -> None: ...

        def remove(self, address: Address) -> None: ...

        def names(self) -> list[Address] | None: ...

        def check(self) -> None: ...


def expect(backend: Backend, address: Address) -> None:
    """Lets the backend look for the key that `get` will be asked for, where it can do so beforehand."""
    begin = getattr(backend, "expect", None)
    if begin:
        begin(address)


def dismiss(backend: Backend) -> None:
    """Ends what `expect` has begun, if nobody took it up."""
    end = getattr(backend, "dismiss", None)
    if end:
        end()
