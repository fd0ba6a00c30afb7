"""Checks of where keys are kept: which backend and why no other, the OS keychain's state, and the master key."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ringlet_py.doctor.finding import NOTE, Finding, fine, note, of_error, problem, warning
from ringlet_py.doctor.mending import of_trouble, to_mend
from ringlet_py.entry import Address
from ringlet_py.errors import KeychainAbsent, KeychainError, KeyNotFound, RingletError
from ringlet_py.keychain.inventory import FEW
from ringlet_py.secret import Secret

if TYPE_CHECKING:
    from ringlet_py.backends import Backend
    from ringlet_py.doctor.surroundings import Surroundings
    from ringlet_py.doctor.system import System

# where the scratch entry lies, under a name of its own each time: a bound secret, so that no list of keys shows it
SCRATCH = Address("ringlet", "doctor")
UNKNOWN = "the settings cannot be read"
_LEFT_ALONE = {
    "file": "it is there only for where there is no keychain at all",
    "sealed": 'it is used only where it is chosen: backend = "sealed" in config.toml',
}
_NO_REASON = "a keychain that cannot be used now is no reason to put keys into a file"


def backends(surroundings: Surroundings) -> list[Finding]:
    """Which backend is in use, and why each other one is not."""
    if not surroundings.choice:
        return [note("which backend is in use is not known", why=UNKNOWN)]
    used, place = _used(surroundings)
    others = {name: _why_not(name, surroundings) for name in ("system", "file", "sealed") if name != used}
    return [
        fine(f"keys are kept in {place}", why=f"the backend {used}: {_chosen(used, surroundings)}"),
        *(note(f"the backend {name} is not used", why=why) for name, why in others.items()),
        *(_of_file(surroundings) if used == "file" else _leftovers(surroundings)),
    ]


def state(surroundings: Surroundings) -> list[Finding]:
    """Whether the OS keychain can be used now; if keys are to be there, a scratch entry goes in and out."""
    trouble = surroundings.keychain_trouble
    if trouble is not None:
        return [_unusable(trouble, surroundings)]
    if not surroundings.needs_keychain:
        return [
            note(f"the {surroundings.keychain().place} can be used{', and is not needed' * bool(surroundings.choice)}")
        ]
    return [_round_trip(surroundings.keychain(), surroundings.system)]


def master_key(surroundings: Surroundings) -> list[Finding]:
    """Whether sealed values can be opened."""
    if surroundings.choice != "sealed":
        return []
    surroundings.check_keys()
    if surroundings.app.settings.master_key == "passphrase":
        return [note("the master key comes from a passphrase, which is asked for when it is needed")]
    surroundings.app.sealed.check()
    return [fine("the master key opens the sealed values")]


def _used(surroundings: Surroundings) -> tuple[str, str]:
    """The backend that keys go to, and its place."""
    app, choice = surroundings.app, surroundings.choice
    absent = isinstance(surroundings.keychain_trouble, KeychainAbsent)
    if choice == "file" or (choice == "system" and absent):
        return "file", app.file_backend().place
    if choice == "sealed":
        return "sealed", "the ledger, sealed"
    return "system", surroundings.keychain().place


def _chosen(used: str, surroundings: Surroundings) -> str:
    """Why this one is in use."""
    if surroundings.choice != "system":
        return f"config.toml chooses {surroundings.choice}"
    return "there is no keychain" if used == "file" else "the default"


def _why_not(name: str, surroundings: Surroundings) -> str:
    """Why a backend is not in use."""
    choice, trouble = surroundings.choice, surroundings.keychain_trouble
    if name == "sealed":
        missing = "" if find_spec("cryptography") else "; its extra is missing: pip install 'ringlet-py[sealed]'"
        return _LEFT_ALONE[name] + missing
    if name == "system" and choice == "system" and trouble is not None:
        return trouble.what
    if name == "file" and choice == "system":
        return _LEFT_ALONE[name] if trouble is None else _NO_REASON
    return f"config.toml chooses {choice}"


def _of_file(surroundings: Surroundings) -> list[Finding]:
    """What speaks for and against the file that is in use."""
    backend = surroundings.app.file_backend()
    try:
        backend.check()
    except RingletError as trouble:
        return [of_error(trouble)]
    if surroundings.choice != "file":
        return []  # the check of the keychain says more
    return [note(f"{backend.place} is readable by you alone, and not encrypted")]


def _leftovers(surroundings: Surroundings) -> list[Finding]:
    """Keys that still lie in the file although it is not in use."""
    backend = surroundings.app.file_backend()
    try:
        left = sorted(str(name) for name in backend.names() or [] if not name.field)
    except RingletError as trouble:
        return [of_error(trouble, state=NOTE)]
    if not left:
        return []
    lie = "keys still lie" if len(left) > 1 else "key still lies"
    names = ", ".join([*left[:FEW], *(["…"] if len(left) > FEW else [])])
    what = f"{len(left)} {lie} in {backend.place}, which is not used: {names}"
    return [warning(what, why="they are not encrypted there", mend=_to_take(surroundings))]


def _to_take(surroundings: Surroundings) -> str:
    target = "sealed" if surroundings.choice == "sealed" else "system"
    return f"ringlet keychain move --from file --to {target} --all"


def _unusable(trouble: KeychainError, surroundings: Surroundings) -> Finding:
    """The keychain's trouble, as grave as it is for where the keys are to be."""
    if not surroundings.needs_keychain:
        chosen = f"it is not needed: config.toml chooses {surroundings.choice}"
        return note(
            trouble.what, why=chosen if surroundings.choice else f"whether it is needed is not known: {UNKNOWN}"
        )
    mend = to_mend(trouble, surroundings.system)
    if isinstance(trouble, KeychainAbsent) and surroundings.choice == "system":
        what = f"{trouble.what}; keys are in a file instead, readable by you alone, and not encrypted"
        return warning(what, why=trouble.why, mend=mend)
    return problem(trouble.what, why=trouble.why, mend=mend)


def _round_trip(backend: Backend, system: System) -> Finding:
    """Stores a value that is nobody's, reads it back, and takes it away whatever happened."""
    address = Address(SCRATCH.provider, SCRATCH.alias, f"scratch-{os.urandom(4).hex()}")
    secret = Secret(os.urandom(16).hex())
    try:
        _there_and_back(backend, address, secret)
    except RingletError as trouble:
        return of_trouble(trouble, system)
    return fine(f"the {backend.place} takes a value, gives it back, and forgets it")


def _there_and_back(backend: Backend, address: Address, secret: Secret) -> None:
    try:
        backend.set(address, secret)
        same = backend.get(address).same_as(secret)
    finally:
        with suppress(KeyNotFound):
            backend.remove(address)
    if not same:
        raise KeychainError(f"the {backend.place} gives back another value than it was given")
