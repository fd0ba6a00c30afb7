"""Claims as a program makes them: keys sealed in the embedded ledger, every claim counted and recorded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.claiming import LIMIT
from ringlet_py import Ringlet
from ringlet_py.entry import Address, Entry, utc
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringlet_py.ledger.sealed_values import SqliteSealedValues

PROVIDER = "openai"
CONFIG = '[credentials]\nbackend = "sealed"\n\n[sealed]\nmaster-key = "file"\n'
_PUT = "INSERT INTO sealed_values (address, scheme, key_id, nonce, ciphertext) VALUES (?, ?, ?, ?, ?)"


def library_claim(folder: str | os.PathLike[str], keys: int) -> Callable[[], str]:
    """A function that claims one of so many keys and answers its value; `folder` is an empty one to live in."""
    config = Path(folder, ".config/ringlet")
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text(CONFIG)
    ringlet = Ringlet({}, home=folder)
    _fill(ringlet, keys)

    def claim() -> str:
        with ringlet.claim(PROVIDER, feature="image") as lease:
            return lease.secret.reveal()

    claim()  # the ledger learns the keys; a pool is made once and claimed from many times
    return claim


def _fill(ringlet: Ringlet, keys: int) -> None:
    """Has the keys as `keychain set` would, all in two transactions instead of a few for each key."""
    app = ringlet._app  # noqa: SLF001 - setting ten thousand keys one by one would take minutes
    addresses = [Address(PROVIDER, f"k{number:05}") for number in range(keys)]
    created = utc(app.clock())
    app.kept.entries.put(
        *(Entry(address, backend="sealed", created_at=created, max_uses=LIMIT) for address in addresses)
    )
    app.sealed.set(addresses[0], _made_up())  # with the first value the data key is made
    key = app.sealed.keys.current()
    sealed = [key.seal(address, _made_up()) for address in addresses[1:]]
    rows = [(each.address, each.scheme, each.key_id, each.nonce, each.ciphertext) for each in sealed]
    with cast("SqliteSealedValues", app.kept.sealed).file.writing() as connection:
        connection.executemany(_PUT, rows)


def _made_up() -> Secret:
    return Secret("sk-proj-" + os.urandom(24).hex())
