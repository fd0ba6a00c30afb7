"""Makes what moving in needs out of the parts that the app has."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from ringlet_py.errors import KeyNotFound
from ringlet_py.keychain.fingerprints import RESERVED
from ringlet_py.moving.applying import Mover
from ringlet_py.moving.below import Walk
from ringlet_py.moving.judging import hosts_of
from ringlet_py.moving.places import Places
from ringlet_py.moving.receipts import Receipts
from ringlet_py.moving.scanning import Scanner
from ringlet_py.moving.undoing import Undoing
from ringlet_py.moving.windows_variables import UserVariables, WindowsRegistry
from ringlet_py.searching.wanted import LEAST, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringlet_py.audit import Recorder
    from ringlet_py.broker import Broker
    from ringlet_py.catalog import Catalog
    from ringlet_py.files.folders import Folders
    from ringlet_py.keychain import Keychain
    from ringlet_py.moving.scanning import Scan
    from ringlet_py.secret import Secret

HISTORY = "migrate history"
_LOCK = "migrate.lock"


def look(
    keychain: Keychain,
    catalog: Catalog,
    folders: Folders,
    environ: Mapping[str, str],
    *,
    below: str,
    clock: Callable[[], float],
    advance: Callable[[int], None] = lambda _: None,
) -> Scan:
    """Looks through this home, the folder `below`, the environment, and other tools' stores."""
    from ringlet_py.moving.formats.known import format_of
    from ringlet_py.moving.stores.known import stores

    walk = Walk(folder=below, advance=advance)
    places = Places(home=folders.home, environ=environ, agents=catalog.agents.values())
    scanner = Scanner(
        keychain=keychain,
        providers=catalog.providers,
        home=folders.home,
        environ=environ,
        format_of=partial(format_of, hosts=frozenset(hosts_of(catalog.providers))),
        stores=lambda: stores(
            home=folders.home, environ=environ, providers=catalog.providers, now=clock(), folders=[below]
        ),
    )
    if (kept := _user_variables()) is not None:
        scanner.variables = kept.listed
    scan = scanner.scan([*places.all(), *walk.places()])
    scan.notes.extend(dict.fromkeys(walk.notes))
    return scan


def receipts(folders: Folders) -> Receipts:
    """The receipts of this person."""
    return Receipts(os.path.join(folders.state, "receipts"))


def mover(keychain: Keychain, folders: Folders, clock: Callable[[], float]) -> Mover:
    """Carries plans out."""
    lock, kept = os.path.join(folders.state, _LOCK), receipts(folders)
    return Mover(keychain=keychain, receipts=kept, clock=clock, lock_path=lock, variables=_user_variables())


def undoing(keychain: Keychain, broker: Broker, folders: Folders, clock: Callable[[], float]) -> Undoing:
    """Undoes them."""
    return Undoing(
        keychain=keychain,
        broker=broker,
        receipts=receipts(folders),
        clock=clock,
        lock_path=os.path.join(folders.state, _LOCK),
        registry=_user_variables(),
    )


def _user_variables() -> UserVariables | None:
    """The variables that Windows keeps for the user; None elsewhere."""
    return UserVariables(WindowsRegistry()) if sys.platform == "win32" else None


def unlock(keychain: Keychain) -> None:
    """Asks the keychain for something now, so that a person is asked once and before anything is planned."""
    try:
        keychain.backend.get(RESERVED)
    except KeyNotFound:
        return


def values(keychain: Keychain, audit: Recorder) -> tuple[dict[str, Secret], list[str]]:
    """The stored values that are long enough to be looked for, and whose are not; one record says that they were read.

    Raises KeychainErrors, AuditUnwritable.
    """
    found = read(keychain.there(), keychain.backend, audit, purpose=HISTORY)
    long = {str(address): secret for address, secret in found if secret.length >= LEAST}
    return long, [str(address) for address, secret in found if secret.length < LEAST]
